import {
  DURATION,
  EVENT_NUMBERS,
  EVENT_WORDS,
  EventPool,
  NEXT,
  TIME,
  VALUE,
  WEIGHT,
} from "./event-pool";
import { RecentTimes } from "./recent-times";
import { RECORD_NUMBERS, RECORD_WORDS, RecordTable } from "./record-table";

export interface WindowSettings {
  readonly withinMs: number;
  /** A finding needs a total above this. */
  readonly moreThan: number;
  /** Up to here nobody asks for the total, so that quiet keys need not move their window. */
  readonly notable: number;
  /** How long events are kept behind the window for lines that come late. */
  readonly latenessMs: number;
  /** Count each value once in a window; otherwise add up weights. */
  readonly isDistinct: boolean;
  /** Keys kept at most; beyond, quiet ones are forgotten. */
  readonly maxKeys: number;
}

/** One key as it leaves and enters a saved state. */
export interface SavedKey {
  /** When it was last raised; -1 for never. */
  readonly raisedAt: number;
  /** Time, weight, milliseconds, and value or span: four numbers an event, oldest first. */
  readonly events: readonly number[];
}

/** Where the numbers of a key's record stand. */
const LAST_TIME = 0;
const RAISED_AT = 1;
/** Weight inside the window of the newest event, or more: see `notable`; with distinct values, events. */
const TOTAL = 2;
/**
 * Where its words stand: the first event, the first inside that window or before it, the last; how
 * many there are. Most keys see one event and no more: that one stands in the record itself, at
 * `LAST_TIME`, of weight `TOTAL`, and the first event is `NONE`; see `spread`.
 */
const HEAD = 6;
const IN_WINDOW = 7;
const TAIL = 8;
const LENGTH = 9;
/** Of an only event: its milliseconds, a number, and its value, the record's last word. */
const ONLY_DURATION = 5;
const ONLY_VALUE = 15;

const NEVER = -Infinity;
const NONE = -1;
const MAX_EVENTS = 4096;
const FIRST_CAPACITY = 1024;

/**
 * Sliding windows on event time, one for each key: how much weight, or how many distinct values,
 * fell within `withinMs` before an event. Each key has a list of events in order of time. An event
 * that is older than the newest one is put in its place, and every window that holds it is looked
 * at again.
 */
export class SlidingWindows {
  /** The most that the last `add` can have made of its key's newest window; see `exactly`. */
  reached = 0;
  /** The total that crossed the line, set when `add` returns true. */
  total = 0;
  /** When the first event of that window, and the one that crossed the line, happened. */
  first = 0;
  at = 0;
  /** Milliseconds that the requests of that window took. */
  durationMs = 0;
  /** Keys dropped for want of room. */
  forgotten = 0;

  private readonly settings: WindowSettings;
  private readonly maxEvents: number;
  private lastKey = 0;
  private readonly keys = new RecordTable(FIRST_CAPACITY);
  private readonly pool = new EventPool();
  private readonly times = new RecentTimes();

  constructor(settings: WindowSettings) {
    this.settings = settings;
    const windows = Math.ceil((settings.withinMs + settings.latenessMs) / settings.withinMs);
    this.maxEvents = Math.min(MAX_EVENTS, Math.max(64, (settings.moreThan + 1) * windows));
  }

  /** The key of the next `add`, three words: fill it in place. */
  get key(): Int32Array {
    return this.keys.key;
  }

  get size(): number {
    return this.keys.size;
  }

  /** Time, weight and milliseconds of the next `add`: fill them in place. */
  get event(): Float64Array {
    return this.pool.next;
  }

  /**
   * Adds `event` under `key`, with a value that counts once, or 0 where weights are added up. True
   * when the total is above the line and the key has not been raised within the last window.
   */
  add(value: number): boolean {
    const { pool, keys } = this;
    this.times.note(pool.next);
    const known = keys.find();
    const key = known < 0 ? this.addKey(value) : known;
    this.lastKey = key;
    if (known >= 0) {
      if (pool.next[TIME] < keys.numbers[known * RECORD_NUMBERS + LAST_TIME])
        return this.addLate(known, value);
      if (!this.mergeIntoLast(known, value)) this.append(known, value);
    }
    this.settle(key);
    return this.reached > this.settings.moreThan && this.raiseIfAbove(key);
  }

