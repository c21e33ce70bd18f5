/** Where an event's parts stand, counted from its place in the pool's `data`. */
export const TIME = 0;
export const WEIGHT = 1;
export const DURATION = 2;
export const VALUE = 3;
/** The place of the event behind it in its list, or -1. */
export const NEXT = 4;
const STRIDE = 5;

/**
 * Memory for the events of all keys: one array of numbers in which an event's parts lie together,
 * because a busy log makes a million events a minute and each access to a part that lies elsewhere
 * costs as much as parsing a field.
 */
export class EventPool {
  data = new Float64Array(1024 * STRIDE);
  /** What the next event is given; set apart, because an object for each would cost more than the event. */
  value = 0;
  durationMs = 0;
  private used = 0;
  private firstFree = -1;

  /** An event at the end of no list; returns its place. */
  take(time: number, weight: number): number {
    let event = this.firstFree;
    if (event >= 0) {
      this.firstFree = this.data[event + NEXT];
    } else {
      if (this.used === this.data.length) this.grow();
      event = this.used;
      this.used += STRIDE;
    }
    const { data } = this;
    data[event + TIME] = time;
    data[event + WEIGHT] = weight;
    data[event + DURATION] = this.durationMs;
    data[event + VALUE] = this.value;
    data[event + NEXT] = -1;
    return event;
  }

  free(event: number): void {
    this.data[event + NEXT] = this.firstFree;
    this.firstFree = event;
  }

  private grow(): void {
    const data = new Float64Array(this.data.length * 2);
    data.set(this.data);
    this.data = data;
  }
}
