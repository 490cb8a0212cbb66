// Searching a transcript.
import { describe, expect, it } from 'vitest';
import type { TranscriptSegment } from '../api/types';
import { findHits, segmentAt, wordAt, wordsOf } from './find';

function segment(start: number, text: string, timed = true): TranscriptSegment {
  const words = text.split(' ').map((word, i) => ({ start_ms: start + i * 100, end_ms: start + i * 100 + 90, text: word, confidence: 1 }));
  return { id: String(start), start_ms: start, end_ms: start + 900, text, words: timed ? words : [] };
}

const segments = [segment(0, 'The harbour was quiet.'), segment(1000, 'Der Übergang, der Übergang'), segment(3000, 'no words here', false)];

describe('search', () => {
  it('ignores case and accents', () => {
    expect(findHits(segments, 'HARBOUR')).toEqual([{ segment: 0, first: 1, last: 1 }]);
    expect(findHits(segments, 'ubergang')).toHaveLength(2);
    expect(findHits(segments, 'ÜBER')).toEqual([{ segment: 1, first: 1, last: 1 }, { segment: 1, first: 3, last: 3 }]);
  });

  it('finds phrases over several words', () => {
    expect(findHits(segments, 'was  quiet')).toEqual([{ segment: 0, first: 2, last: 3 }]);
    expect(findHits(segments, 'rbour wa')).toEqual([{ segment: 0, first: 1, last: 2 }]);
  });

  it('finds nothing for nothing', () => {
    expect(findHits(segments, '  ')).toEqual([]);
    expect(findHits(segments, 'lighthouse')).toEqual([]);
  });

  it('works without word times', () => {
    expect(findHits(segments, 'words')).toEqual([{ segment: 2, first: 0, last: 0 }]);
    expect(wordsOf(segments[2] as TranscriptSegment)).toHaveLength(1);
  });
});

describe('the current place', () => {
  it('is the segment that began last', () => {
    expect(segmentAt(segments, -1)).toBe(-1);
    expect(segmentAt(segments, 0)).toBe(0);
    expect(segmentAt(segments, 999)).toBe(0);
    expect(segmentAt(segments, 2500)).toBe(1);
    expect(segmentAt([], 5)).toBe(-1);
  });

  it('is the word that began last', () => {
    const words = wordsOf(segments[0] as TranscriptSegment);
    expect(wordAt(words, 50)).toBe(0);
    expect(wordAt(words, 150)).toBe(1);
    expect(wordAt(words, -1)).toBe(-1);
  });
});