  /** What the last `add` made of its key's newest window. */
  exactly(): number {
    this.removeDuplicates(this.lastKey);
    return this.keys.numbers[this.lastKey * RECORD_NUMBERS + TOTAL];
  }

  /** Forgets every key. */
  clear(): void {
    this.keep(() => false);
    this.times.clear();
  }

  /** Every key that may still matter, with its events, for saving; `share` says how near the line it is. */
  *saved(): Generator<{ key: Int32Array; share: number; lastTime: number; saved: SavedKey }> {
    const passed = this.passed();
    for (let key = 0; key < this.keys.size; key++) {
      const at = key * RECORD_NUMBERS;
      if (this.keys.numbers[at + LAST_TIME] <= passed) continue;
      const raisedAt = this.keys.numbers[at + RAISED_AT];
      yield {
        key: this.keys.keyOf(key),
        share: this.keys.numbers[at + TOTAL] / (this.settings.moreThan + 1),
        lastTime: this.keys.numbers[at + LAST_TIME],
        saved: { raisedAt: raisedAt === NEVER ? -1 : raisedAt, events: this.eventsOf(key) },
      };
    }
  }

  /** Puts a saved key back under `key`. */
  restore({ raisedAt, events }: SavedKey): void {
    let key = NONE;
    for (let i = 0; i < events.length; i += 4) {
      this.pool.next.set(events.slice(i, i + 3));
      this.times.note(this.pool.next);
      if (key < 0) key = this.addKey(events[i + 3]);
      else this.append(key, events[i + 3]);
    }
    this.recount(key);
    this.keys.numbers[key * RECORD_NUMBERS + RAISED_AT] = raisedAt < 0 ? NEVER : raisedAt;
  }

  private eventsOf(key: number): number[] {
    const { numbers, words } = this.keys;
    const at = key * RECORD_NUMBERS;
    if (words[2 * at + HEAD] < 0) {
      const value = words[2 * at + ONLY_VALUE];
      return [numbers[at + LAST_TIME], numbers[at + TOTAL], numbers[at + ONLY_DURATION], value];
    }
    const { pool } = this;
    const events: number[] = [];
    for (let e = this.head(key); e >= 0; e = pool.words[e * EVENT_WORDS + NEXT]) {
      const from = e * EVENT_NUMBERS;
      events.push(pool.numbers[from + TIME], pool.numbers[from + WEIGHT]);
      events.push(pool.numbers[from + DURATION], pool.words[e * EVENT_WORDS + VALUE]);
    }
    return events;
  }

  private head(key: number): number {
    return this.keys.words[key * RECORD_WORDS + HEAD];
  }

  /** Moves a key's only event out of the record into a list. */
  private spread(key: number): void {
    const { numbers, words } = this.keys;
    const at = key * RECORD_NUMBERS;
    if (words[2 * at + HEAD] >= 0) return;
    const event = this.pool.take(words[2 * at + ONLY_VALUE]);
    const from = event * EVENT_NUMBERS;
    this.pool.numbers[from + TIME] = numbers[at + LAST_TIME];
    this.pool.numbers[from + WEIGHT] = numbers[at + TOTAL];
    this.pool.numbers[from + DURATION] = numbers[at + ONLY_DURATION];
    words[2 * at + HEAD] = event;
    words[2 * at + IN_WINDOW] = event;
    words[2 * at + TAIL] = event;
  }

  private append(key: number, value: number): void {
    this.spread(key);
    const event = this.pool.take(value);
    const { numbers, words } = this.keys;
    const at = key * RECORD_NUMBERS;
    const tail = words[2 * at + TAIL];
    this.pool.words[tail * EVENT_WORDS + NEXT] = event;
    words[2 * at + TAIL] = event;
    words[2 * at + LENGTH]++;
    const from = event * EVENT_NUMBERS;
    numbers[at + TOTAL] += this.pool.numbers[from + WEIGHT];
    numbers[at + LAST_TIME] = this.pool.numbers[from + TIME];
  }

