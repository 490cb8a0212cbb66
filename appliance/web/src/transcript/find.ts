// Searching and locating inside a transcript. Pure. Matching ignores case and accents; a hit may span several words.
import type { TranscriptSegment, Word } from '../api/types';

export interface Hit {
  segment: number;
  /** Words from `first` to `last`, both included. */
  first: number;
  last: number;
}

/** A segment without word times (some engines give none) counts as one long word. */
export function wordsOf(segment: TranscriptSegment): Word[] {
  return segment.words.length > 0
    ? segment.words
    : [{ start_ms: segment.start_ms, end_ms: segment.end_ms, text: segment.text, confidence: 1 }];
}

export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

const HITS_MAX = 5000;

export function findHits(segments: readonly TranscriptSegment[], query: string): Hit[] {
  const needle = fold(query).trim().replace(/\s+/g, ' ');
  if (needle === '') return [];
  const hits: Hit[] = [];
  segments.forEach((segment, index) => {
    if (hits.length >= HITS_MAX) return;
    const words = wordsOf(segment).map((word) => fold(word.text).trim().replace(/\s+/g, ' '));
    const starts: number[] = [];
    let line = '';
    for (const word of words) {
      if (line !== '') line += ' ';
      starts.push(line.length);
      line += word;
    }
    const wordOf = (offset: number) => Math.max(0, lastWhere(starts.length, (index) => (starts[index] as number) <= offset));
    for (let at = line.indexOf(needle); at >= 0; at = line.indexOf(needle, at + needle.length)) {
      hits.push({ segment: index, first: wordOf(at), last: wordOf(at + needle.length - 1) });
    }
  });
  return hits;
}

/** The segment spoken at a moment; between two, the one before. −1 before the first. */
export function segmentAt(segments: readonly TranscriptSegment[], ms: number): number {
  return lastWhere(segments.length, (index) => (segments[index] as TranscriptSegment).start_ms <= ms);
}

export function wordAt(words: readonly Word[], ms: number): number {
  return lastWhere(words.length, (index) => (words[index] as Word).start_ms <= ms);
}

// The last index that satisfies a condition which, once false, stays false. −1 when none does.
function lastWhere(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length - 1;
  let found = -1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) {
      found = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  return found;
}
