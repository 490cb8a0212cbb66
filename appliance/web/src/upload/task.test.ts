// One file from choice to asset: opening, resuming, completing, refusal, and what the tray's steps say meanwhile.
import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/client';
import type { Api } from '../api/endpoints';
import type { Asset, Upload } from '../api/types';
import { fingerprintOf } from './plan';
import { Slots } from './slots';
import { traySteps } from './steps';
import type { UploadRecord } from './store';
import { UploadTask, type TaskWorld } from './task';

const file = new File(['0123456789'.repeat(3)], 'clip.mp4', { lastModified: 5 });

class FakeServer {
  upload: Upload = {
    id: 'upl_1', project_id: 'proj_1', file_name: 'clip.mp4', size: 30, part_size: 10, part_count: 3, state: 'open',
    parts: [], progress: 0, asset_id: null, problem: null, fingerprint: fingerprintOf(file), created_at: '', expires_at: '',
  };
  asset = {
    id: 'asset_1', state: 'processing', problem: null,
    steps: [{ name: 'verified', state: 'done', progress: 1, note: null }, { name: 'playable', state: 'running', progress: 0.4, note: null }],
  } as unknown as Asset;
  calls: string[] = [];
  completeErrors: ApiError[] = [];
  openError: ApiError | null = null;
  keys = new Set<string>();
  /** The file is refused before the answer to `complete` has arrived. */
  refusesAtOnce = false;

  api = {
    openUpload: async () => {
      this.calls.push('open');
      if (this.openError) throw this.openError;
      return this.upload;
    },
    upload: async () => {
      this.calls.push('get');
      return this.upload;
    },
    signParts: async (_id: string, numbers: number[]) => ({ parts: numbers.map((number) => ({ number, url: `/p/${number}`, expires_at: '' })) }),
    completeUpload: async (_id: string, _parts: unknown, key: string) => {
      this.calls.push('complete');
      this.keys.add(key);
      const error = this.completeErrors.shift();
      if (error) throw error;
      const answer: Upload = { ...this.upload, state: 'verifying' };
      const problem = { code: 'media.executable', title: 'the file is a program, not media', remedy: 'choose a media file', retryable: false };
      this.upload = this.refusesAtOnce ? { ...answer, state: 'refused', problem } : answer;
      return answer;
    },
    asset: async () => this.asset,
    deleteUpload: async () => void this.calls.push('delete'),
  } as unknown as Api;
}

function worldOf(server: FakeServer): TaskWorld & { stored: Map<string, UploadRecord>; puts: number[] } {
  const stored = new Map<string, UploadRecord>();
  const puts: number[] = [];
  return {
    stored, puts, api: server.api,
    ports: {
      put: async (url, bytes) => {
        const number = Number(url.slice(3));
        puts.push(number);
        server.upload = { ...server.upload, parts: [...server.upload.parts, { number, size: bytes.byteLength, etag: `"${number}"` }] };
        return `"${number}"`;
      },
      checksum: async () => null, sleep: async () => undefined, random: () => 0, now: () => 0,
    },
    records: {
      all: async () => [...stored.values()],
      put: async (record) => void stored.set(record.key, record),
      putFile: async () => undefined,
      removeFile: async () => undefined,
      remove: async (key) => void stored.delete(key),
    },
    partSlots: new Slots(4), fileSlots: new Slots(2),
    exclusively: async (_name, act) => {
      await act();
      return true;
    },
    changed: () => undefined,
  };
}