  /** The newest event takes another of the same value, or of the same time, into itself. */
  private mergeIntoLast(key: number, value: number): boolean {
    const { isDistinct, withinMs } = this.settings;
    const { numbers, words } = this.keys;
    const { pool } = this;
    const { next } = pool;
    const at = key * RECORD_NUMBERS;
    const isOnly = words[2 * at + HEAD] < 0;
    const last = isOnly ? 0 : words[2 * at + TAIL] * EVENT_NUMBERS;
    const lastTime = isOnly ? numbers[at + LAST_TIME] : pool.numbers[last + TIME];
    const lastValue = isOnly ? words[2 * at + ONLY_VALUE] : pool.words[2 * last + VALUE];
    const isSame = isDistinct
      ? lastValue === value && lastTime > next[TIME] - withinMs
      : lastTime === next[TIME];
    if (!isSame) return false;
    numbers[at + LAST_TIME] = next[TIME];
    if (!isDistinct) numbers[at + TOTAL] += next[WEIGHT];
    if (isOnly) {
      numbers[at + ONLY_DURATION] += next[DURATION];
    } else {
      pool.numbers[last + TIME] = next[TIME];
      if (!isDistinct) pool.numbers[last + WEIGHT] += next[WEIGHT];
      pool.numbers[last + DURATION] += next[DURATION];
    }
    return true;
  }

  /** Sees to it that a total that somebody may ask for is that of the window which ends at the newest event. */
  private settle(key: number): void {
    const at = key * RECORD_NUMBERS;
    const { numbers, words } = this.keys;
    if (numbers[at + TOTAL] > this.settings.notable || words[2 * at + LENGTH] > this.maxEvents) {
      this.slide(key);
      if (words[2 * at + LENGTH] > this.maxEvents) this.shorten(key);
    }
    this.reached = numbers[at + TOTAL];
  }

  /** Moves the window to the newest event, and forgets what is too old even for late lines. */
  private slide(key: number): void {
    const { withinMs, latenessMs } = this.settings;
    const { numbers, words } = this.pool;
    const keyWords = key * RECORD_WORDS;
    if (this.keys.words[keyWords + HEAD] < 0) return;
    const start = this.keys.numbers[key * RECORD_NUMBERS + LAST_TIME] - withinMs;
    let event = this.keys.words[keyWords + IN_WINDOW];
    let passed = 0;
    while (numbers[event * EVENT_NUMBERS + TIME] <= start) {
      passed += numbers[event * EVENT_NUMBERS + WEIGHT];
      event = words[event * EVENT_WORDS + NEXT];
    }
    this.keys.words[keyWords + IN_WINDOW] = event;
    this.keys.numbers[key * RECORD_NUMBERS + TOTAL] -= passed;
    while (numbers[this.head(key) * EVENT_NUMBERS + TIME] <= start - latenessMs)
      this.unlink(key, NONE, this.head(key));
  }

  /** An event in the past: puts it in its place, then looks at each window that holds it. */
  private addLate(key: number, value: number): boolean {
    this.spread(key);
    const event = this.pool.take(value);
    const { numbers, words } = this.pool;
    const time = numbers[event * EVENT_NUMBERS + TIME];
    let before = NONE;
    for (
      let e = this.head(key);
      e >= 0 && numbers[e * EVENT_NUMBERS + TIME] <= time;
      e = words[e * EVENT_WORDS + NEXT]
    ) {
      before = e;
    }
    this.link(key, before, event);
    this.removeDuplicates(key);
    if (this.keys.words[key * RECORD_WORDS + LENGTH] > this.maxEvents) this.shorten(key);
    this.recount(key);
    return this.raiseInAnyWindow(key, time);
  }

  private raiseIfAbove(key: number): boolean {
    const time = this.keys.numbers[key * RECORD_NUMBERS + LAST_TIME];
    if (this.wasRaised(key, time)) return false;
    this.spread(key);
    this.removeDuplicates(key);
    this.reached = this.keys.numbers[key * RECORD_NUMBERS + TOTAL];
    if (this.reached <= this.settings.moreThan) return false;
    const from = this.keys.words[key * RECORD_WORDS + IN_WINDOW];
    return this.raise(key, time, { total: this.reached, from });
  }

