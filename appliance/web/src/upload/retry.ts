// When a failed request is worth another attempt, and after how long.

export type Verdict = 'again' | 'sign-again' | 'give-up';

/** What to do after a PUT of a part was answered with `status`; 0 means that no answer came. */
export function verdict(status: number): Verdict {
  if (status === 403) return 'sign-again';
  // 400 is what a damaged body gets: its checksum did not match. Sending the bytes again is the cure.
  if (status === 0 || status === 400 || status === 408 || status === 425 || status === 429 || status >= 500) return 'again';
  return 'give-up';
}

/** A cut cable deserves patience, a server that keeps refusing does not. */
export function attemptsFor(status: number): number {
  return status === 0 ? 40 : 6;
}

const FIRST_MS = 400;
const LAST_MS = 15_000;

/** Half fixed, half random, doubling up to 15 s. `attempt` counts from 1. */
export function backOff(attempt: number, random: () => number): number {
  const ceiling = Math.min(LAST_MS, FIRST_MS * 2 ** (attempt - 1));
  return ceiling / 2 + (random() * ceiling) / 2;
}
