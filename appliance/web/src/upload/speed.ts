// Transfer speed over a sliding window; steady enough to promise a time from.

const WINDOW_MS = 6000;

export class SpeedMeter {
  private samples: { at: number; bytes: number }[] = [];

  /** `bytes` is the total sent so far; it may fall back when a part is sent again. */
  record(bytes: number, at: number): void {
    const last = this.samples[this.samples.length - 1];
    if (last && bytes < last.bytes) this.samples = [];
    this.samples.push({ at, bytes });
    const oldest = at - WINDOW_MS;
    while (this.samples.length > 2 && (this.samples[1] as { at: number }).at <= oldest) this.samples.shift();
  }

  bytesPerSecond(): number {
    const first = this.samples[0];
    const last = this.samples[this.samples.length - 1];
    if (!first || !last || last.at - first.at < 250) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }

  secondsLeft(remaining: number): number {
    const speed = this.bytesPerSecond();
    return speed > 0 ? remaining / speed : Infinity;
  }

  reset(): void {
    this.samples = [];
  }
}
