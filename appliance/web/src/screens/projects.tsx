// All projects of the person, and how to make one.
import { useEffect, useState, type FormEvent } from 'react';
import { Link, useNavigate } from 'react-router';
import { asProblem } from '../api/client';
import { api } from '../api/endpoints';
import type { Project } from '../api/types';
import { useProjects } from '../state/projects';
import { useSignedIn } from '../state/session';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field } from '../ui/field';
import { formatDay, plural } from '../ui/format';
import { FolderIcon, PlusIcon } from '../ui/icons';
import { Mark } from '../ui/mark';
import { ProblemNote } from '../ui/problem';
import { Empty } from '../ui/small';

export function ProjectsScreen() {
  const { items, problem, reload } = useProjects();
  const { user } = useSignedIn();
  const [creating, setCreating] = useState(false);
  const mayCreate = user.role !== 'viewer';
  useEffect(() => {
    document.title = 'Projects · Strongroom';
    void reload();
  }, [reload]);

  const newProject = mayCreate && (
    <Button look="primary" onClick={() => setCreating(true)} data-testid="new-project"><PlusIcon /><span>New project</span></Button>
  );
  return (
    <div className="page">
      <div className="page-head">
        <div className="page-title"><h1>Projects</h1></div>
        {items && items.length > 0 && newProject}
      </div>
      {problem && <ProblemNote problem={problem}><Button small onClick={() => void reload()}>Try again</Button></ProblemNote>}
      {!items && !problem && <ul className="projects" aria-busy="true">{[1, 2, 3].map((n) => <li key={n} className="skeleton project-skeleton" />)}</ul>}
      {items?.length === 0 && (
        <Empty art={<Mark size={56} />} title={mayCreate ? 'Begin with a project' : 'No project yet'}>
          {mayCreate ? (
            <p>A project holds the media of one film, case or programme, and the people who may see it. Drop files into it and they play within seconds.</p>
          ) : (
            <p>Somebody has to add you to a project first. Ask its owner, or your administrator.</p>
          )}
          {newProject}
        </Empty>
      )}
      {items && items.length > 0 && <ul className="projects">{items.map((project) => <ProjectCard key={project.id} project={project} />)}</ul>}
      {creating && <NewProjectDialog onClose={() => setCreating(false)} />}
    </div>
  );
}

function ProjectCard({ project }: { project: Project }) {
  return (
    <li>
      <Link to={`/p/${project.id}`} className="project-card">
        <span className="project-cover">
          {project.cover ? <img src={project.cover} alt="" loading="lazy" decoding="async" /> : <FolderIcon size={32} />}
        </span>
        <span className="project-text">
          <span className="project-name truncate">{project.name}</span>
          <span className="muted small truncate">{plural(project.asset_count, 'asset')} · {formatDay(project.updated_at)}</span>
        </span>
      </Link>
    </li>
  );
}

function NewProjectDialog({ onClose }: { onClose: () => void }) {
  const { add } = useProjects();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ title: string; remedy: string } | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const project = await api.createProject(name.trim());
      add(project);
      void navigate(`/p/${project.id}`);
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title="New project" onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        {problem && <ProblemNote problem={problem} />}
        <Field
          label="Name" hint="You can add people once it exists." value={name} required maxLength={120} autoFocus
          onChange={(event) => setName(event.target.value)} data-testid="new-project-name"
        />
        <div className="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={busy} disabled={name.trim() === ''} data-testid="new-project-create">Create project</Button>
        </div>
      </form>
    </Dialog>
  );
}
