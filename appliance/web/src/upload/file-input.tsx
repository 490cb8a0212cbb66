// The one hidden file input of a project; buttons open it by calling `openFileInput`.
import { useEffect, useRef } from 'react';
import { uploads } from '../state/services';
import { filesOf } from './files';

let current: HTMLInputElement | null = null;

export function openFileInput(): void {
  current?.click();
}

export function FileInput({ projectId }: { projectId: string }) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    current = ref.current;
    return () => {
      current = null;
    };
  }, []);
  return (
    <input
      ref={ref} type="file" multiple className="visually-hidden" tabIndex={-1} aria-hidden="true" data-testid="upload-input"
      onChange={(event) => {
        uploads.add(projectId, filesOf(event.target.files));
        // The same file may be chosen again later.
        event.target.value = '';
      }}
    />
  );
}
