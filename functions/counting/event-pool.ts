/** Where an event's numbers stand in its record. */
export const TIME = 0;
export const WEIGHT = 1;
export const DURATION = 2;
/** Where its words stand: the value (of weights: the span in milliseconds), and the event behind it in its list or -1. */
export const VALUE = 6;
export const NEXT = 7;

/** Four numbers, or eight words, make an event: two of them fill a line of the processor's cache. */
export const EVENT_NUMBERS = 4;
export const EVENT_WORDS = 8;

/**
 * Memory for the events of all keys, in which an event's parts lie together, because a busy log
 * makes a million events a minute and each access to a part that lies elsewhere costs as much as
 * parsing a field. Events are numbered from 0.
 */
export class EventPool {
  /**
   * What the next event is given: time, weight and milliseconds, set in place. Numbers with a
   * fraction that go from function to function are put into objects on the way, one for each.
   */
  readonly next = new Float64Array(3);
  numbers = new Float64Array(1024 * EVENT_NUMBERS);
  words = new Int32Array(this.numbers.buffer);
  private used = 0;
  private firstFree = -1;

  /** An event at the end of no list, made of `next` and a value. */
  take(value: number): number {
    let event = this.firstFree;
    if (event >= 0) {
      this.firstFree = this.words[event * EVENT_WORDS + NEXT];
    } else {
      if (this.used * EVENT_NUMBERS === this.numbers.length) this.grow();
      event = this.used++;
    }
    const { numbers, words, next } = this;
    const at = event * EVENT_NUMBERS;
    numbers[at + TIME] = next[TIME];
    numbers[at + WEIGHT] = next[WEIGHT];
    numbers[at + DURATION] = next[DURATION];
    words[2 * at + VALUE] = value;
    words[2 * at + NEXT] = -1;
    return event;
  }

  /** Frees an event, or a whole list from its first event to its last. */
  free(first: number, last = first): void {
    this.words[last * EVENT_WORDS + NEXT] = this.firstFree;
    this.firstFree = first;
  }

  private grow(): void {
    const numbers = new Float64Array(this.numbers.length * 2);
    numbers.set(this.numbers);
    this.numbers = numbers;
    this.words = new Int32Array(numbers.buffer);
  }
}
