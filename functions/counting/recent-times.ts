const KEPT = 16;

/**
 * The times of the last requests of all: their minimum says what has passed, whatever the clock of
 * one server says.
 */
export class RecentTimes {
  private readonly times = new Float64Array(KEPT).fill(-Infinity);
  private at = 0;

  note(time: number): void {
    this.at = (this.at + 1) % KEPT;
    this.times[this.at] = time;
  }

  /** Nothing before this is going to come, but for what is late. */
  get oldest(): number {
    return Math.min(...this.times);
  }

  clear(): void {
    this.times.fill(-Infinity);
  }
}
