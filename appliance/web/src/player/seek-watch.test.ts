// Seeks near the end: when to wait, when to help, when to stop helping.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endIsThere, remedyFor, SeekWatch, type StuckSeek } from './seek-watch';

const stuck: StuckSeek = { target: 59.983, duration: 60, buffered: [{ start: 0, end: 4 }, { start: 56, end: 59.979 }], stuckMs: 300, tried: 0 };

describe('a seek that does not arrive', () => {
  it('waits while the last piece is still on its way', () => {
    expect(endIsThere({ ...stuck, buffered: [{ start: 0, end: 52 }] })).toBe(false);
    expect(remedyFor({ ...stuck, stuckMs: 9000, buffered: [{ start: 0, end: 52 }] })).toEqual({ what: 'wait' });
    expect(remedyFor({ ...stuck, stuckMs: 9000, buffered: [] })).toEqual({ what: 'wait' });
  });

  it('waits in the middle of a clip, however long', () => {
    expect(remedyFor({ ...stuck, target: 30, buffered: [{ start: 0, end: 60 }], stuckMs: 9000 })).toEqual({ what: 'wait' });
  });

  it('is given a moment to decode', () => {
    expect(remedyFor({ ...stuck, stuckMs: 100 })).toEqual({ what: 'wait' });
    expect(remedyFor({ ...stuck, stuckMs: 300, tried: 1 })).toEqual({ what: 'wait' });
  });

  it('is helped by declaring the end, then by going ever further back, then left alone', () => {
    expect(remedyFor(stuck)).toEqual({ what: 'finish' });
    expect(remedyFor({ ...stuck, stuckMs: 800, tried: 1 })).toEqual({ what: 'detour', to: 59.983 - 0.5 });
    expect(remedyFor({ ...stuck, stuckMs: 800, tried: 3 })).toEqual({ what: 'detour', to: 59.983 - 2 });
    expect(remedyFor({ ...stuck, stuckMs: 800, tried: 4 })).toEqual({ what: 'give-up', to: 59.983 - 2 });
  });

  it('never leaves what is buffered', () => {
    expect(remedyFor({ ...stuck, target: 0.5, duration: 0.6, buffered: [{ start: 0.2, end: 0.6 }], stuckMs: 800, tried: 3 })).toEqual({ what: 'detour', to: 0.2 });
  });
});

describe('the watch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function fake(arrives: (video: { currentTime: number; finished: boolean }) => boolean) {
    const video = {
      currentTime: 59.983, finished: false, visited: [] as number[],
      buffered: { length: 1, start: () => 56, end: () => 60 },
      get seeking() {
        if (this.visited.at(-1) !== this.currentTime) this.visited.push(this.currentTime);
        return !arrives(this);
      },
    };
    const acts = { finish: vi.fn(() => { video.finished = true; }), gaveUp: vi.fn() };
    new SeekWatch(acts).follow(video as unknown as HTMLVideoElement, 59.983, 60);
    vi.advanceTimersByTime(20_000);
    return { video, acts };
  }

  it('leaves a seek alone that arrives', () => {
    const { acts, video } = fake(() => true);
    expect(acts.finish).not.toHaveBeenCalled();
    expect(video.visited).toEqual([59.983]);
  });

  it('declares the end once', () => {
    const { acts, video } = fake((each) => each.finished);
    expect(acts.finish).toHaveBeenCalledTimes(1);
    expect(acts.gaveUp).not.toHaveBeenCalled();
    expect(video.visited).toEqual([59.983]);
  });

  it('comes back from a detour to where it was asked to go', () => {
    let detoured = false;
    const { acts, video } = fake((each) => {
      detoured ||= each.currentTime < 59.5;
      return detoured;
    });
    expect(video.visited).toEqual([59.983, 59.483, 59.983]);
    expect(acts.gaveUp).not.toHaveBeenCalled();
  });

  it('gives up after three detours', () => {
    const { acts } = fake((each) => each.currentTime < 59.9);
    expect(acts.gaveUp).toHaveBeenCalledExactlyOnceWith(59.983 - 2);
  });
});