  private raiseInAnyWindow(key: number, time: number): boolean {
    const { withinMs, moreThan } = this.settings;
    const { numbers, words } = this.pool;
    const timeOf = (event: number): number => numbers[event * EVENT_NUMBERS + TIME];
    const weightOf = (event: number): number => numbers[event * EVENT_NUMBERS + WEIGHT];
    this.reached = this.keys.numbers[key * RECORD_NUMBERS + TOTAL];
    let from = this.head(key);
    let total = 0;
    let end = -Infinity;
    for (let e = from; e >= 0; e = words[e * EVENT_WORDS + NEXT]) {
      // What `shorten` put together happened up to the end of its span, be it behind a late event.
      end = Math.max(end, timeOf(e) + this.spanOf(e));
      if (end >= time + withinMs) break;
      total += weightOf(e);
      for (; timeOf(from) <= end - withinMs; from = words[from * EVENT_WORDS + NEXT])
        total -= weightOf(from);
      if (end >= time && total > moreThan) return this.raise(key, end, { total, from });
    }
    return false;
  }

  /** How long after its time the last of what was put together into an event happened. */
  private spanOf(event: number): number {
    return this.settings.isDistinct ? 0 : this.pool.words[event * EVENT_WORDS + VALUE];
  }

  private raise(
    key: number,
    at: number,
    { total, from }: { total: number; from: number },
  ): boolean {
    if (this.wasRaised(key, at)) return false;
    const { numbers, words } = this.pool;
    this.keys.numbers[key * RECORD_NUMBERS + RAISED_AT] = at;
    this.total = total;
    this.at = at;
    this.first = numbers[from * EVENT_NUMBERS + TIME];
    this.durationMs = 0;
    for (
      let e = from;
      e >= 0 && numbers[e * EVENT_NUMBERS + TIME] <= at;
      e = words[e * EVENT_WORDS + NEXT]
    ) {
      this.durationMs += numbers[e * EVENT_NUMBERS + DURATION];
    }
    return true;
  }

  private wasRaised(key: number, at: number): boolean {
    return (
      Math.abs(at - this.keys.numbers[key * RECORD_NUMBERS + RAISED_AT]) < this.settings.withinMs
    );
  }

  /** Rebuilds total and window of a key from its list; an only event needs neither. */
  private recount(key: number): void {
    if (this.head(key) < 0) return;
    const { numbers, words } = this.pool;
    const at = key * RECORD_NUMBERS;
    const start = this.keys.numbers[at + LAST_TIME] - this.settings.withinMs;
    let event = this.head(key);
    while (numbers[event * EVENT_NUMBERS + TIME] <= start)
      event = words[event * EVENT_WORDS + NEXT];
    this.keys.words[2 * at + IN_WINDOW] = event;
    let total = 0;
    for (; event >= 0; event = words[event * EVENT_WORDS + NEXT])
      total += numbers[event * EVENT_NUMBERS + WEIGHT];
    this.keys.numbers[at + TOTAL] = total;
  }

  /**
   * Bounds a list. Of weights, neighbours become one event at the time of the older, with the span
   * between them: it leaves the window sooner, so a total is never too high. The newest stays as it
   * is, for the window ends there. Of distinct values the oldest half goes.
   */
  private shorten(key: number): void {
    const { numbers, words } = this.pool;
    if (this.settings.isDistinct) {
      this.removeDuplicates(key);
      while (this.keys.words[key * RECORD_WORDS + LENGTH] > this.maxEvents / 2) {
        this.unlink(key, NONE, this.head(key));
      }
    } else {
      const newest = this.keys.words[key * RECORD_WORDS + TAIL];
      for (let e = this.head(key); e !== newest; e = words[e * EVENT_WORDS + NEXT]) {
        const absorbed = words[e * EVENT_WORDS + NEXT];
        if (absorbed === newest) break;
        const [into, from] = [e * EVENT_NUMBERS, absorbed * EVENT_NUMBERS];
        const end = numbers[from + TIME] + this.spanOf(absorbed);
        words[e * EVENT_WORDS + VALUE] = Math.max(this.spanOf(e), end - numbers[into + TIME]);
        numbers[into + WEIGHT] += numbers[from + WEIGHT];
        numbers[into + DURATION] += numbers[from + DURATION];
        this.unlink(key, e, absorbed);
      }
    }
    this.recount(key);
  }

