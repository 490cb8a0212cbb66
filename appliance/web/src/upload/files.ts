// Files as people hand them over: a picker, a drop, folders included; and whether an old handle may still be read.

/** A file with the handle it came from, where the browser gives one: with it, a reload needs no second choice. */
export interface PickedFile {
  file: File;
  handle: FileSystemFileHandle | null;
}

interface HandleWithPermission extends FileSystemFileHandle {
  queryPermission?(options: { mode: 'read' }): Promise<PermissionState>;
  requestPermission?(options: { mode: 'read' }): Promise<PermissionState>;
}

interface PickerWindow {
  showOpenFilePicker?(options: { multiple: boolean }): Promise<FileSystemFileHandle[]>;
}

interface ItemWithHandle extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

const FOLDER_FILES_MAX = 1000;
const HANDLES_WITHIN_MS = 1500;

export function canPickHandles(): boolean {
  return typeof (window as PickerWindow).showOpenFilePicker === 'function';
}

/** Opens the browser's picker; an empty list when the person closes it. */
export async function pickWithHandles(multiple: boolean): Promise<PickedFile[]> {
  try {
    const handles = (await (window as PickerWindow).showOpenFilePicker?.({ multiple })) ?? [];
    return await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), handle })));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return [];
    throw error;
  }
}

export function filesOf(list: FileList | null): PickedFile[] {
  return Array.from(list ?? [], (file) => ({ file, handle: null }));
}

/** All files of a drop. Must be called inside the drop event: the items die with it. */
export async function filesOfDrop(transfer: DataTransfer): Promise<PickedFile[]> {
  const items = Array.from(transfer.items).filter((item) => item.kind === 'file') as ItemWithHandle[];
  const plain = filesOf(transfer.files);
  if (items.length === 0 || !items[0]?.getAsFileSystemHandle) return plain;
  const asked = Promise.all(items.map((item) => item.getAsFileSystemHandle?.().catch(() => null) ?? null));
  // Handles are an extra; where the browser keeps them back, the files themselves do.
  const handles = await Promise.race([asked, new Promise<null>((resolve) => setTimeout(resolve, HANDLES_WITHIN_MS, null))]);
  if (handles === null || handles.some((handle) => !handle)) return plain;
  const found: PickedFile[] = [];
  for (const handle of handles) if (handle) await collect(handle, found);
  return found;
}

async function collect(handle: FileSystemHandle, found: PickedFile[]): Promise<void> {
  if (found.length >= FOLDER_FILES_MAX) return;
  if (handle.kind === 'file') {
    const fileHandle = handle as FileSystemFileHandle;
    // Hidden files (.DS_Store and its like) come along with folders and are never meant.
    if (!handle.name.startsWith('.')) found.push({ file: await fileHandle.getFile(), handle: fileHandle });
    return;
  }
  const folder = handle as FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemHandle> };
  for await (const child of folder.values()) await collect(child, found);
}

export type Readable = { file: File } | 'ask-permission' | 'gone';

/** Tries to read the file again after a reload. Never opens a prompt: that needs a person's gesture. */
export async function reopen(handle: FileSystemFileHandle | null, kept: File | null): Promise<Readable> {
  try {
    if (handle) {
      const permission = await (handle as HandleWithPermission).queryPermission?.({ mode: 'read' });
      if (permission === 'prompt') return 'ask-permission';
      if (permission === 'denied') return 'gone';
      return { file: await handle.getFile() };
    }
    if (kept) {
      await kept.slice(0, 1).arrayBuffer();
      return { file: kept };
    }
  } catch {
    return 'gone';
  }
  return 'gone';
}

/** Asks the person, from within a click. */
export async function askPermission(handle: FileSystemFileHandle): Promise<File | null> {
  try {
    const permission = await (handle as HandleWithPermission).requestPermission?.({ mode: 'read' });
    return permission === 'granted' ? await handle.getFile() : null;
  } catch {
    return null;
  }
}
