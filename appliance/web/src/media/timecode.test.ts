// Timecode: known values of the drop-frame count, and that no rate is ever off by one.
import { describe, expect, it } from 'vitest';
import {
  centreOfFrame, formatDuration, formatRate, formatSeconds, formatTimecode, frameAt, frameOfMediaTime, parsePosition,
} from './timecode';

const pal = { num: 25, den: 1 };
const film = { num: 24000, den: 1001 };
const ntsc = { num: 30000, den: 1001 };
const ntsc60 = { num: 60000, den: 1001 };

describe('timecode', () => {
  it('counts plain rates without dropping', () => {
    expect(formatTimecode(0, pal)).toBe('00:00:00:00');
    expect(formatTimecode(24, pal)).toBe('00:00:00:24');
    expect(formatTimecode(25 * 3661 + 7, pal)).toBe('01:01:01:07');
    expect(formatTimecode(24 * 60, film)).toBe('00:01:00:00');
  });

  it('skips two numbers each minute but the tenth at 29.97', () => {
    expect(formatTimecode(1799, ntsc)).toBe('00:00:59;29');
    expect(formatTimecode(1800, ntsc)).toBe('00:01:00;02');
    expect(formatTimecode(17982, ntsc)).toBe('00:10:00;00');
    expect(formatTimecode(107892, ntsc)).toBe('01:00:00;00');
    expect(formatTimecode(3600, ntsc60)).toBe('00:01:00;04');
  });

  it('reads back every timecode it writes', () => {
    for (const rate of [pal, film, ntsc, ntsc60]) {
      for (let frame = 0; frame < 40_000; frame += 7) {
        expect(parsePosition(formatTimecode(frame, rate), rate)).toBe(frame);
      }
    }
  });

  it('lands in the frame it aims at for each rate', () => {
    for (const rate of [pal, film, ntsc, ntsc60, { num: 15, den: 1 }]) {
      for (let frame = 0; frame < 300_000; frame += 997) {
        expect(frameAt(centreOfFrame(frame, rate), rate)).toBe(frame);
        expect(frameAt((frame * rate.den) / rate.num, rate)).toBe(frame);
        const inMicroseconds = Math.round(((frame * rate.den) / rate.num) * 1e6) / 1e6;
        expect(frameOfMediaTime(inMicroseconds, rate)).toBe(frame);
      }
    }
  });

  it('takes a bare number as a frame and refuses nonsense', () => {
    expect(parsePosition(' 120 ', pal)).toBe(120);
    expect(parsePosition('1:00', pal)).toBe(25);
    expect(parsePosition('00:00:00:25', pal)).toBeNull();
    expect(parsePosition('soon', pal)).toBeNull();
    expect(parsePosition('', pal)).toBeNull();
  });

  it('writes durations and rates as people read them', () => {
    expect(formatDuration(0)).toBe('0:00');
    expect(formatDuration(59_999)).toBe('0:59');
    expect(formatDuration(3_723_000)).toBe('1:02:03');
    expect(formatSeconds(61_250)).toBe('1:01.250');
    expect(formatRate(ntsc)).toBe('29.97 fps');
    expect(formatRate(film)).toBe('23.98 fps');
    expect(formatRate({ num: 25, den: 1 })).toBe('25 fps');
  });
});
