// Waveforms: scaling, folding of channels, and reduction to columns.
import { describe, expect, it } from 'vitest';
import { gainOf, loudest, parseWaveform, reducePeaks, waveformPath } from './waveform';

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

  it('becomes an outline that reaches the edges where it is loudest', () => {
    const wave = parseWaveform(json);
    const path = wave ? waveformPath(wave, 2) : '';
    expect(path).toBe('M0.2 0.500h.6V1.500h-.6zM1.2 0.008h.6V2.000h-.6z');
  });

  it('draws quiet recordings larger, and silence as a line', () => {
    const quiet = parseWaveform({ ...json, data: [-32, 32, 0, 0] });
    expect(quiet && gainOf(quiet)).toBe(4);
    const silent = parseWaveform({ ...json, data: [0, 0] });
    expect(silent && waveformPath(silent, 1)).toBe('M0.2 0.985h.6V1.015h-.6z');
  });

  it('refuses what is not a waveform', () => {
    for (const bad of [null, 3, {}, { data: [] }, { ...json, samples_per_pixel: 0 }]) expect(parseWaveform(bad)).toBeNull();
  });
});
