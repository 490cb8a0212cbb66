// The browser's side of a part: XMLHttpRequest (fetch cannot report upload progress), digest, waiting.

export class PutError extends Error {
  override readonly name = 'PutError';
  constructor(readonly status: number) {
    super(status === 0 ? 'the connection broke while a part was sent' : `a part was answered with status ${status}`);
  }
}

export interface PutOptions {
  checksum: string | null;
  signal: AbortSignal;
  onProgress: (loaded: number) => void;
}

/** Sends one part and gives the ETag the server names it by. */
export function putPart(url: string, bytes: ArrayBuffer, options: PutOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const finish = (act: () => void) => {
      options.signal.removeEventListener('abort', abort);
      act();
    };
    request.open('PUT', url);
    // No content type is set on purpose: the URL was signed for raw bytes.
    if (options.checksum) request.setRequestHeader('x-amz-checksum-sha256', options.checksum);
    request.upload.onprogress = (event) => options.onProgress(event.loaded);
    request.onload = () =>
      finish(() => {
        const etag = request.getResponseHeader('ETag');
        if (request.status >= 200 && request.status < 300 && etag) resolve(etag);
        else reject(new PutError(request.status >= 200 && request.status < 300 ? 500 : request.status));
      });
    request.onerror = () => finish(() => reject(new PutError(0)));
    request.ontimeout = request.onerror;
    request.onabort = () => finish(() => reject(options.signal.reason ?? new PutError(0)));
    options.signal.addEventListener('abort', abort, { once: true });
    if (options.signal.aborted) request.abort();
    else request.send(bytes);
  });
}

/** Base64 of the SHA-256; null where the page is not a secure context and the browser offers no digest. */
export async function sha256Base64(bytes: ArrayBuffer): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return btoa(String.fromCharCode(...digest));
}

/** Waits, but wakes at once when the browser says that the network is back. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clear();
      resolve();
    };
    const abandoned = () => {
      clear();
      reject(signal.reason);
    };
    const timer = setTimeout(done, ms);
    const clear = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandoned);
      globalThis.removeEventListener?.('online', done);
    };
    if (signal.aborted) return abandoned();
    signal.addEventListener('abort', abandoned, { once: true });
    globalThis.addEventListener?.('online', done, { once: true });
  });
}

export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
