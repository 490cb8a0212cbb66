// The library under pages and events.
import { describe, expect, it } from 'vitest';
import type { Asset, Preview } from '../api/types';
import { emptyLibrary, libraryReducer, steadyPreview, type Library } from './library-reducer';

const asset = (id: string, minute: number, title = id) =>
  ({ id, title, created_at: `2026-11-20T00:${String(minute).padStart(2, '0')}:00Z`, steps: [{ name: 'ladder', state: 'running', progress: 0, note: null }] }) as unknown as Asset;
const ids = (library: Library) => library.items.map((each) => each.id);

describe('the library', () => {
  const first = libraryReducer(emptyLibrary, { type: 'first-page', page: { items: [asset('d', 40), asset('c', 30)], next_cursor: 'x' } });

  it('appends pages without doubling what an event brought in between', () => {
    const withB = libraryReducer(first, { type: 'asset', asset: asset('b', 20) });
    const all = libraryReducer(withB, { type: 'next-page', page: { items: [asset('b', 20), asset('a', 10)], next_cursor: null } });
    expect(ids(all)).toEqual(['d', 'c', 'b', 'a']);
    expect(all.cursor).toBeNull();
  });

  it('puts a new asset where its time belongs and replaces a known one in place', () => {
    expect(ids(libraryReducer(first, { type: 'asset', asset: asset('e', 50) }))).toEqual(['e', 'd', 'c']);
    expect(ids(libraryReducer(first, { type: 'asset', asset: asset('c2', 35) }))).toEqual(['d', 'c2', 'c']);
    const renamed = libraryReducer(first, { type: 'asset', asset: asset('c', 30, 'new') });
    expect(renamed.items[1]?.title).toBe('new');
  });

  it('keeps later pages when the first is read again', () => {
    const two = libraryReducer(first, { type: 'next-page', page: { items: [asset('b', 20), asset('a', 10)], next_cursor: 'y' } });
    const again = libraryReducer(two, { type: 'first-page', page: { items: [asset('e', 50), asset('d', 40), asset('c', 30)], next_cursor: 'x' } });
    expect(ids(again)).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(again.cursor).toBe('y');
  });

  it('forgets what is gone when everything fits one page', () => {
    const again = libraryReducer(first, { type: 'first-page', page: { items: [asset('d', 40)], next_cursor: null } });
    expect(ids(again)).toEqual(['d']);
    expect(ids(libraryReducer(first, { type: 'gone', id: 'd' }))).toEqual(['c']);
  });

  it('keeps the addresses it has until a renewal is worth loading everything again', () => {
    const preview = (generation: number, expires: string, captions: string | null = null) =>
      ({ generation, expires_at: expires, hls: `/m/${expires}/asset/x.m3u8`, poster: null, card: null, sprites: null, waveform: null, image: null, captions, renditions: [] }) as unknown as Preview;
    const old = preview(1, '2026-11-20T06:00:00Z');
    expect(steadyPreview(old, preview(1, '2026-11-20T06:05:00Z'))).toBe(old);
    expect(steadyPreview(old, preview(1, '2026-11-20T10:00:00Z'))?.expires_at).toContain('T10');
    expect(steadyPreview(old, preview(2, '2026-11-20T06:05:00Z'))?.generation).toBe(2);
    expect(steadyPreview(old, preview(1, '2026-11-20T06:05:00Z', '/c'))?.captions).toBe('/c');
    const captioned = preview(1, '2026-11-20T06:00:00Z', '/m/t1/en-10.vtt');
    expect(steadyPreview(captioned, preview(1, '2026-11-20T06:01:00Z', '/m/t2/en-10.vtt'))).toBe(captioned);
    expect(steadyPreview(captioned, preview(1, '2026-11-20T06:01:00Z', '/m/t2/en-25.vtt'))?.captions).toContain('25');
    expect(steadyPreview(old, null)).toBeNull();
  });

  it('changes nothing on progress of an asset it does not know', () => {
    const report = { asset_id: 'z', step: 'ladder', state: 'running', progress: 0.5, note: null } as const;
    expect(libraryReducer(first, { type: 'progress', report })).toBe(first);
    expect(libraryReducer(first, { type: 'progress', report: { ...report, asset_id: 'd' } }).items[0]?.steps[0]?.progress).toBe(0.5);
  });
});
