// Drives one media element: play, shuttle, frame-exact seeking. Positions are frames wherever there are frames; while
// paused the frame asked for is the truth, while playing it is the one the browser says it has just shown.
import type { Rate } from '../api/types';
import { centreOfFrame, frameAt, frameOfMediaTime, isUsableRate } from '../media/timecode';
import { SeekWatch } from './seek-watch';

export interface PlayerState {
  playing: boolean;
  waiting: boolean;
  ended: boolean;
  /** Seconds; for media with frames the start of the current frame. */
  time: number;
  frame: number | null;
  duration: number;
  bufferedTo: number;
  volume: number;
  muted: boolean;
  rate: number;
  /** 0 when not shuttling; negative backwards. */
  shuttle: number;
  loop: boolean;
}

export interface MediaFacts {
  frameRate: Rate | null;
  frames: number | null;
  durationSeconds: number;
}

const SHUTTLE = [1, 2, 4, 8];
const EVENTS = ['play', 'pause', 'seeked', 'timeupdate', 'ended', 'waiting', 'playing', 'canplay', 'progress', 'durationchange', 'volumechange', 'ratechange'];

export class PlayerController {
  private video: HTMLVideoElement | null = null;
  private state: PlayerState;
  private readonly listeners = new Set<() => void>();
  private frameCallback = 0;
  private tick = 0;
  private clock = 0;
  private exchange: { playing: boolean } | null = null;
  private target: number | null = null;
  private lastShuttle = 0;
  private wantedRate = 1;
  /** Called just before a seek or a pause takes effect: moments when a source may be exchanged unnoticed. */
  onQuietMoment: (() => void) | null = null;
  /** Called when a seek to the end waits although all data is there: the source then says that nothing follows. */
  onEndMissing: (() => void) | null = null;
  private readonly watch = new SeekWatch({
    finish: () => this.onEndMissing?.(),
    // Rather an earlier frame with its right number than a spinner for ever.
    gaveUp: (seconds) => this.seekTo(seconds),
  });

  constructor(private readonly facts: MediaFacts) {
    this.state = {
      playing: false, waiting: false, ended: false, time: 0, frame: this.rate ? 0 : null, duration: facts.durationSeconds,
      bufferedTo: 0, volume: 1, muted: false, rate: 1, shuttle: 0, loop: false,
    };
  }

  get rate(): Rate | null {
    return isUsableRate(this.facts.frameRate) ? this.facts.frameRate : null;
  }

  get lastFrame(): number {
    const counted = this.rate ? Math.round((this.facts.durationSeconds * this.rate.num) / this.rate.den) : 0;
    return Math.max(0, (this.facts.frames ?? counted) - 1);
  }

  get element(): HTMLVideoElement | null {
    return this.video;
  }

  snapshot = (): PlayerState => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  attach(video: HTMLVideoElement, volume: number, muted: boolean): () => void {
    this.video = video;
    video.volume = volume;
    video.muted = muted;
    for (const name of EVENTS) video.addEventListener(name, this.onEvent);
    this.watchFrames();
    this.sync();
    return () => {
      this.endShuttle();
      this.watch.stop();
      for (const name of EVENTS) video.removeEventListener(name, this.onEvent);
      if (this.frameCallback) video.cancelVideoFrameCallback?.(this.frameCallback);
      cancelAnimationFrame(this.tick);
      cancelAnimationFrame(this.clock);
      this.frameCallback = this.tick = this.clock = 0;
      this.video = null;
    };
  }

  /** The source is about to be taken away; position and playing state are kept until `sourceReady`. */
  holdForSource(): void {
    this.watch.stop();
    this.exchange ??= { playing: this.state.playing };
  }

  /** The element knows its new source: goes back to the position, and on if it was playing. */
  sourceReady(): void {
    const held = this.exchange;
    this.exchange = null;
    const { frame, time } = this.state;
    // At frame 0 too: from here on the picture is the frame that the counter names, and no longer the poster.
    if (frame !== null) this.seekToFrame(frame);
    else if (time > 0) this.seekTo(time);
    if (held?.playing) this.play();
    this.sync();
  }

  toggle(): void {
    if (this.state.playing || this.state.shuttle !== 0) this.pause();
    else this.play();
  }

