// Sprite sheets: what a well-formed file gives, and that a damaged one gives less but never throws.
import { describe, expect, it } from 'vitest';
import { parseSprites, parseVttTime, spriteAt } from './sprites';

const vtt = `WEBVTT

00:00.000 --> 00:02.000
sprites_000.jpg#xywh=0,0,160,90

2
00:00:02.000 --> 00:00:04.000 align:start
sprites_000.jpg#xywh=160,0,160,90

01:00:04.000 --> 01:00:06.000
sprites_001.jpg#xywh=0,90,160,90
`;

const base = 'https://box/m/token/asset/sprites.vtt';

describe('sprites', () => {
  it('reads cues with and without hours, numbers and settings', () => {
    const cues = parseSprites(vtt, base);
    expect(cues).toHaveLength(3);
    expect(cues[0]).toEqual({ start: 0, end: 2, url: 'https://box/m/token/asset/sprites_000.jpg', x: 0, y: 0, w: 160, h: 90 });
    expect(cues[1]?.x).toBe(160);
    expect(cues[2]?.start).toBe(3604);
  });

  it('reads Windows line ends', () => {
    expect(parseSprites(vtt.replace(/\n/g, '\r\n'), base)).toHaveLength(3);
  });

  it('leaves out cues that make no sense', () => {
    const broken = 'WEBVTT\n\n00:02.000 --> 00:01.000\na.jpg#xywh=0,0,1,1\n\nsoon --> later\na.jpg#xywh=0,0,1,1\n\n00:00.000 --> 00:01.000\na.jpg\n\n00:00.000 --> 00:01.000\na.jpg#xywh=0,0,0,9';
    expect(parseSprites(broken, base)).toEqual([]);
    expect(parseSprites('', base)).toEqual([]);
  });

  it('finds the picture of a moment, and the nearest outside the cues', () => {
    const cues = parseSprites(vtt, base);
    expect(spriteAt(cues, 1.99)?.x).toBe(0);
    expect(spriteAt(cues, 2)?.x).toBe(160);
    expect(spriteAt(cues, 100)?.x).toBe(160);
    expect(spriteAt(cues, -1)?.x).toBe(0);
    expect(spriteAt([], 3)).toBeNull();
  });

  it('refuses time stamps outside their form', () => {
    expect(parseVttTime('00:61.000')).toBeNull();
    expect(parseVttTime('1:00.000')).toBeNull();
    expect(parseVttTime('00:01.5')).toBeNull();
  });
});
