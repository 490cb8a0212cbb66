// What an upload needs to survive a reload, kept in IndexedDB.
//
// A large file is never put into IndexedDB itself: browsers copy its bytes there, which would double a 50 GB master on
// the disk. Where the browser hands out file handles, the handle is kept (a reference, a few bytes); small files are
// kept whole; for the rest the person is asked to choose the file again and it is recognised by its fingerprint.

export const KEPT_WHOLE_MAX = 256 * 1024 * 1024;

export interface UploadRecord {
  key: string;
  userId: string;
  projectId: string;
  uploadId: string | null;
  fileName: string;
  size: number;
  fingerprint: string;
  idempotencyKey: string;
  paused: boolean;
  createdAt: number;
  handle: FileSystemFileHandle | null;
  /** Kept beside the record and written once, for each write of it copies all its bytes. */
  file: File | null;
}

export interface RecordStore {
  all(userId: string): Promise<UploadRecord[]>;
  put(record: UploadRecord): Promise<void>;
  putFile(key: string, file: File): Promise<void>;
  removeFile(key: string): Promise<void>;
  /** Removes the record and its file. */
  remove(key: string): Promise<void>;
}

const DATABASE = 'strongroom';
const RECORDS = 'uploads';
const FILES = 'files';

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDS, { keyPath: 'key' });
      request.result.createObjectStore(FILES);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** IndexedDB, and nothing at all where it is blocked (private windows): uploads then work but do not survive a reload. */
export class BrowserRecords implements RecordStore {
  private database: Promise<IDBDatabase | null> | null = null;

  async all(userId: string): Promise<UploadRecord[]> {
    const records = ((await this.run(RECORDS, 'readonly', (store) => store.getAll())) as UploadRecord[] | null) ?? [];
    const mine = records.filter((record) => record.userId === userId).sort((a, b) => a.createdAt - b.createdAt);
    return Promise.all(mine.map(async (record) => {
      const file = await this.run(FILES, 'readonly', (store) => store.get(record.key));
      return { ...record, file: file instanceof File ? file : null };
    }));
  }

  async put(record: UploadRecord): Promise<void> {
    const light = { ...record, file: null };
    const stored = await this.run(RECORDS, 'readwrite', (store) => store.put(light));
    // A browser that cannot keep the handle can still keep the rest.
    if (stored === null) await this.run(RECORDS, 'readwrite', (store) => store.put({ ...light, handle: null }));
  }

  async putFile(key: string, file: File): Promise<void> {
    await this.run(FILES, 'readwrite', (store) => store.put(file, key));
  }

  async removeFile(key: string): Promise<void> {
    await this.run(FILES, 'readwrite', (store) => store.delete(key));
  }

  async remove(key: string): Promise<void> {
    await this.run(RECORDS, 'readwrite', (store) => store.delete(key));
    await this.removeFile(key);
  }

  private async run(name: string, mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
    this.database ??= open().catch(() => null);
    const database = await this.database;
    if (!database) return null;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction(name, mode);
        const request = act(transaction.objectStore(name));
        transaction.oncomplete = () => resolve(request.result ?? true);
        transaction.onerror = transaction.onabort = () => resolve(null);
      } catch {
        resolve(null);
      }
    });
  }
}
