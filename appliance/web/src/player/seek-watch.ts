// Watches seeks near the end of a clip until they arrive. A browser shows the last frames only once it knows that
// nothing follows them, and hls.js says so only after a piece of sound has played: a seek made before that never ends.

export interface StuckSeek {
  /** Where the seek goes, and how long the clip is; seconds. */
  target: number;
  duration: number;
  buffered: readonly { start: number; end: number }[];
  /** How long all data up to the end has been there without the seek arriving, or since the last remedy. */
  stuckMs: number;
  /** Remedies tried so far. */
  tried: number;
}

export type Remedy = { what: 'wait' } | { what: 'finish' } | { what: 'detour'; to: number } | { what: 'give-up'; to: number };

// How much the end of sound and picture may differ, and within which distance of the end a seek can be held up.
const END_TOLERANCE = 0.5;
const NEAR_END = 2;
const FINISH_AFTER_MS = 250;
const NEXT_AFTER_MS = 700;
const DETOURS = [0.5, 1, 2];

/** Whether everything from `target` to the end is there, so that slow loading cannot be the reason. */
export function endIsThere({ target, duration, buffered }: Pick<StuckSeek, 'target' | 'duration' | 'buffered'>): boolean {
  return target >= duration - NEAR_END && buffered.some(({ start, end }) => start <= target && end >= duration - END_TOLERANCE);
}

/** What to do about a seek that has not arrived: declare the end; go a little back and come again; stay back. */
export function remedyFor(seek: StuckSeek): Remedy {
  const range = seek.buffered.find(({ start, end }) => start <= seek.target && end >= seek.duration - END_TOLERANCE);
  if (!range || !endIsThere(seek)) return { what: 'wait' };
  if (seek.stuckMs < (seek.tried === 0 ? FINISH_AFTER_MS : NEXT_AFTER_MS)) return { what: 'wait' };
  if (seek.tried === 0) return { what: 'finish' };
  const back = DETOURS[seek.tried - 1];
  const last = DETOURS.at(-1) as number;
  const to = Math.max(range.start, seek.target - (back ?? last));
  return { what: back === undefined ? 'give-up' : 'detour', to };
}

export interface SeekWatchActs {
  /** Tells the browser that nothing follows what is buffered. */
  finish(): void;
  /** No remedy helped; the farthest detour is where a picture can be had. */
  gaveUp(seconds: number): void;
}

const CHECK_MS = 100;
// On a detour a piece of sound has to be playing for a moment before the end is declared.
const DWELL_MS = 200;

export class SeekWatch {
  private timer: ReturnType<typeof setInterval> | null = null;
  private stuckSince: number | null = null;
  private tried = 0;
  private detouring = false;

  constructor(private readonly acts: SeekWatchActs) {}

  /** Follows the seek just begun on `video`; the one before is forgotten. */
  follow(video: HTMLVideoElement, target: number, duration: number): void {
    this.stop();
    this.timer = setInterval(() => this.check(video, target, duration), CHECK_MS);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = this.stuckSince = null;
    this.tried = 0;
    this.detouring = false;
  }

  private check(video: HTMLVideoElement, target: number, duration: number): void {
    const now = performance.now();
    if (!video.seeking) {
      if (!this.detouring) return this.stop();
      this.stuckSince ??= now;
      if (now - this.stuckSince < DWELL_MS) return;
      this.detouring = false;
      this.stuckSince = now;
      video.currentTime = target;
      return;
    }
    const buffered = Array.from({ length: video.buffered.length }, (_, i) => ({ start: video.buffered.start(i), end: video.buffered.end(i) }));
    if (!endIsThere({ target, duration, buffered })) {
      this.stuckSince = null;
      return;
    }
    this.stuckSince ??= now;
    const remedy = remedyFor({ target, duration, buffered, stuckMs: now - this.stuckSince, tried: this.tried });
    if (remedy.what === 'wait') return;
    this.tried += 1;
    this.stuckSince = now;
    if (remedy.what === 'finish') this.acts.finish();
    else if (remedy.what === 'detour') {
      this.detouring = true;
      this.stuckSince = null;
      video.currentTime = remedy.to;
    } else {
      this.stop();
      this.acts.gaveUp(remedy.to);
    }
  }
}
