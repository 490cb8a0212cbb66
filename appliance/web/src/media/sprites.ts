// Scrub pictures: a WebVTT file whose cues name a rectangle in a sheet (`sheet.jpg#xywh=x,y,w,h`).

export interface SpriteCue {
  start: number;
  end: number;
  url: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

const CUES_MAX = 20_000;

/** Parses the cues; URLs are resolved against the VTT's own address. Cues that make no sense are left out. */
export function parseSprites(text: string, base: string): SpriteCue[] {
  const cues: SpriteCue[] = [];
  for (const block of text.replace(/\r\n?/g, '\n').split(/\n{2,}/)) {
    const lines = block.split('\n').filter((line) => line.trim() !== '');
    const at = lines.findIndex((line) => line.includes('-->'));
    const target = at >= 0 ? lines[at + 1]?.trim() : undefined;
    if (!target) continue;
    const [from, to] = (lines[at] ?? '').split('-->').map((part) => parseVttTime(part.trim().split(/\s+/)[0] ?? ''));
    const box = /^(.*)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/.exec(target);
    if (from == null || to == null || to <= from || !box) continue;
    const [x, y, w, h] = box.slice(2).map(Number) as [number, number, number, number];
    if (w === 0 || h === 0) continue;
    cues.push({ start: from, end: to, url: new URL(box[1] ?? '', base).href, x, y, w, h });
    if (cues.length >= CUES_MAX) break;
  }
  return cues.sort((a, b) => a.start - b.start);
}

/** Seconds of a WebVTT time stamp, with or without hours. */
export function parseVttTime(text: string): number | null {
  const match = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/.exec(text);
  if (!match) return null;
  return Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]) + Number(match[4]) / 1000;
}

/** The picture for a moment: the cue that contains it, else the nearest before, else the first. */
export function spriteAt(cues: readonly SpriteCue[], seconds: number): SpriteCue | null {
  let low = 0;
  let high = cues.length - 1;
  let found = 0;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if ((cues[middle] as SpriteCue).start <= seconds) {
      found = middle;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return cues[found] ?? null;
}

const cache = new Map<string, Promise<SpriteCue[]>>();

/** Loads and keeps the cues of one VTT. A failure gives no pictures: scrubbing is an extra, never an error. */
export function loadSprites(url: string): Promise<SpriteCue[]> {
  let cues = cache.get(url);
  if (!cues) {
    cues = fetch(url, { credentials: 'same-origin' })
      .then((response) => (response.ok ? response.text() : ''))
      .then((text) => parseSprites(text, new URL(url, location.href).href))
      .catch(() => []);
    cache.set(url, cues);
    if (cache.size > 300) cache.delete(cache.keys().next().value as string);
  }
  return cues;
}