  play(): void {
    const { video } = this;
    if (!video) return;
    this.endShuttle();
    if (this.exchange === null && (this.state.ended || this.atEnd())) this.seekTo(0);
    this.target = null;
    video.playbackRate = this.wantedRate;
    // Browsers may refuse until somebody has touched the page; the play button simply stays.
    void video.play()?.catch(() => undefined);
  }

  pause(): void {
    this.endShuttle();
    this.video?.pause();
  }

  setRate(rate: number): void {
    this.wantedRate = rate;
    if (this.video && this.state.shuttle === 0) this.video.playbackRate = rate;
    this.set({ rate });
  }

  setVolume(volume: number): void {
    if (!this.video) return;
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = volume <= 0;
  }

  toggleMuted(): void {
    if (!this.video) return;
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  toggleLoop(): void {
    if (!this.video) return;
    this.video.loop = !this.video.loop;
    this.set({ loop: this.video.loop });
  }

  /** Seeks to a position in seconds; with frames, to the centre of the frame that covers it. */
  seekTo(seconds: number): void {
    const bounded = Math.min(Math.max(0, seconds), this.state.duration);
    if (this.rate) this.seekToFrame(frameAt(bounded, this.rate));
    else this.move(bounded, null);
  }

  seekToFrame(frame: number): void {
    const { rate } = this;
    if (!rate) return;
    const bounded = Math.min(Math.max(0, frame), this.lastFrame);
    this.move(centreOfFrame(bounded, rate), bounded);
  }

  seekBy(seconds: number): void {
    this.seekTo(this.state.time + seconds);
  }

  /** Steps frames, or 40 ms where there are none. Always ends paused. */
  step(frames: number): void {
    this.pause();
    if (this.rate) this.seekToFrame((this.target ?? this.state.frame ?? 0) + frames);
    else this.seekBy(frames * 0.04);
  }

  toStart(): void {
    this.seekTo(0);
  }

  toEnd(): void {
    this.pause();
    if (this.rate) this.seekToFrame(this.lastFrame);
    else this.seekTo(this.state.duration);
  }

  /** L and J: each press in the same direction goes one gear up, the other direction starts anew. */
  shuttle(direction: 1 | -1): void {
    const { video } = this;
    if (!video) return;
    const now = this.state.shuttle !== 0 ? this.state.shuttle : this.state.playing ? 1 : 0;
    const same = Math.sign(now) === direction;
    const gear = same ? Math.min(SHUTTLE.length - 1, SHUTTLE.indexOf(Math.abs(now)) + 1) : 0;
    const speed = direction * (SHUTTLE[Math.max(0, gear)] as number);
    cancelAnimationFrame(this.tick);
    this.tick = 0;
    if (speed > 0) {
      this.target = null;
      video.playbackRate = speed;
      void video.play()?.catch(() => undefined);
    } else {
      // No browser plays backwards: seeks follow one another, each as soon as the last one has arrived.
      video.pause();
      this.lastShuttle = performance.now();
      this.tick = requestAnimationFrame(this.stepBack);
    }
    this.set({ shuttle: speed });
  }

  private stepBack = (now: number): void => {
    const { video } = this;
    if (!video || this.state.shuttle >= 0) return;
    if (!video.seeking && video.readyState >= 2) {
      const back = ((now - this.lastShuttle) / 1000) * -this.state.shuttle;
      // In first gear less than a frame passes between two refreshes of the screen; wait until there is one to move.
      const frame = this.rate ? this.rate.den / this.rate.num : 0.04;
      if (back >= frame) {
        this.lastShuttle = now;
        if (this.state.time - back <= 0) {
          this.endShuttle();
          return this.toStart();
        }
        this.seekTo(this.state.time - back);
      }
    }
    this.tick = requestAnimationFrame(this.stepBack);
  };

  private endShuttle(): void {
    cancelAnimationFrame(this.tick);
    this.tick = 0;
    if (this.state.shuttle === 0) return;
    if (this.video) this.video.playbackRate = this.wantedRate;
    this.set({ shuttle: 0 });
  }

  // A browser that is short of time shows frames without reporting them. After a pause picture and number must agree,
  // so the frame at which the clock stopped is asked for by name.
  private settle(): void {
    const { video, rate } = this;
    if (!video || !rate || this.exchange || video.ended || this.target !== null || this.state.shuttle < 0) return;
    this.seekToFrame(frameAt(video.currentTime, rate));
  }

  /** The same frame from another rung: a paused picture does not change by itself. */
  showAgain(): void {
    const { frame, playing } = this.state;
    if (!playing && !this.exchange && frame !== null && !this.video?.ended) this.seekToFrame(frame);
  }

  private atEnd(): boolean {
    return this.rate ? (this.state.frame ?? 0) >= this.lastFrame : this.state.time >= this.state.duration - 0.05;
  }

  private move(seconds: number, frame: number | null): void {
    if (!this.video) return;
    this.target = frame;
    this.onQuietMoment?.();
    this.video.currentTime = seconds;
    this.watch.follow(this.video, seconds, this.state.duration);
    this.set({ time: this.startOf(frame, seconds), frame, ended: false });
  }

  private startOf(frame: number | null, seconds: number): number {
    return frame !== null && this.rate ? (frame * this.rate.den) / this.rate.num : seconds;
  }

  private watchFrames(): void {
    const { video } = this;
    if (!video?.requestVideoFrameCallback) return;
    const shown: VideoFrameRequestCallback = (_now, metadata) => {
      // One more frame may come after `pause`. Only a frame asked for by name is not overruled.
      if (this.rate && !this.exchange && !video.seeking && (this.state.playing || this.target === null)) {
        this.target = null;
        this.at(Math.min(this.lastFrame, frameOfMediaTime(metadata.mediaTime, this.rate)));
      }
      this.frameCallback = video.requestVideoFrameCallback(shown);
    };
    this.frameCallback = video.requestVideoFrameCallback(shown);
  }

  private at(frame: number): void {
    if (frame !== this.state.frame) this.set({ frame, time: this.startOf(frame, 0) });
  }

  private onEvent = (event: Event): void => {
    if (event.type === 'pause') {
      this.onQuietMoment?.();
      this.settle();
    }
    if (event.type === 'ended' && this.state.shuttle > 0) this.endShuttle();
    this.sync(event.type);
  };

  private sync(type = ''): void {
    const { video } = this;
    if (!video || this.exchange) return;
    const playing = !video.paused && !video.ended;
    const patch: Partial<PlayerState> = {
      playing, ended: video.ended, volume: video.volume, muted: video.muted,
      bufferedTo: bufferedAfter(video, video.currentTime),
      waiting: type === 'waiting' ? playing : ['playing', 'canplay', 'seeked', 'pause'].includes(type) ? false : this.state.waiting,
    };
    // The measured duration of the stream may be a frame longer or shorter than the master's; the master's counts.
    if (this.facts.durationSeconds <= 0 && Number.isFinite(video.duration)) patch.duration = video.duration;
    // Without frame callbacks (or frames) the element's own clock has to do. A pending seek is not overruled by it.
    const countsFrames = this.rate !== null && 'requestVideoFrameCallback' in video;
    if (this.target === null && !video.seeking && (!countsFrames || !playing)) {
      const frame = this.rate ? Math.min(this.lastFrame, frameAt(video.currentTime, this.rate)) : null;
      if (!countsFrames || this.state.frame === null || Math.abs((frame ?? 0) - this.state.frame) > 1) {
        patch.time = this.startOf(frame, video.currentTime);
        patch.frame = frame;
      }
    }
    this.set(patch);
    if (playing && !this.rate && !this.clock) this.clock = requestAnimationFrame(this.followClock);
  }

  // Sound has no frames to call back; the playhead would hop four times a second.
  private followClock = (): void => {
    this.clock = 0;
    const { video } = this;
    if (!video || video.paused) return;
    if (!video.seeking && !this.exchange) this.set({ time: video.currentTime });
    this.clock = requestAnimationFrame(this.followClock);
  };

  private set(patch: Partial<PlayerState>): void {
    const changed = (Object.keys(patch) as (keyof PlayerState)[]).some((name) => patch[name] !== this.state[name]);
    if (!changed) return;
    this.state = { ...this.state, ...patch };
    for (const listener of this.listeners) listener();
  }
}

function bufferedAfter(video: HTMLVideoElement, at: number): number {
  for (let i = 0; i < video.buffered.length; i += 1) {
    if (video.buffered.start(i) <= at + 0.1 && at <= video.buffered.end(i)) return video.buffered.end(i);
  }
  return at;
}
