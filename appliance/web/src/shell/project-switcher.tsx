// The name of the current project, and the others one click away.
import { useNavigate } from 'react-router';
import { useProjects } from '../state/projects';
import { ChevronDownIcon, FolderIcon } from '../ui/icons';
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from '../ui/menu';

export function ProjectSwitcher({ projectId }: { projectId: string }) {
  const { items } = useProjects();
  const navigate = useNavigate();
  const current = items?.find((project) => project.id === projectId);
  return (
    <Menu
      label="Switch project" triggerClass="switcher"
      trigger={<><span className="truncate">{current?.name ?? 'Project'}</span><ChevronDownIcon size={16} /></>}
    >
      <MenuLabel>Projects</MenuLabel>
      {(items ?? []).map((project) => (
        <MenuChoice key={project.id} checked={project.id === projectId} onSelect={() => void navigate(`/p/${project.id}`)}>
          {project.name}
        </MenuChoice>
      ))}
      <MenuLine />
      <MenuItem icon={<FolderIcon />} onSelect={() => void navigate('/')}>All projects</MenuItem>
    </Menu>
  );
}
