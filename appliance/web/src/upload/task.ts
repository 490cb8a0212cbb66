// One file on its way: opens or resumes the upload, sends, completes, then follows the server until nothing more
// will change. Each change of `view` is announced through `changed`; the manager owns the collection.
import { ApiError, asProblem } from '../api/client';
import type { Api } from '../api/endpoints';
import type { Asset, LiveEvent, Problem, Upload, UploadedPart } from '../api/types';
import { patchStep } from '../state/asset-events';
import { FileUnreadable, sendParts, type EnginePorts } from './engine';
import { askPermission, reopen } from './files';
import { isSameFile, sentBytes } from './plan';
import { backOff } from './retry';
import type { Slots } from './slots';
import { SpeedMeter } from './speed';
import { isSettled } from './steps';
import type { RecordStore, UploadRecord } from './store';

export type Phase =
  | 'waiting' | 'sending' | 'offline' | 'paused' | 'interrupted' | 'needs-file' | 'needs-permission' | 'elsewhere'
  | 'finishing' | 'verifying' | 'refused' | 'following' | 'done' | 'failed';

export interface TaskView {
  key: string;
  projectId: string;
  fileName: string;
  size: number;
  phase: Phase;
  sentBytes: number;
  speed: number;
  secondsLeft: number;
  retriedParts: number;
  upload: Upload | null;
  asset: Asset | null;
  problem: Problem | null;
}

export interface TaskWorld {
  api: Api;
  ports: Omit<EnginePorts, 'sign'>;
  records: RecordStore;
  partSlots: Slots;
  fileSlots: Slots;
  /** Runs `act` while no other tab works on the same upload; false when another one does. */
  exclusively(name: string, act: () => Promise<void>): Promise<boolean>;
  changed(): void;
}

const REPORT_EVERY_MS = 250;

export class UploadTask {
  view: TaskView;
  private file: File | null = null;
  private running: AbortController | null = null;
  private readonly meter = new SpeedMeter();
  private reportedAt = 0;
  private keptBytes = 0;

  constructor(
    private readonly world: TaskWorld,
    readonly record: UploadRecord,
    upload: Upload | null = null,
    /** A task found on the server has no local record to keep. */
    private readonly kept = true,
  ) {
    this.view = {
      key: record.key, projectId: record.projectId, fileName: record.fileName, size: record.size,
      phase: 'waiting', sentBytes: upload ? sentBytes(upload) : 0, speed: 0, secondsLeft: Infinity, retriedParts: 0,
      upload, asset: null, problem: null,
    };
  }

  get isBusy(): boolean {
    return ['waiting', 'sending', 'offline', 'finishing'].includes(this.view.phase);
  }

  /** Begins with a file just chosen. */
  start(file: File): void {
    if (file.size === 0) {
      this.set({ phase: 'failed', problem: { code: 'upload.empty', title: `\`${file.name}\` is empty.`, remedy: 'Choose a file that has content.', retryable: false } });
      return;
    }
    this.file = file;
    this.save();
    if (this.record.file) void this.world.records.putFile(this.record.key, this.record.file);
    void this.run();
  }

  /** After a reload: asks the server how far it got, and reads the file again if the browser lets us. */
  async restore(): Promise<void> {
    const { uploadId } = this.record;
    if (uploadId) {
      const upload = await this.world.api.upload(uploadId).catch((error: unknown) => error as ApiError);
      if (upload instanceof Error) {
        if (upload instanceof ApiError && upload.status === 404) this.record.uploadId = null;
        else return this.fail(upload);
      } else {
        this.adopt(upload);
        if (upload.state !== 'open') return;
      }
    }
    if (this.record.paused) return this.set({ phase: 'paused' });
    await this.reread();
  }

  /** Shows an upload found on the server that this browser knows nothing of. */
  showFound(upload: Upload): void {
    this.adopt(upload);
    if (upload.state === 'open') this.set({ phase: 'needs-file' });
  }

  /** Offers a file chosen again; false when it is another one. */
  provide(file: File, handle: FileSystemFileHandle | null): boolean {
    const begun = { fingerprint: this.record.fingerprint || null, file_name: this.record.fileName, size: this.record.size };
    if (!isSameFile(file, begun)) return false;
    this.record.handle = handle;
    this.record.paused = false;
    this.file = file;
    void this.run();
    return true;
  }

  pause(): void {
    this.record.paused = true;
    this.save();
    this.stop('paused');
  }

  /** The session ended or the app closes; it goes on by itself when it may. */
  interrupt(): void {
    if (this.isBusy) this.stop('interrupted');
  }

