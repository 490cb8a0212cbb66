// Names of rungs and renewal of tokens.
import { describe, expect, it } from 'vitest';
import type { Rendition } from '../api/types';
import { rungLabel, withToken } from './source';

const renditions: Rendition[] = [
  { name: 'copy', width: 1920, height: 1080, bandwidth: 9_000_000, source: 'copy' },
  { name: 'v1080', width: 1920, height: 1080, bandwidth: 4_000_000, source: 'encoded' },
  { name: 'v360', width: 640, height: 360, bandwidth: 800_000, source: 'encoded' },
];

describe('rungs', () => {
  it('say which picture is the untouched one', () => {
    expect(rungLabel({ height: 1080, bitrate: 8_800_000 }, renditions)).toBe('copy 1080p');
    expect(rungLabel({ height: 1080, bitrate: 4_100_000 }, renditions)).toBe('1080p');
    expect(rungLabel({ height: 360, bitrate: 1 }, renditions)).toBe('360p');
    expect(rungLabel({ height: 720, bitrate: 1 }, renditions)).toBe('720p');
    expect(rungLabel({ height: 0, bitrate: 1 }, [])).toBe('audio');
  });
});

describe('tokens', () => {
  it('are renewed in any address below the playlist', () => {
    const latest = 'https://box/m/k2.new/a/v/3/master.m3u8';
    expect(withToken('https://box/m/k1.old/a/v/3/v360/seg_1.m4s', latest)).toBe('https://box/m/k2.new/a/v/3/v360/seg_1.m4s');
    expect(withToken('https://box/other', latest)).toBe('https://box/other');
    expect(withToken('https://box/m/k1.old/x', 'nonsense')).toBe('https://box/m/k1.old/x');
  });
});
