import { TIME } from "./event-pool";

const KEPT = 16;

/**
 * The times of the last events of all: their minimum says what has passed, whatever the clock of
 * one server says.
 */
export class RecentTimes {
  private readonly times = new Float64Array(KEPT).fill(-Infinity);
  private at = 0;

  /** Notes the time of an event; see `EventPool.next`. */
  note(event: Float64Array): void {
    this.at = (this.at + 1) % KEPT;
    this.times[this.at] = event[TIME];
  }

  /** Nothing before this is going to come, but for what is late. */
  get oldest(): number {
    return Math.min(...this.times);
  }

  clear(): void {
    this.times.fill(-Infinity);
  }
}