  /**
   * Of distinct values only the newest event counts. Looking for the older one at every event would
   * cost a walk along the list; so duplicates stay until their number alone could cross the line.
   */
  private removeDuplicates(key: number): void {
    if (!this.settings.isDistinct || this.head(key) < 0) return;
    const { words } = this.pool;
    const newest = new Map<number, number>();
    for (let e = this.head(key); e >= 0; e = words[e * EVENT_WORDS + NEXT])
      newest.set(words[e * EVENT_WORDS + VALUE], e);
    if (newest.size === this.keys.words[key * RECORD_WORDS + LENGTH]) return;
    let before = NONE;
    let event = this.head(key);
    while (event >= 0) {
      const after = words[event * EVENT_WORDS + NEXT];
      if (newest.get(words[event * EVENT_WORDS + VALUE]) === event) before = event;
      else this.unlink(key, before, event);
      event = after;
    }
    this.recount(key);
  }

  /** Puts an event, older than the newest, behind `before`, or first when that is `NONE`. */
  private link(key: number, before: number, event: number): void {
    const { words } = this.pool;
    const keyWords = key * RECORD_WORDS;
    words[event * EVENT_WORDS + NEXT] =
      before < 0 ? this.head(key) : words[before * EVENT_WORDS + NEXT];
    if (before < 0) this.keys.words[keyWords + HEAD] = event;
    else words[before * EVENT_WORDS + NEXT] = event;
    this.keys.words[keyWords + LENGTH]++;
  }

  /** Takes an event out that is not the newest. */
  private unlink(key: number, before: number, event: number): void {
    const { words } = this.pool;
    const keyWords = key * RECORD_WORDS;
    const after = words[event * EVENT_WORDS + NEXT];
    if (before < 0) this.keys.words[keyWords + HEAD] = after;
    else words[before * EVENT_WORDS + NEXT] = after;
    this.keys.words[keyWords + LENGTH]--;
    this.pool.free(event);
  }

  /** Adds a record under `key` with its first event. */
  private addKey(value: number): number {
    if (this.keys.size === this.keys.capacity) this.makeRoom();
    const key = this.keys.add();
    const { numbers, words } = this.keys;
    const at = key * RECORD_NUMBERS;
    const { next } = this.pool;
    numbers[at + LAST_TIME] = next[TIME];
    numbers[at + RAISED_AT] = NEVER;
    numbers[at + TOTAL] = next[WEIGHT];
    words[2 * at + HEAD] = NONE;
    words[2 * at + LENGTH] = 1;
    words[2 * at + ONLY_VALUE] = value;
    numbers[at + ONLY_DURATION] = next[DURATION];
    return key;
  }

  /** Drops keys whose events have all passed; grows, or forgets the quietest, when that is not enough. */
  private makeRoom(): void {
    const { maxKeys } = this.settings;
    const passed = this.passed();
    this.keep((key) => this.keys.numbers[key * RECORD_NUMBERS + LAST_TIME] > passed);
    if (this.keys.size <= this.keys.capacity / 2) return;
    if (this.keys.capacity < maxKeys) this.keys.grow();
    else this.forgetQuietHalf();
  }

  /** Keys that were quiet since then have nothing left that a line within the lateness could meet. */
  private passed(): number {
    const { withinMs, latenessMs } = this.settings;
    return this.times.oldest - withinMs - latenessMs;
  }

  private forgetQuietHalf(): void {
    const { numbers } = this.keys;
    const orderOf = (a: number, b: number, part: number): number =>
      numbers[a * RECORD_NUMBERS + part] - numbers[b * RECORD_NUMBERS + part];
    const order = Array.from({ length: this.keys.size }, (_, key) => key).sort(
      (a, b) => orderOf(a, b, TOTAL) || orderOf(a, b, LAST_TIME),
    );
    const quiet = new Set(order.slice(0, Math.ceil(order.length / 2)));
    this.forgotten += quiet.size;
    this.keep((key) => !quiet.has(key));
  }

  private keep(isKept: (key: number) => boolean): void {
    this.keys.keep((key) => {
      if (isKept(key)) return true;
      const words = key * RECORD_WORDS;
      const head = this.keys.words[words + HEAD];
      if (head >= 0) this.pool.free(head, this.keys.words[words + TAIL]);
      return false;
    });
  }
}
