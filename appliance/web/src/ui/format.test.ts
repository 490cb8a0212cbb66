// Numbers as people read them.
import { describe, expect, it } from 'vitest';
import { formatBytes, formatPercent, formatTimeLeft, plural } from './format';
import { asSentence } from './words';

describe('format', () => {
  it('writes bytes with three digits at most', () => {
    expect(formatBytes(0)).toBe('0 B');
    expect(formatBytes(999)).toBe('999 B');
    expect(formatBytes(1500)).toBe('1.5 kB');
    expect(formatBytes(999_950)).toBe('1.0 MB');
    expect(formatBytes(123_456_789)).toBe('123 MB');
    expect(formatBytes(50e9)).toBe('50.0 GB');
  });

  it('never says 100 % before it is done', () => {
    expect(formatPercent(0.999)).toBe('99 %');
    expect(formatPercent(1)).toBe('100 %');
    expect(formatPercent(-1)).toBe('0 %');
  });

  it('gives the time left in the unit that fits', () => {
    expect(formatTimeLeft(2)).toBe('a few seconds left');
    expect(formatTimeLeft(41)).toBe('45 s left');
    expect(formatTimeLeft(600)).toBe('10 min left');
    expect(formatTimeLeft(2 * 3600 + 300)).toBe('2 h 5 min left');
    expect(formatTimeLeft(Infinity)).toBe('');
  });

  it('makes sentences of what programs say', () => {
    expect(asSentence('the file `a.mp4` is empty')).toBe('The file `a.mp4` is empty.');
    expect(asSentence('`a.mp4` is empty')).toBe('`a.mp4` is empty.');
    expect(asSentence('Done.')).toBe('Done.');
    expect(asSentence('')).toBe('');
  });

  it('counts', () => {
    expect(plural(1, 'file')).toBe('1 file');
    expect(plural(0, 'file')).toBe('0 files');
  });
});
