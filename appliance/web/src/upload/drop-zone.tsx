// Dropping files anywhere on a project's pages uploads them into it.
import { useEffect, useRef, useState } from 'react';
import { Outlet, useParams } from 'react-router';
import { useProjects } from '../state/projects';
import { uploads } from '../state/services';
import { UploadIcon } from '../ui/icons';
import { useToast } from '../ui/toast';
import { FileInput } from './file-input';
import { filesOfDrop } from './files';

export function DropZone() {
  const { projectId = '' } = useParams();
  const { items } = useProjects();
  const project = items?.find((each) => each.id === projectId);
  const mayUpload = project !== undefined && project.role !== 'viewer';
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const toast = useToast();

  useEffect(() => {
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth.current += 1;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth.current = Math.max(0, depth.current - 1);
      if (depth.current === 0) setOver(false);
    };
    const hover = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      // Even where nothing may be uploaded: the browser must not leave the page to show the file.
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = mayUpload ? 'copy' : 'none';
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth.current = 0;
      setOver(false);
      if (!mayUpload || !event.dataTransfer) return;
      filesOfDrop(event.dataTransfer).then((files) => uploads.add(projectId, files), toast.fail);
    };
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', hover);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', hover);
      window.removeEventListener('drop', drop);
    };
  }, [projectId, mayUpload, toast]);

  return (
    <>
      {mayUpload && <FileInput projectId={projectId} />}
      <Outlet />
      {over && (
        <div className="drop-overlay" data-testid="drop-overlay">
          <div className="drop-card">
            <UploadIcon size={36} />
            <strong>{mayUpload ? `Drop to upload into ${project.name}` : 'You may watch here, but not upload'}</strong>
            {mayUpload && <span className="muted">Video, audio and images; folders too</span>}
          </div>
        </div>
      )}
    </>
  );
}
