// Waveform peaks in audiowaveform's JSON form, and their reduction to as many columns as a lane is wide.

export interface Waveform {
  sampleRate: number;
  samplesPerPixel: number;
  /** min, max, min, max, … each scaled to −1…1. One channel: further channels are folded into it. */
  peaks: Float32Array;
  durationSeconds: number;
}

const PEAKS_MAX = 4_000_000;

export function parseWaveform(json: unknown): Waveform | null {
  if (typeof json !== 'object' || json === null) return null;
  const raw = json as Record<string, unknown>;
  const number = (name: string, fallback: number) => (typeof raw[name] === 'number' ? (raw[name] as number) : fallback);
  const data = raw['data'];
  const sampleRate = number('sample_rate', 0);
  const samplesPerPixel = number('samples_per_pixel', 0);
  const channels = Math.max(1, Math.floor(number('channels', 1)));
  if (!Array.isArray(data) || sampleRate <= 0 || samplesPerPixel <= 0 || data.length > PEAKS_MAX) return null;
  const scale = number('bits', 8) === 16 ? 32768 : 128;
  const stride = channels * 2;
  const length = Math.floor(data.length / stride);
  const peaks = new Float32Array(length * 2);
  for (let i = 0; i < length; i += 1) {
    let low = 0;
    let high = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      low = Math.min(low, Number(data[i * stride + channel * 2]) || 0);
      high = Math.max(high, Number(data[i * stride + channel * 2 + 1]) || 0);
    }
    peaks[i * 2] = Math.max(-1, low / scale);
    peaks[i * 2 + 1] = Math.min(1, high / scale);
  }
  return { sampleRate, samplesPerPixel, peaks, durationSeconds: (length * samplesPerPixel) / sampleRate };
}

/** For each of `columns` equal slices of `durationSeconds`: the lowest and the highest peak in it. */
export function reducePeaks(wave: Waveform, columns: number, durationSeconds: number): Float32Array {
  const out = new Float32Array(columns * 2);
  const count = wave.peaks.length / 2;
  const perSecond = wave.sampleRate / wave.samplesPerPixel;
  for (let column = 0; column < columns; column += 1) {
    const from = Math.floor(((column * durationSeconds) / columns) * perSecond);
    const to = Math.max(from + 1, Math.floor((((column + 1) * durationSeconds) / columns) * perSecond));
    let low = 0;
    let high = 0;
    for (let i = from; i < to && i < count; i += 1) {
      low = Math.min(low, wave.peaks[i * 2] as number);
      high = Math.max(high, wave.peaks[i * 2 + 1] as number);
    }
    out[column * 2] = low;
    out[column * 2 + 1] = high;
  }
  return out;
}

/** The loudest peak; lanes scale to it so that quiet speech is still visible. */
export function loudest(wave: Waveform): number {
  let top = 0;
  for (const peak of wave.peaks) top = Math.max(top, Math.abs(peak));
  return top;
}

/** The outline of a whole recording as one closed path: `columns` wide, from 0 to 2 high, loudest at the edges. */
export function waveformPath(wave: Waveform, columns: number): string {
  const peaks = reducePeaks(wave, columns, wave.durationSeconds);
  const gain = gainOf(wave);
  // A hair of height even in silence, so that there is always a line.
  const edge = (column: number, side: 0 | 1) => {
    const peak = (peaks[column * 2 + side] ?? 0) * gain;
    return (1 - (side === 1 ? Math.max(peak, 0.015) : Math.min(peak, -0.015))).toFixed(3);
  };
  let path = '';
  for (let column = 0; column < columns; column += 1) {
    path += `M${column + 0.2} ${edge(column, 1)}h.6V${edge(column, 0)}h-.6z`;
  }
  return path;
}

/** Quiet recordings are drawn larger, but silence is not blown up into noise. */
export function gainOf(wave: Waveform): number {
  return 1 / Math.max(0.15, loudest(wave));
}

const paths = new Map<string, Promise<string | null>>();
const PATHS_MAX = 300;
const PATH_COLUMNS = 72;

/** The outline for a card, loaded and reduced once. `key` names the waveform whatever the token in `url` is. */
export function loadWaveformPath(key: string, url: string): Promise<string | null> {
  const known = paths.get(key);
  if (known) return known;
  const path = loadWaveform(url).then((wave) => {
    if (!wave) paths.delete(key);
    return wave && waveformPath(wave, PATH_COLUMNS);
  });
  paths.set(key, path);
  if (paths.size > PATHS_MAX) paths.delete(paths.keys().next().value as string);
  return path;
}

export async function loadWaveform(url: string, signal: AbortSignal | null = null): Promise<Waveform | null> {
  try {
    const response = await fetch(url, { credentials: 'same-origin', signal });
    return response.ok ? parseWaveform(await response.json()) : null;
  } catch {
    return null;
  }
}