function recordOf(): UploadRecord {
  return {
    key: 'k1', userId: 'user_1', projectId: 'proj_1', uploadId: null, fileName: file.name, size: file.size,
    fingerprint: fingerprintOf(file), idempotencyKey: 'once', paused: false, createdAt: 1, handle: null, file: null,
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(condition()).toBe(true);
}

describe('an upload', () => {
  it('with nothing in it is told so without asking the server', () => {
    const server = new FakeServer();
    const world = worldOf(server);
    const empty = new File([], 'empty.mp4');
    const task = new UploadTask(world, { ...recordOf(), fileName: 'empty.mp4', size: 0 });
    task.start(empty);
    expect(task.view.phase).toBe('failed');
    expect(task.view.problem).toMatchObject({ title: '`empty.mp4` is empty.', retryable: false });
    expect(server.calls).toEqual([]);
    expect(world.stored.size).toBe(0);
  });

  it('opens, sends, completes, and then follows the asset to its end', async () => {
    const server = new FakeServer();
    const world = worldOf(server);
    const task = new UploadTask(world, recordOf());
    task.start(file);
    await until(() => task.view.phase === 'verifying');
    expect(server.calls.slice(0, 2)).toEqual(['open', 'complete']);
    expect(world.puts.sort()).toEqual([1, 2, 3]);
    expect(traySteps(1, task.view.upload, null).map((step) => step.state)).toEqual(['done', 'running', 'waiting', 'waiting', 'waiting']);

    task.receive({ seq: 1, project: 'proj_1', type: 'upload.changed', data: { ...server.upload, state: 'promoted', asset_id: 'asset_1' } });
    await until(() => task.view.phase === 'following');
    task.receive({ seq: 0, project: 'proj_1', type: 'asset.progress', data: { asset_id: 'asset_1', step: 'playable', state: 'running', progress: 0.7, note: null } });
    expect(traySteps(1, task.view.upload, task.view.asset)[2]).toMatchObject({ state: 'running', progress: 0.7 });
    server.asset = { ...server.asset, state: 'ready', steps: server.asset.steps.map((step) => ({ ...step, state: 'done' })) };
    task.receive({ seq: 2, project: 'proj_1', type: 'asset.changed', data: { asset_id: 'asset_1' } });
    await until(() => task.view.phase === 'done');
    expect(world.stored.size).toBe(0);
  });

  it('completes again with the same idempotency key when no answer came', async () => {
    const server = new FakeServer();
    server.completeErrors = [new ApiError(0, {}), new ApiError(503, {})];
    const task = new UploadTask(worldOf(server), recordOf());
    task.start(file);
    await until(() => task.view.phase === 'verifying');
    expect(server.calls.filter((call) => call === 'complete')).toHaveLength(3);
    expect([...server.keys]).toEqual(['once']);
  });

  it('sends a part again that the server has lost', async () => {
    const server = new FakeServer();
    const world = worldOf(server);
    server.completeErrors = [new ApiError(422, { code: 'upload.parts-missing' })];
    const task = new UploadTask(world, recordOf());
    const complete = server.api.completeUpload;
    let first = true;
    server.api.completeUpload = (...args) => {
      if (first) server.upload = { ...server.upload, parts: server.upload.parts.filter((part) => part.number !== 2) };
      first = false;
      return complete(...args);
    };
    task.start(file);
    await until(() => task.view.phase === 'verifying');
    expect(world.puts.filter((number) => number === 2)).toHaveLength(2);
  });

  it('goes on after a reload without sending again what arrived', async () => {
    const server = new FakeServer();
    server.upload.parts = [{ number: 1, size: 10, etag: '"1"' }];
    const world = worldOf(server);
    const task = new UploadTask(world, { ...recordOf(), uploadId: 'upl_1', file });
    await task.restore();
    await until(() => task.view.phase === 'verifying');
    expect(world.puts.sort()).toEqual([2, 3]);
    expect(server.calls).not.toContain('open');
  });

  it('asks for the file when it cannot be read any more, and takes only the same one', async () => {
    const server = new FakeServer();
    const task = new UploadTask(worldOf(server), { ...recordOf(), uploadId: 'upl_1' });
    await task.restore();
    expect(task.view.phase).toBe('needs-file');
    expect(task.provide(new File(['other'], 'clip.mp4', { lastModified: 5 }), null)).toBe(false);
    expect(task.provide(file, null)).toBe(true);
    await until(() => task.view.phase === 'verifying');
  });

  it('stays paused over a reload', async () => {
    const server = new FakeServer();
    const world = worldOf(server);
    const task = new UploadTask(world, { ...recordOf(), uploadId: 'upl_1', paused: true, file });
    await task.restore();
    expect(task.view.phase).toBe('paused');
    expect(world.puts).toEqual([]);
    await task.resume();
    await until(() => task.view.phase === 'verifying');
  });

  it('tells why it was refused and what to do', async () => {
    const server = new FakeServer();
    server.openError = new ApiError(413, { code: 'upload.too-large', detail: 'This file is larger than 100 GB.', remedy: 'Cut it into reels.' });
    const world = worldOf(server);
    const task = new UploadTask(world, recordOf());
    task.start(file);
    await until(() => task.view.phase === 'failed');
    expect(task.view.problem).toMatchObject({ code: 'upload.too-large', title: 'This file is larger than 100 GB.', remedy: 'Cut it into reels.', retryable: false });
  });

  it('shows a refusal by the server after verification', async () => {
    const server = new FakeServer();
    const task = new UploadTask(worldOf(server), recordOf());
    task.start(file);
    await until(() => task.view.phase === 'verifying');
    const problem = { code: 'upload.not-media', title: 'This is not media.', remedy: 'Choose another file.', retryable: false };
    task.receive({ seq: 1, project: 'proj_1', type: 'upload.changed', data: { ...server.upload, state: 'refused', problem } });
    expect(task.view.phase).toBe('refused');
    expect(traySteps(1, task.view.upload, null)[1]?.state).toBe('failed');
    await task.remove();
    expect(server.calls).toContain('delete');
  });

  it('shows a refusal that was quicker than the answer to complete', async () => {
    const server = new FakeServer();
    server.refusesAtOnce = true;
    const task = new UploadTask(worldOf(server), recordOf());
    task.start(file);
    await until(() => task.view.phase === 'refused');
    expect(task.view.phase).toBe('refused');
    expect(task.view.problem?.code ?? task.view.upload?.problem?.code).toBe('media.executable');
  });
});