  async resume(): Promise<void> {
    this.record.paused = false;
    this.save();
    if (this.view.phase === 'needs-permission' && this.record.handle) {
      const file = await askPermission(this.record.handle);
      if (!file) return this.set({ phase: 'needs-file' });
      this.file = file;
    }
    if (this.view.upload && this.view.upload.state !== 'open') return this.refresh();
    if (this.file) return this.run();
    await this.reread();
  }

  /** Aborts the upload here and on the server; also puts away a refused or a finished one. */
  async remove(): Promise<void> {
    this.running?.abort(new DOMException('cancelled', 'AbortError'));
    this.running = null;
    await this.world.records.remove(this.record.key);
    const upload = this.view.upload;
    if (upload && (upload.state === 'open' || upload.state === 'refused')) {
      await this.world.api.deleteUpload(upload.id).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      });
    }
  }

  async retryAsset(): Promise<void> {
    const asset = this.view.asset;
    if (!asset) return;
    await this.world.api.retryAsset(asset.id);
    await this.refresh();
  }

  /** Reads upload and asset again; used after a reconnection and when an event says that they changed. */
  async refresh(): Promise<void> {
    try {
      if (this.record.uploadId && !this.view.asset && !this.isBusy) {
        this.adopt(await this.world.api.upload(this.record.uploadId));
      } else if (this.view.asset) {
        this.adoptAsset(await this.world.api.asset(this.view.asset.id));
      }
    } catch {
      // The next event or reconnection asks again.
    }
  }

  receive(event: LiveEvent): void {
    const asset = this.view.asset;
    if (event.type === 'upload.changed' && event.data.id === this.record.uploadId && !this.isBusy) this.adopt(event.data);
    else if (event.type === 'upload.progress' && event.data.upload_id === this.record.uploadId) {
      const { upload } = this.view;
      if (upload?.state === 'verifying') this.set({ upload: { ...upload, progress: Math.max(upload.progress, event.data.progress) } });
    } else if (event.type === 'asset.changed' && event.data.asset_id === asset?.id) void this.refresh();
    else if (event.type === 'asset.progress' && asset && event.data.asset_id === asset.id) {
      this.adoptAsset(patchStep(asset, event.data));
    }
  }

  private async reread(): Promise<void> {
    const readable = await reopen(this.record.handle, this.record.file);
    if (readable === 'ask-permission') return this.set({ phase: 'needs-permission' });
    if (readable === 'gone' || readable.file.size !== this.record.size) return this.set({ phase: 'needs-file' });
    this.file = readable.file;
    await this.run();
  }

  private async run(): Promise<void> {
    if (this.running || !this.file) return;
    const running = new AbortController();
    this.running = running;
    this.set({ phase: 'waiting', problem: null });
    try {
      const free = await this.world.exclusively(`strongroom-upload-${this.record.projectId}-${this.record.fingerprint}`, () =>
        this.transfer(this.file as File, running.signal),
      );
      if (!free) this.set({ phase: 'elsewhere' });
    } catch (error) {
      if (!running.signal.aborted) this.fail(error);
    } finally {
      if (this.running === running) this.running = null;
    }
  }

  private async transfer(file: File, signal: AbortSignal): Promise<void> {
    const release = await this.world.fileSlots.acquire(signal);
    try {
      let upload = await this.open(signal);
      // Twice at most: a server that lost a part says so on completion, and the lists are compared again.
      for (let round = 0; upload.state === 'open'; round += 1) {
        this.set({ phase: 'sending', upload });
        const parts = await this.send(upload, file, signal);
        this.set({ phase: 'finishing', sentBytes: this.record.size, speed: 0 });
        upload = await this.complete(upload, parts, signal, round);
      }
      this.adopt(upload);
      // What was told of it before this answer came was not listened to: a refusal may be quicker than the answer.
      if (upload.state === 'verifying') await this.refresh();
    } finally {
      release();
    }
  }

  private async open(signal: AbortSignal): Promise<Upload> {
    const { api } = this.world;
    const upload = await this.patiently(signal, async () => {
      if (this.record.uploadId) {
        const known = await api.upload(this.record.uploadId).catch((error: unknown) => {
          if (error instanceof ApiError && error.status === 404) return null;
          throw error;
        });
        if (known && known.state !== 'aborted') return known;
      }
      return api.openUpload(this.record.projectId, {
        file_name: this.record.fileName, size: this.record.size, fingerprint: this.record.fingerprint, sha256: null,
      });
    });
    this.record.uploadId = upload.id;
    this.save();
    return upload;
  }

  private send(upload: Upload, file: File, signal: AbortSignal): Promise<UploadedPart[]> {
    this.meter.reset();
    return sendParts({
      upload, file, signal, slots: this.world.partSlots,
      ports: {
        ...this.world.ports,
        sign: async (numbers) => (await this.world.api.signParts(upload.id, numbers)).parts,
      },
      onProgress: (bytes, kept) => this.progress(bytes, kept),
      onRetry: (_number, status) => {
        this.set({ retriedParts: this.view.retriedParts + 1, ...(status === 0 ? { phase: 'offline' as const, speed: 0 } : {}) });
      },
    });
  }

  private async complete(upload: Upload, parts: UploadedPart[], signal: AbortSignal, round: number): Promise<Upload> {
    const named = parts.map(({ number, etag }) => ({ number, etag }));
    try {
      return await this.patiently(signal, () => this.world.api.completeUpload(upload.id, named, this.record.idempotencyKey));
    } catch (error) {
      if (!(error instanceof ApiError) || round > 0) throw error;
      const now = await this.patiently(signal, () => this.world.api.upload(upload.id));
      const somethingIsMissing = now.state === 'open' && sentBytes(now) < now.size;
      if (now.state === 'open' && !somethingIsMissing) throw error;
      return now;
    }
  }

  /** Repeats a small request while the server cannot be reached. */
  private async patiently<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await act();
      } catch (error) {
        const passing = error instanceof ApiError && (error.status === 0 || error.status >= 500 || error.status === 429);
        if (!passing || attempt >= 20) throw error;
        if (error.status === 0) this.set({ phase: 'offline', speed: 0 });
        const wait = error.retryAfterSeconds ? error.retryAfterSeconds * 1000 : backOff(attempt, this.world.ports.random);
        await this.world.ports.sleep(wait, signal);
      }
    }
  }

  private progress(bytes: number, kept: number): void {
    this.keptBytes = kept;
    const now = this.world.ports.now();
    this.meter.record(bytes, now);
    const finished = bytes >= this.record.size;
    if (now - this.reportedAt < REPORT_EVERY_MS && !finished) return;
    this.reportedAt = now;
    this.set({
      phase: 'sending', sentBytes: bytes, speed: this.meter.bytesPerSecond(),
      secondsLeft: this.meter.secondsLeft(this.record.size - bytes),
    });
  }

  private adopt(upload: Upload): void {
    this.record.uploadId = upload.id;
    if (upload.state === 'open') {
      this.keptBytes = sentBytes(upload);
      this.set({ upload, sentBytes: this.keptBytes });
      return;
    }
    // The server has the bytes now; the browser need not keep the file at hand.
    this.file = null;
    this.record.handle = null;
    if (this.record.file) {
      this.record.file = null;
      void this.world.records.removeFile(this.record.key);
    }
    this.save();
    if (upload.state === 'aborted') {
      this.set({ upload, phase: 'failed', problem: { code: 'upload.aborted', title: 'This upload was cancelled.', remedy: 'Upload the file again if you still need it.', retryable: false } });
    } else if (upload.state === 'refused') {
      this.set({ upload, phase: 'refused', problem: upload.problem, sentBytes: this.record.size });
    } else {
      this.set({ upload, phase: 'verifying', sentBytes: this.record.size, problem: null });
      if (upload.state === 'promoted' && upload.asset_id) void this.follow(upload.asset_id);
    }
  }

  private async follow(assetId: string): Promise<void> {
    try {
      this.adoptAsset(await this.world.api.asset(assetId));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.set({ phase: 'done' });
    }
  }

  private adoptAsset(asset: Asset): void {
    const settled = isSettled(asset);
    this.set({ asset, phase: settled ? 'done' : 'following', problem: asset.problem });
    if (settled) void this.world.records.remove(this.record.key);
  }

  private stop(phase: 'paused' | 'interrupted'): void {
    this.running?.abort(new DOMException(phase, 'AbortError'));
    this.running = null;
    this.meter.reset();
    // Parts in flight are lost by stopping; the numbers say so.
    this.set({ phase, speed: 0, secondsLeft: Infinity, sentBytes: this.view.upload ? this.keptBytes : 0 });
  }

  private fail(error: unknown): void {
    if (error instanceof FileUnreadable) {
      this.file = null;
      this.record.handle = null;
      this.record.file = null;
      return this.set({ phase: 'needs-file', speed: 0 });
    }
    if (error instanceof ApiError && error.status === 401) return this.set({ phase: 'interrupted', speed: 0 });
    const { title, remedy, code } = asProblem(error);
    const retryable = !(error instanceof ApiError) || error.status === 0 || error.status >= 500 || error.status === 429;
    this.set({ phase: 'failed', speed: 0, problem: { code, title, remedy, retryable } });
    // A refused opening will be refused again after a reload; there is nothing to restore.
    if (!retryable && !this.record.uploadId) void this.world.records.remove(this.record.key);
  }

  private save(): void {
    if (this.kept) void this.world.records.put({ ...this.record });
  }

  private set(patch: Partial<TaskView>): void {
    this.view = { ...this.view, ...patch };
    this.world.changed();
  }
}
