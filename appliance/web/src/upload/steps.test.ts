// Steps of a file: what is under way, and when a transcript is worth asking for.
import { describe, expect, it } from 'vitest';
import type { Step } from '../api/types';
import { currentStep, hasWords } from './steps';

const step = (state: Step['state'], progress = 0): Step => ({ name: 'transcript', state, progress, note: null });

describe('asking for the transcript', () => {
  it('waits for the first words', () => {
    expect(hasWords(step('waiting'))).toBe(false);
    expect(hasWords(step('running'))).toBe(false);
    expect(hasWords(step('running', 0.1))).toBe(true);
    expect(hasWords(step('done', 1))).toBe(true);
  });

  it('never asks for what will not be made, and asks for what a failure left', () => {
    expect(hasWords(step('skipped'))).toBe(false);
    expect(hasWords(step('failed', 0.4))).toBe(true);
  });

  it('asks when nothing is known', () => {
    expect(hasWords(undefined)).toBe(true);
  });
});

describe('the step to speak of', () => {
  it('is the one that runs, else the first that waits', () => {
    const waiting = { ...step('waiting'), name: 'ladder' as const };
    expect(currentStep([waiting, step('running')])?.name).toBe('transcript');
    expect(currentStep([step('done', 1), waiting])?.name).toBe('ladder');
    expect(currentStep([step('done', 1)])).toBeNull();
  });
});
