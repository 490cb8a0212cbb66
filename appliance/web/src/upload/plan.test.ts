// Part planning, retry policy, places and speed.
import { describe, expect, it } from 'vitest';
import type { Upload } from '../api/types';
import { fingerprintOf, isSameFile, missingParts, partRange, sentBytes } from './plan';
import { attemptsFor, backOff, verdict } from './retry';
import { Slots } from './slots';
import { SpeedMeter } from './speed';

const upload = {
  size: 25, part_size: 10, part_count: 3,
  parts: [{ number: 1, size: 10, etag: 'a' }, { number: 3, size: 5, etag: 'c' }],
} as Upload;

describe('part planning', () => {
  it('cuts a file into parts that touch and end with it', () => {
    expect(partRange(1, 25, 10)).toEqual({ number: 1, from: 0, to: 10 });
    expect(partRange(3, 25, 10)).toEqual({ number: 3, from: 20, to: 25 });
  });

  it('names what is missing', () => {
    expect(missingParts(upload)).toEqual([2]);
    expect(sentBytes(upload)).toBe(15);
    expect(missingParts({ ...upload, parts: [] })).toEqual([1, 2, 3]);
  });

  it('knows a file again by name, size and time', () => {
    const file = { name: 'a/é.mov', size: 25, lastModified: 7 };
    const begun = { fingerprint: fingerprintOf(file), file_name: 'a/é.mov', size: 25 };
    expect(isSameFile(file, begun)).toBe(true);
    expect(isSameFile({ ...file, lastModified: 8 }, begun)).toBe(false);
    expect(isSameFile(file, { ...begun, fingerprint: null })).toBe(true);
    expect(isSameFile({ ...file, size: 26 }, { ...begun, fingerprint: null })).toBe(false);
  });
});

describe('retry policy', () => {
  it('tells what helps', () => {
    expect(verdict(403)).toBe('sign-again');
    for (const status of [0, 400, 408, 429, 500, 503]) expect(verdict(status)).toBe('again');
    for (const status of [401, 404, 409, 413]) expect(verdict(status)).toBe('give-up');
    expect(attemptsFor(0)).toBeGreaterThan(attemptsFor(500));
  });

  it('doubles up to a ceiling and never waits less than half', () => {
    expect(backOff(1, () => 0)).toBe(200);
    expect(backOff(1, () => 1)).toBe(400);
    expect(backOff(30, () => 1)).toBe(15_000);
  });
});

describe('places', () => {
  it('are given in order and come back when a waiter leaves', async () => {
    const slots = new Slots(1);
    const leaving = new AbortController();
    const first = await slots.acquire(new AbortController().signal);
    const second = slots.acquire(leaving.signal);
    const third = slots.acquire(new AbortController().signal);
    leaving.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    first();
    first();
    const release = await third;
    release();
    (await slots.acquire(new AbortController().signal))();
  });
});

describe('speed', () => {
  it('is measured over the last seconds only', () => {
    const meter = new SpeedMeter();
    meter.record(0, 0);
    expect(meter.bytesPerSecond()).toBe(0);
    for (let second = 1; second <= 10; second += 1) meter.record(second * 1000, second * 1000);
    expect(Math.round(meter.bytesPerSecond())).toBe(1000);
    for (let second = 11; second <= 20; second += 1) meter.record(10_000 + (second - 10) * 3000, second * 1000);
    expect(Math.round(meter.bytesPerSecond())).toBe(3000);
    expect(meter.secondsLeft(6000)).toBeCloseTo(2);
  });

  it('starts over when bytes are taken back', () => {
    const meter = new SpeedMeter();
    meter.record(5000, 0);
    meter.record(9000, 1000);
    meter.record(4000, 1100);
    expect(meter.bytesPerSecond()).toBe(0);
    expect(meter.secondsLeft(10)).toBe(Infinity);
  });
});
