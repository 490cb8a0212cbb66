// The upload button. With file handles where the browser has them, else through the hidden file input.
import { uploads } from '../state/services';
import { Button } from '../ui/button';
import { UploadIcon } from '../ui/icons';
import { useToast } from '../ui/toast';
import { canPickHandles, pickWithHandles } from './files';
import { openFileInput } from './file-input';

export function UploadButton({ projectId, label = 'Upload' }: { projectId: string; label?: string }) {
  const toast = useToast();
  const pick = async () => {
    if (!canPickHandles()) return openFileInput();
    try {
      uploads.add(projectId, await pickWithHandles(true));
    } catch (error) {
      // Policies may forbid the picker; the plain input always works.
      if (!(error instanceof DOMException)) return toast.fail(error);
      openFileInput();
    }
  };
  return (
    <Button look="primary" onClick={() => void pick()} data-testid="upload-button">
      <UploadIcon /><span>{label}</span>
    </Button>
  );
}
