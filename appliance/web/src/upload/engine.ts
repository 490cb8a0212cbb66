// Sends the missing parts of one file: a few at a time, each with its digest, each tried again as long as that helps.
// It knows nothing of screens, storage or of what follows; everything that touches the world comes in as a port.
import { ApiError } from '../api/client';
import type { SignedPart, Upload, UploadedPart } from '../api/types';
import { missingParts, partRange, sentParts } from './plan';
import { attemptsFor, backOff, verdict } from './retry';
import type { Slots } from './slots';
import { PutError, type PutOptions } from './transport';

export const PARTS_IN_FLIGHT = 4;
const SIGNED_AHEAD = 12;
// URLs live 15 minutes. Their age is counted from when they came, for the clocks of the two machines may differ.
const URL_TRUSTED_MS = 10 * 60_000;

/** The browser can no longer read the file: it was moved, changed or its drive was taken out. */
export class FileUnreadable extends Error {
  override readonly name = 'FileUnreadable';
}

export interface EnginePorts {
  sign(numbers: number[]): Promise<SignedPart[]>;
  put(url: string, bytes: ArrayBuffer, options: PutOptions): Promise<string>;
  checksum(bytes: ArrayBuffer): Promise<string | null>;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
  now(): number;
}

export interface SendOptions {
  upload: Upload;
  file: Blob;
  ports: EnginePorts;
  slots: Slots;
  signal: AbortSignal;
  /** Total bytes sent, those in flight included; and those that the server has kept for good. */
  onProgress: (bytes: number, kept: number) => void;
  /** A part is about to be tried again; `status` 0 means that the network is gone. */
  onRetry?: (number: number, status: number) => void;
}

/** Resolves with all parts in order, those sent in an earlier session included. */
export async function sendParts(options: SendOptions): Promise<UploadedPart[]> {
  const { upload, signal } = options;
  const done = new Map(sentParts(upload).map((part) => [part.number, part]));
  const queue = missingParts(upload);
  const urls = new SignedUrls(options.ports, queue);
  const inFlight = new Map<number, number>();
  const report = () => {
    let kept = 0;
    for (const part of done.values()) kept += part.size;
    let bytes = kept;
    for (const loaded of inFlight.values()) bytes += loaded;
    options.onProgress(bytes, kept);
  };
  report();

  // The first part that cannot be sent stops its siblings.
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  const worker = async () => {
    while (queue.length > 0) {
      const release = await options.slots.acquire(stop.signal);
      try {
        const number = queue.shift();
        if (number === undefined) return;
        const progress = (loaded: number) => {
          inFlight.set(number, loaded);
          report();
        };
        const part = await sendPart(number, urls, progress, { ...options, signal: stop.signal });
        inFlight.delete(number);
        done.set(number, part);
        report();
      } finally {
        release();
      }
    }
  };
  const workers = Array.from({ length: Math.min(PARTS_IN_FLIGHT, queue.length) }, () =>
    worker().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  try {
    await Promise.all(workers);
  } catch (error) {
    await Promise.allSettled(workers);
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return [...done.values()].sort((a, b) => a.number - b.number);
}

async function sendPart(
  number: number,
  urls: SignedUrls,
  progress: (loaded: number) => void,
  options: SendOptions,
): Promise<UploadedPart> {
  const { upload, file, ports, signal } = options;
  const range = partRange(number, upload.size, upload.part_size);
  for (let attempt = 1; ; attempt += 1) {
    const bytes = await read(file, range.from, range.to);
    const checksum = await ports.checksum(bytes);
    try {
      const url = await urls.get(number);
      signal.throwIfAborted();
      const etag = await ports.put(url, bytes, { checksum, signal, onProgress: progress });
      return { number, size: range.to - range.from, etag };
    } catch (error) {
      const status = statusOf(error);
      const what = status === null ? 'give-up' : verdict(status);
      if (status === null || what === 'give-up' || attempt >= attemptsFor(status)) throw error;
      progress(0);
      options.onRetry?.(number, status);
      if (what === 'sign-again') urls.forget(number);
      await ports.sleep(backOff(attempt, ports.random), signal);
    }
  }
}

/** The status to judge a failure by; null when no repetition can help, as when permission to sign was taken away. */
function statusOf(error: unknown): number | null {
  if (error instanceof PutError) return error.status;
  if (error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500)) return error.status;
  return null;
}

async function read(file: Blob, from: number, to: number): Promise<ArrayBuffer> {
  let bytes: ArrayBuffer;
  try {
    bytes = await file.slice(from, to).arrayBuffer();
  } catch (cause) {
    throw new FileUnreadable('the file can no longer be read', { cause });
  }
  if (bytes.byteLength !== to - from) throw new FileUnreadable('the file became shorter');
  return bytes;
}

/** Signed addresses, asked for a dozen at a time and renewed when they grow old or are refused. */
class SignedUrls {
  private readonly known = new Map<number, { url: string; at: number }>();
  private readonly numbers: number[];
  private asking: Promise<void> | null = null;

  constructor(private readonly ports: EnginePorts, missing: readonly number[]) {
    this.numbers = [...missing];
  }

  forget(number: number): void {
    this.known.delete(number);
  }

  async get(number: number): Promise<string> {
    for (;;) {
      const known = this.fresh(number);
      if (known) return known;
      // One request serves all workers that wait; each looks again after it.
      this.asking ??= this.ask(number).finally(() => {
        this.asking = null;
      });
      await this.asking;
    }
  }

  private fresh(number: number): string | null {
    const known = this.known.get(number);
    return known && this.ports.now() - known.at < URL_TRUSTED_MS ? known.url : null;
  }

  private async ask(first: number): Promise<void> {
    const wanted = [first];
    for (const number of this.numbers) {
      if (wanted.length >= SIGNED_AHEAD) break;
      if (number > first && !this.fresh(number)) wanted.push(number);
    }
    const at = this.ports.now();
    const signed = await this.ports.sign(wanted);
    for (const part of signed) this.known.set(part.number, { url: part.url, at });
    if (!this.fresh(first)) throw new PutError(404);
  }
}
