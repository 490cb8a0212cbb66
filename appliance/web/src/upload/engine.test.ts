// The upload engine against a server that loses, refuses and forgets.
import { describe, expect, it } from 'vitest';
import { ApiError, unreachable } from '../api/client';
import type { SignedPart, Upload } from '../api/types';
import { FileUnreadable, PARTS_IN_FLIGHT, sendParts, type EnginePorts } from './engine';
import { Slots } from './slots';
import { PutError, sha256Base64, type PutOptions } from './transport';

const PART = 10;

function uploadOf(size: number, sent: number[] = []): Upload {
  const count = Math.ceil(size / PART);
  return {
    id: 'upl_1', project_id: 'proj_1', file_name: 'a.mp4', size, part_size: PART, part_count: count, state: 'open',
    parts: sent.map((number) => ({ number, size: Math.min(PART, size - (number - 1) * PART), etag: `"old-${number}"` })),
    progress: 0, asset_id: null, problem: null, fingerprint: null, created_at: '', expires_at: '',
  };
}

class Server {
  received = new Map<number, string>();
  checksums = new Map<number, string | null>();
  signRequests: number[][] = [];
  puts: number[] = [];
  sleeps: number[] = [];
  inFlight = 0;
  mostInFlight = 0;
  clock = 0;
  /** Decides the status of the n-th PUT of a part. */
  answer: (part: number, attempt: number, url: string) => number = () => 200;
  private attempts = new Map<number, number>();
  private signatures = 0;

  ports: EnginePorts = {
    sign: async (numbers) => {
      this.signRequests.push(numbers);
      this.signatures += 1;
      return numbers.map<SignedPart>((number) => ({ number, url: `/put/${number}?s=${this.signatures}`, expires_at: '' }));
    },
    put: (url, bytes, options) => this.put(url, bytes, options),
    checksum: sha256Base64,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      this.sleeps.push(ms);
    },
    random: () => 0.5,
    now: () => this.clock,
  };

  private async put(url: string, bytes: ArrayBuffer, options: PutOptions): Promise<string> {
    const number = Number(/\/put\/(\d+)/.exec(url)?.[1]);
    this.puts.push(number);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.inFlight -= 1;
    if (options.signal.aborted) throw options.signal.reason;
    options.onProgress(bytes.byteLength);
    const attempt = (this.attempts.get(number) ?? 0) + 1;
    this.attempts.set(number, attempt);
    const status = this.answer(number, attempt, url);
    if (status !== 200) throw new PutError(status);
    this.received.set(number, new TextDecoder().decode(bytes));
    this.checksums.set(number, options.checksum);
    return `"${number}"`;
  }
}

function send(server: Server, upload: Upload, text: string, signal = new AbortController().signal) {
  const progress: number[] = [];
  const result = sendParts({
    upload, file: new Blob([text]), ports: server.ports, slots: new Slots(PARTS_IN_FLIGHT), signal,
    onProgress: (bytes) => progress.push(bytes),
  });
  return { result, progress };
}

const text = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

