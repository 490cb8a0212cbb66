// Waveforms: scaling, folding of channels, and reduction to columns.
import { describe, expect, it } from 'vitest';
import { loudest, parseWaveform, reducePeaks } from './waveform';

const json = { sample_rate: 8000, samples_per_pixel: 4000, length: 4, channels: 1, bits: 8, data: [-64, 64, 0, 32, -128, 127, -1, 1] };

describe('waveform', () => {
  it('scales eight bits to one', () => {
    const wave = parseWaveform(json);
    expect(wave?.durationSeconds).toBe(2);
    expect(Array.from(wave?.peaks.slice(0, 2) ?? [])).toEqual([-0.5, 0.5]);
    expect(wave && loudest(wave)).toBe(1);
  });

  it('folds two channels into one', () => {
    const wave = parseWaveform({ ...json, channels: 2 });
    expect(wave?.peaks).toHaveLength(4);
    expect(Array.from(wave?.peaks.slice(0, 2) ?? [])).toEqual([-0.5, 0.5]);
  });

  it('keeps the extremes when many peaks share a column', () => {
    const wave = parseWaveform(json);
    const columns = wave ? reducePeaks(wave, 2, 2) : [];
    expect(columns[2]).toBe(-1);
    expect(columns[1]).toBe(0.5);
  });

  it('is silent past the end of the sound', () => {
    const wave = parseWaveform(json);
    const columns = wave ? reducePeaks(wave, 4, 4) : [];
    expect(Array.from(columns).slice(4)).toEqual([0, 0, 0, 0]);
  });

  it('refuses what is not a waveform', () => {
    for (const bad of [null, 3, {}, { data: [] }, { ...json, samples_per_pixel: 0 }]) expect(parseWaveform(bad)).toBeNull();
  });
});
