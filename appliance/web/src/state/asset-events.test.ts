// Live events on assets and transcripts.
import { describe, expect, it } from 'vitest';
import type { Asset, Transcript, TranscriptSegment } from '../api/types';
import { mergeSegment, mergeTranscript, patchStep } from './asset-events';

const asset = {
  id: 'asset_1',
  steps: [{ name: 'playable', state: 'running', progress: 0.5, note: null }, { name: 'ladder', state: 'waiting', progress: 0, note: null }],
} as unknown as Asset;

const report = { asset_id: 'asset_1', step: 'playable', state: 'running', progress: 0.6, note: 'pass 1' } as const;

const segment = (id: string, start: number, text = id): TranscriptSegment => ({ id, start_ms: start, end_ms: start + 1, text, words: [] });

describe('progress of an asset', () => {
  it('moves forward and never back', () => {
    const moved = patchStep(asset, report);
    expect(moved.steps[0]).toMatchObject({ progress: 0.6, note: 'pass 1' });
    expect(patchStep(moved, { ...report, progress: 0.2 }).steps[0]?.progress).toBe(0.6);
    const done = patchStep(moved, { ...report, state: 'done', progress: 1 });
    expect(patchStep(done, report).steps[0]?.state).toBe('done');
  });

  it('starts over when a failed step is tried again', () => {
    const failed = patchStep(asset, { ...report, state: 'failed', progress: 0.6 });
    expect(patchStep(failed, { ...report, progress: 0.1 }).steps[0]).toMatchObject({ state: 'running', progress: 0.1 });
  });

  it('leaves other assets alone and takes in a step it did not know', () => {
    expect(patchStep(asset, { ...report, asset_id: 'asset_2' })).toBe(asset);
    expect(patchStep(asset, { ...report, step: 'transcript' }).steps).toHaveLength(3);
  });
});

describe('a live transcript', () => {
  it('keeps segments in time and replaces a segment by its newer text', () => {
    let segments = [segment('b', 20)];
    for (const next of [segment('c', 30), segment('a', 10), segment('b', 20, 'better')]) segments = mergeSegment(segments, next);
    expect(segments.map((each) => each.text)).toEqual(['a', 'better', 'c']);
  });

  it('adds what came live to a partial reading, and trusts a final one', () => {
    const read = { state: 'partial', segments: [segment('a', 10)] } as unknown as Transcript;
    expect(mergeTranscript(read, [segment('b', 20)]).segments).toHaveLength(2);
    expect(mergeTranscript({ ...read, state: 'final' }, [segment('b', 20)]).segments).toHaveLength(1);
  });
});
