// All uploads of this browser: adds files, restores them after a reload, hands events to them, tells the tray.
// One manager lives as long as the page; it outlives every screen.
import type { Api } from '../api/endpoints';
import type { LiveConnection } from '../api/live';
import type { LiveEvent, Upload } from '../api/types';
import { PARTS_IN_FLIGHT } from './engine';
import type { PickedFile } from './files';
import { fingerprintOf } from './plan';
import { Slots } from './slots';
import { BrowserRecords, KEPT_WHOLE_MAX, type RecordStore, type UploadRecord } from './store';
import { UploadTask, type TaskView, type TaskWorld } from './task';
import { pause, putPart, randomKey, sha256Base64 } from './transport';

const FILES_AT_ONCE = 2;

export class UploadManager {
  private tasks: UploadTask[] = [];
  private snapshot: readonly TaskView[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly unfollow = new Map<string, () => void>();
  private readonly world: TaskWorld;
  private userId: string | null = null;
  private announced = false;
  private waitingForStart: (() => void)[] = [];
  private restored = false;

  constructor(
    private readonly api: Api,
    private readonly live: LiveConnection,
    private readonly records: RecordStore = new BrowserRecords(),
  ) {
    this.world = {
      api, records,
      ports: { put: putPart, checksum: sha256Base64, sleep: pause, random: Math.random, now: () => performance.now() },
      partSlots: new Slots(PARTS_IN_FLIGHT),
      fileSlots: new Slots(FILES_AT_ONCE),
      exclusively: inThisTabOnly,
      changed: () => this.announce(),
    };
    live.listen((event) => this.receive(event));
    live.onReconnect(() => this.tasks.forEach((task) => void task.refresh()));
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  views = (): readonly TaskView[] => this.snapshot;

  /** Called when somebody signed in: brings back what that person had under way. */
  async start(userId: string): Promise<void> {
    if (this.userId === userId) {
      for (const task of this.tasks) if (task.view.phase === 'interrupted') void task.resume();
      return;
    }
    this.userId = userId;
    this.restored = false;
    this.tasks = [];
    this.announce();
    const records = await this.records.all(userId);
    if (this.userId !== userId) return;
    for (const record of records) {
      if (this.tasks.some((task) => task.record.key === record.key)) continue;
      const task = this.take(new UploadTask(this.world, record));
      void task.restore();
    }
    this.restored = true;
    for (const go of this.waitingForStart.splice(0)) go();
  }

  /** The session is over: nothing is lost, sending stops until somebody signs in again. */
  suspend(): void {
    for (const task of this.tasks) task.interrupt();
  }

  /** The person signed out on purpose: the next one must not see these files. */
  forget(): void {
    this.suspend();
    this.tasks = [];
    this.userId = null;
    this.restored = false;
    this.announce();
  }

  add(projectId: string, files: readonly PickedFile[]): void {
    for (const { file, handle } of files) {
      const fingerprint = fingerprintOf(file);
      const same = this.tasks.find(
        (task) => task.record.projectId === projectId && task.record.fingerprint === fingerprint && task.view.phase !== 'done',
      );
      if (same) {
        // The same file again means "go on with it", whatever stopped it.
        if (!same.isBusy && same.view.phase !== 'verifying' && same.view.phase !== 'following') same.provide(file, handle);
        continue;
      }
      const record: UploadRecord = {
        key: randomKey(), userId: this.userId ?? '', projectId, uploadId: null,
        fileName: file.name, size: file.size, fingerprint, idempotencyKey: randomKey(), paused: false,
        createdAt: Date.now(), handle, file: handle === null && file.size <= KEPT_WHOLE_MAX ? file : null,
      };
      this.take(new UploadTask(this.world, record)).start(file);
    }
  }

  /** Shows uploads of this person that were begun elsewhere, and refused ones not yet put away. */
  async discover(projectId: string): Promise<void> {
    // Pages ask before this browser's own records are read; what is in them must not appear twice.
    if (!this.restored) await new Promise<void>((resolve) => this.waitingForStart.push(resolve));
    let found: Upload[];
    try {
      found = (await this.api.activeUploads(projectId)).items;
    } catch {
      return;
    }
    for (const upload of found) {
      const known = this.tasks.some(
        (task) => task.record.uploadId === upload.id
          || (task.record.projectId === projectId && task.record.fingerprint === upload.fingerprint),
      );
      if (known) continue;
      const record: UploadRecord = {
        key: `found-${upload.id}`, userId: this.userId ?? '', projectId, uploadId: upload.id,
        fileName: upload.file_name, size: upload.size, fingerprint: upload.fingerprint ?? '',
        idempotencyKey: randomKey(), paused: false, createdAt: Date.parse(upload.created_at) || 0, handle: null, file: null,
      };
      this.take(new UploadTask(this.world, record, upload, false)).showFound(upload);
    }
  }

  task(key: string): UploadTask | undefined {
    return this.tasks.find((task) => task.record.key === key);
  }

  /** Cancels, dismisses or puts away, whichever fits. */
  async remove(key: string): Promise<void> {
    const task = this.task(key);
    if (!task) return;
    this.tasks = this.tasks.filter((each) => each !== task);
    this.announce();
    await task.remove();
  }

  clearFinished(): void {
    for (const task of this.tasks) if (task.view.phase === 'done') void this.remove(task.record.key);
  }

  private take(task: UploadTask): UploadTask {
    this.tasks = [...this.tasks, task];
    this.announce();
    return task;
  }

  /** Follows the projects of all files that are not at their end, whichever page is open. */
  private followProjects(): void {
    const needed = new Set(this.snapshot.filter((view) => view.phase !== 'done').map((view) => view.projectId));
    for (const project of needed) if (!this.unfollow.has(project)) this.unfollow.set(project, this.live.follow(project));
    for (const [project, unfollow] of this.unfollow) {
      if (needed.has(project)) continue;
      unfollow();
      this.unfollow.delete(project);
    }
  }

  private receive(event: LiveEvent): void {
    for (const task of this.tasks) task.receive(event);
  }

  // Many parts report at once; screens hear of it once per turn of the event loop.
  private announce(): void {
    if (this.announced) return;
    this.announced = true;
    queueMicrotask(() => {
      this.announced = false;
      this.snapshot = this.tasks.map((task) => task.view);
      this.followProjects();
      for (const listener of this.listeners) listener();
    });
  }
}

/** Two tabs must not send the same file. Without the Locks API (no secure context) the check is left out. */
async function inThisTabOnly(name: string, act: () => Promise<void>): Promise<boolean> {
  if (!navigator.locks) {
    await act();
    return true;
  }
  // A transfer just stopped may hold its lock for a moment longer.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const ran = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await act();
      return lock !== null;
    });
    if (ran) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}
