// Feeds a media element from HLS: through hls.js where it runs, else by the browser itself (Safari on phones).
import Hls, { ErrorTypes, Events, type Level } from 'hls.js';
import type { Rendition } from '../api/types';

export interface Rung {
  index: number;
  label: string;
}

export interface SourceEvents {
  onRungs(rungs: Rung[]): void;
  onRung(current: Rung | null): void;
  /** The stream can no longer be read: addresses expired, or the generation is gone. */
  onLost(): void;
  onUnplayable(): void;
}

export const AUDIO_ONLY = 'audio';

/** What a rung is called: `copy 1080p` for the untouched picture, `360p` for an encoded one. */
export function rungLabel(level: { height: number; bitrate: number }, renditions: readonly Rendition[]): string {
  const sameHeight = renditions.filter((each) => each.height === level.height);
  const nearest = sameHeight.sort((a, b) => Math.abs(a.bandwidth - level.bitrate) - Math.abs(b.bandwidth - level.bitrate))[0];
  const size = level.height > 0 ? `${level.height}p` : AUDIO_ONLY;
  return nearest?.source === 'copy' ? `copy ${size}` : size;
}

/** `/m/{token}/…` with another token. Sub-resources inherit the token of the playlist; this renews it in flight. */
export function withToken(url: string, tokenOf: string): string {
  const token = /\/m\/([^/]+)\//.exec(tokenOf)?.[1];
  return token ? url.replace(/(\/m\/)[^/]+\//, `$1${token}/`) : url;
}

export class Source {
  private hls: Hls | null = null;
  private latestUrl: string;

  constructor(
    private readonly video: HTMLVideoElement,
    url: string,
    startAt: number,
    renditions: readonly Rendition[],
    events: SourceEvents,
  ) {
    this.latestUrl = url;
    if (Hls.isSupported()) this.startHls(url, startAt, renditions, events);
    else if (video.canPlayType('application/vnd.apple.mpegurl')) this.startNative(url, startAt, events);
    else events.onUnplayable();
  }

  /** New addresses of the same generation: used from the next request on, nothing is loaded again. */
  renew(url: string): void {
    this.latestUrl = url;
  }

  choose(index: number): void {
    if (!this.hls) return;
    // Whoever chooses while paused wants to see it now; while playing it comes with the next piece, without a gap.
    if (this.video.paused && index >= 0) this.hls.currentLevel = index;
    else this.hls.nextLevel = index;
  }

  /** Says that nothing follows what is buffered. hls.js does so itself, except before any sound has played. */
  declareEnd(): void {
    this.hls?.trigger(Events.BUFFER_EOS, { type: null });
  }

  destroy(): void {
    this.hls?.destroy();
    this.hls = null;
    this.video.removeAttribute('src');
    this.video.load();
  }

  private startHls(url: string, startAt: number, renditions: readonly Rendition[], events: SourceEvents): void {
    const hls = new Hls({
      // fMP4 needs no transmuxing, so a worker would only cost a copy of each segment.
      enableWorker: false,
      startPosition: startAt > 0 ? startAt : -1,
      // A LAN: begin with the best rung and fall back, instead of climbing from the lowest.
      abrEwmaDefaultEstimate: 30_000_000,
      maxBufferLength: 30,
      backBufferLength: 60,
      xhrSetup: (request, address) => {
        const renewed = withToken(address, this.latestUrl);
        if (renewed !== address) request.open('GET', renewed, true);
      },
    });
    this.hls = hls;
    const rung = (level: Level, index: number): Rung => ({ index, label: rungLabel(level, renditions) });
    let recoveries = 0;
    hls.on(Events.MANIFEST_PARSED, (_event, data) => events.onRungs(data.levels.map(rung)));
    hls.on(Events.LEVEL_SWITCHED, (_event, data) => {
      const level = hls.levels[data.level];
      events.onRung(level ? rung(level, data.level) : null);
    });
    hls.on(Events.ERROR, (_event, data) => {
      if (!data.fatal) return;
      if (data.type === ErrorTypes.NETWORK_ERROR) events.onLost();
      else if (data.type === ErrorTypes.MEDIA_ERROR && recoveries < 2) {
        recoveries += 1;
        hls.recoverMediaError();
      } else events.onUnplayable();
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  private startNative(url: string, startAt: number, events: SourceEvents): void {
    this.video.src = url;
    if (startAt > 0) {
      this.video.addEventListener('loadedmetadata', () => {
        this.video.currentTime = startAt;
      }, { once: true });
    }
    this.video.addEventListener('error', () => events.onLost(), { once: true });
  }
}
