// The header of a project: its name, its tabs, and the upload button for those who may upload.
import { useEffect } from 'react';
import { NavLink, Outlet, useParams } from 'react-router';
import { useProjects } from '../state/projects';
import { UploadButton } from '../upload/upload-button';
import { plural } from '../ui/format';

export function useProjectRole(): { canEdit: boolean; isOwner: boolean } {
  const { projectId } = useParams();
  const { items } = useProjects();
  const role = items?.find((project) => project.id === projectId)?.role;
  return { canEdit: role === 'owner' || role === 'editor', isOwner: role === 'owner' };
}

export function ProjectLayout() {
  const { projectId = '' } = useParams();
  const { items } = useProjects();
  const { canEdit } = useProjectRole();
  const project = items?.find((each) => each.id === projectId);
  useEffect(() => {
    document.title = project ? `${project.name} · Strongroom` : 'Strongroom';
  }, [project]);
  return (
    <div className="page">
      <div className="page-head">
        <div className="page-title">
          <h1 className="truncate">{project?.name ?? '\u00a0'}</h1>
          <span className="muted small">{project ? plural(project.asset_count, 'asset') : '\u00a0'}</span>
        </div>
        {canEdit && <UploadButton projectId={projectId} />}
      </div>
      <nav className="tabs" aria-label="Project">
        <NavLink to="." end className="tab">Library</NavLink>
        <NavLink to="members" className="tab">Members</NavLink>
      </nav>
      <Outlet />
    </div>
  );
}