describe('the upload engine', () => {
  it('sends every byte once, in parallel, with a digest for each part', async () => {
    const server = new Server();
    const { result, progress } = send(server, uploadOf(text.length), text);
    const parts = await result;
    expect(parts.map((part) => part.number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(parts.map((part) => server.received.get(part.number)).join('')).toBe(text);
    expect(server.mostInFlight).toBe(PARTS_IN_FLIGHT);
    expect(server.checksums.get(1)).toHaveLength(44);
    expect(progress.at(-1)).toBe(text.length);
  });

  it('skips the parts that the server already holds', async () => {
    const server = new Server();
    const { result, progress } = send(server, uploadOf(text.length, [1, 2, 5]), text);
    const parts = await result;
    expect([...server.received.keys()].sort()).toEqual([3, 4, 6, 7]);
    expect(parts.map((part) => part.etag)).toEqual(['"old-1"', '"old-2"', '"3"', '"4"', '"old-5"', '"6"', '"7"']);
    expect(progress[0]).toBe(30);
  });

  it('sends a part again whose stored size is wrong', async () => {
    const server = new Server();
    const upload = uploadOf(text.length, [1]);
    upload.parts[0] = { number: 1, size: 3, etag: '"short"' };
    await send(server, upload, text).result;
    expect(server.received.has(1)).toBe(true);
  });

  it('has nothing to send when all parts are there', async () => {
    const server = new Server();
    const parts = await send(server, uploadOf(20, [1, 2]), text.slice(0, 20)).result;
    expect(parts).toHaveLength(2);
    expect(server.signRequests).toEqual([]);
  });

  it('waits longer after each failure and then succeeds', async () => {
    const server = new Server();
    server.answer = (part, attempt) => (part === 2 && attempt <= 3 ? 503 : 200);
    await send(server, uploadOf(30), text.slice(0, 30)).result;
    expect(server.sleeps).toEqual([300, 600, 1200]);
  });

  it('asks for a new address when the old one is refused', async () => {
    const server = new Server();
    server.answer = (part, _attempt, url) => (part === 1 && url.endsWith('s=1') ? 403 : 200);
    await send(server, uploadOf(10), text.slice(0, 10)).result;
    expect(server.signRequests).toEqual([[1], [1]]);
  });

  it('renews addresses that have grown old', async () => {
    const server = new Server();
    server.answer = () => {
      server.clock += 6 * 60_000;
      return 200;
    };
    await send(server, uploadOf(60), text.slice(0, 60)).result;
    expect(server.signRequests.length).toBeGreaterThan(1);
  });

  it('asks for many addresses at a time', async () => {
    const server = new Server();
    await send(server, uploadOf(text.length), text).result;
    expect(server.signRequests).toEqual([[1, 2, 3, 4, 5, 6, 7]]);
  });

  it('gives up on an answer that no repetition can change, and stops the other parts', async () => {
    const server = new Server();
    server.answer = (part) => (part === 1 ? 404 : 200);
    await expect(send(server, uploadOf(text.length), text).result).rejects.toMatchObject({ status: 404 });
    expect(server.puts.length).toBeLessThan(7);
  });

  it('gives up on a server that keeps failing', async () => {
    const server = new Server();
    server.answer = () => 500;
    await expect(send(server, uploadOf(10), text.slice(0, 10)).result).rejects.toMatchObject({ status: 500 });
    expect(server.puts).toHaveLength(6);
  });

  it('is more patient with a network that is gone', async () => {
    const server = new Server();
    server.answer = (_part, attempt) => (attempt < 30 ? 0 : 200);
    await send(server, uploadOf(10), text.slice(0, 10)).result;
    expect(server.received.size).toBe(1);
    expect(Math.max(...server.sleeps)).toBeLessThanOrEqual(15_000);
  });

  it('keeps trying when the network is gone while it asks for addresses, and stops when it may not', async () => {
    const server = new Server();
    const sign = server.ports.sign;
    let asked = 0;
    server.ports.sign = (numbers) => {
      asked += 1;
      return asked < 3 ? Promise.reject(unreachable()) : sign(numbers);
    };
    await send(server, uploadOf(10), text.slice(0, 10)).result;
    server.ports.sign = () => Promise.reject(new ApiError(403, { code: 'permission.denied' }));
    await expect(send(server, uploadOf(10), text.slice(0, 10)).result).rejects.toMatchObject({ code: 'permission.denied' });
  });

  it('stops when it is paused and can be resumed from what arrived', async () => {
    const server = new Server();
    const paused = new AbortController();
    server.answer = (part) => {
      if (part === 2) paused.abort(new DOMException('paused', 'AbortError'));
      return 200;
    };
    await expect(send(server, uploadOf(text.length), text, paused.signal).result).rejects.toMatchObject({ name: 'AbortError' });
    const held = [...server.received.keys()];
    server.answer = () => 200;
    await send(server, uploadOf(text.length, held), text).result;
    expect([...server.received.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('says so when the file became shorter than it was', async () => {
    const server = new Server();
    await expect(send(server, uploadOf(40), 'only this').result).rejects.toBeInstanceOf(FileUnreadable);
  });
});
