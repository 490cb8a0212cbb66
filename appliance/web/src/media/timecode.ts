// Frames are integers and rates are rational; seconds are derived and never the other way round.
// Drop-frame is display only: it skips numbers, never frames (29.97 and 59.94 are shown so, with a semicolon).
import type { Rate } from '../api/types';

export type TimeDisplay = 'timecode' | 'frames' | 'seconds';

export function isUsableRate(rate: Rate | null): rate is Rate {
  return rate !== null && rate.num > 0 && rate.den > 0;
}

/** The whole number a timecode counts to in each second: 24 for 24000/1001. */
export function nominalRate(rate: Rate): number {
  return Math.max(1, Math.round(rate.num / rate.den));
}

export function isDropFrame(rate: Rate): boolean {
  const nominal = nominalRate(rate);
  return rate.den === 1001 && (nominal === 30 || nominal === 60);
}

/** The frame shown at a position given in seconds. A whisker is added, for 2/25 s is not exact in binary. */
export function frameAt(seconds: number, rate: Rate): number {
  return Math.max(0, Math.floor((seconds * rate.num) / rate.den + 1e-4));
}

/** The frame whose presentation time the browser reported; rounding absorbs the container's time scale. */
export function frameOfMediaTime(seconds: number, rate: Rate): number {
  return Math.max(0, Math.round((seconds * rate.num) / rate.den));
}

/** Where to seek so that frame `n` is shown: its centre, as far as can be from both neighbours. */
export function centreOfFrame(frame: number, rate: Rate): number {
  return ((frame + 0.5) * rate.den) / rate.num;
}

const two = (value: number) => String(value).padStart(2, '0');

export function formatTimecode(frame: number, rate: Rate): string {
  const fps = nominalRate(rate);
  const drop = isDropFrame(rate);
  const counted = drop ? withDroppedNumbers(frame, fps) : frame;
  const seconds = Math.floor(counted / fps);
  const separator = drop ? ';' : ':';
  return [
    two(Math.floor(seconds / 3600)), ':', two(Math.floor(seconds / 60) % 60), ':', two(seconds % 60),
    separator, two(counted % fps),
  ].join('');
}

// Two numbers (four at 59.94) are skipped each minute, except each tenth.
function withDroppedNumbers(frame: number, fps: number): number {
  const dropped = fps / 15;
  const perMinute = fps * 60 - dropped;
  const perTenMinutes = perMinute * 10 + dropped;
  const tens = Math.floor(frame / perTenMinutes);
  const rest = frame % perTenMinutes;
  const minutes = rest < fps * 60 ? 0 : 1 + Math.floor((rest - fps * 60) / perMinute);
  return frame + dropped * (9 * tens + minutes);
}

/** Reads a timecode, or a bare frame number, as typed by a person. Returns null when it is neither. */
export function parsePosition(text: string, rate: Rate): number | null {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number.parseInt(trimmed, 10);
  const fields = trimmed.split(/[:;.]/);
  if (fields.length < 2 || fields.length > 4 || !fields.every((field) => /^\d{1,3}$/.test(field))) return null;
  const [h, m, s, f] = [0, 0, 0, 0, ...fields.map(Number)].slice(-4) as [number, number, number, number];
  const fps = nominalRate(rate);
  if (f >= fps || s > 59 || m > 59) return null;
  const counted = ((h * 60 + m) * 60 + s) * fps + f;
  if (!isDropFrame(rate)) return counted;
  const minutes = h * 60 + m;
  return counted - (fps / 15) * (minutes - Math.floor(minutes / 10));
}

/** `1:02:03.250` or `2:03.250`; for media without frames. */
export function formatSeconds(ms: number): string {
  const total = Math.max(0, Math.round(ms));
  return `${formatDuration(total)}.${String(total % 1000).padStart(3, '0')}`;
}

/** `2:03` or `1:02:03`, cut to whole seconds, as a card or a transcript line shows it. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export function formatPosition(seconds: number, rate: Rate | null, display: TimeDisplay): string {
  if (!isUsableRate(rate) || display === 'seconds') return formatSeconds(seconds * 1000);
  const frame = frameAt(seconds, rate);
  return display === 'frames' ? String(frame) : formatTimecode(frame, rate);
}

export function formatRate(rate: Rate): string {
  const value = rate.num / rate.den;
  return `${Number.isInteger(value) ? value : value.toFixed(2).replace(/0$/, '')} fps`;
}
