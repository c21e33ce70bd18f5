import { DURATION, EventPool, NEXT, TIME, VALUE, WEIGHT } from "./event-pool";
import { RECORD_NUMBERS, RecordTable } from "./record-table";

export interface WindowSettings {
  readonly withinMs: number;
  /** A finding needs a total above this. */
  readonly moreThan: number;
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
  /** Time, weight, milliseconds, value: four numbers an event, oldest first. */
  readonly events: readonly number[];
}

/** Where the parts of a key's record stand. */
const LAST_TIME = 0;
const RAISED_AT = 1;
/** Weight inside the window of the newest event; with distinct values, events: at least as many. */
const TOTAL = 2;
const HEAD = 3;
/** The oldest event inside the window of the newest one, or -1. */
const IN_WINDOW = 4;
const TAIL = 5;
/** Events in the list; a word, not a number. */
const LENGTH = 15;

const NEVER = -Infinity;
const MAX_EVENTS = 4096;
const RECENT = 16;
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
  private lastEntry = 0;
  private readonly keys = new RecordTable(FIRST_CAPACITY);
  private readonly pool = new EventPool();
  /** Times of the last events of all: their minimum says what has passed, whatever one clock says. */
  private readonly recent = new Float64Array(RECENT).fill(NEVER);
  private recentAt = 0;

  constructor(settings: WindowSettings) {
    this.settings = settings;
    const windows = Math.ceil((settings.withinMs + settings.latenessMs) / settings.withinMs);
    this.maxEvents = Math.min(MAX_EVENTS, Math.max(64, (settings.moreThan + 1) * windows));
  }

  /** The key of the next `add`, three words: fill it in place. */
  get key(): Uint32Array {
    return this.keys.key;
  }

  get size(): number {
    return this.keys.size;
  }

  /**
   * Adds an event under `key`, with what `setEvent` was told. True when the total is above the line
   * and the key has not been raised within the last window.
   */
  add(time: number, weight: number): boolean {
    const { pool } = this;
    this.recentAt = (this.recentAt + 1) % RECENT;
    this.recent[this.recentAt] = time;
    const known = this.keys.find();
    const entry = (known < 0 ? this.addKey() : known) * RECORD_NUMBERS;
    this.lastEntry = entry;
    if (known >= 0 && time < this.keys.numbers[entry + LAST_TIME]) {
      return this.addLate(entry, pool.take(time, weight));
    }
    if (known < 0) this.startList(entry, pool.take(time, weight));
    else this.append(entry, pool.take(time, weight));
    return this.raiseIfAbove(entry, time);
  }

  /** Sets the value that counts once and the milliseconds of the next `add`. */
  setEvent(value: number, durationMs: number): void {
    this.pool.value = value;
    this.pool.durationMs = durationMs;
  }

  /** What the last `add` made of its key's newest window. */
  exactly(): number {
    this.removeDuplicates(this.lastEntry);
    return this.keys.numbers[this.lastEntry + TOTAL];
  }

  /** Forgets every key. */
  clear(): void {
    this.keep(() => false);
    this.recent.fill(NEVER);
  }

  /** Every key that may still matter, with its events, for saving; `share` says how near the line it is. */
  *saved(): Generator<{ key: Uint32Array; share: number; lastTime: number; saved: SavedKey }> {
    const passed = this.passed();
    for (let i = 0; i < this.keys.size; i++) {
      const entry = i * RECORD_NUMBERS;
      if (this.keys.numbers[entry + LAST_TIME] <= passed) continue;
      const { data } = this.pool;
      const events: number[] = [];
      for (let e = this.keys.numbers[entry + HEAD]; e >= 0; e = data[e + NEXT]) {
        events.push(data[e + TIME], data[e + WEIGHT], data[e + DURATION], data[e + VALUE]);
      }
      const raisedAt = this.keys.numbers[entry + RAISED_AT];
      yield {
        key: this.keys.keyOf(i),
        share: this.keys.numbers[entry + TOTAL] / (this.settings.moreThan + 1),
        lastTime: this.keys.numbers[entry + LAST_TIME],
        saved: { raisedAt: raisedAt === NEVER ? -1 : raisedAt, events },
      };
    }
  }

  /** Puts a saved key back under `key`. */
  restore({ raisedAt, events }: SavedKey): void {
    const entry = this.addKey() * RECORD_NUMBERS;
    for (let i = 0; i < events.length; i += 4) {
      const [time, weight, durationMs, value] = events.slice(i, i + 4);
      this.setEvent(value, durationMs);
      const event = this.pool.take(time, weight);
      if (i === 0) this.startList(entry, event);
      else this.link(entry, this.keys.numbers[entry + TAIL], event);
      this.keys.numbers[entry + LAST_TIME] = time;
      this.recentAt = (this.recentAt + 1) % RECENT;
      this.recent[this.recentAt] = time;
    }
    this.recount(entry);
    this.keys.numbers[entry + RAISED_AT] = raisedAt < 0 ? NEVER : raisedAt;
  }

  private append(entry: number, event: number): void {
    const { data } = this.pool;
    this.slide(entry, data[event + TIME]);
    if (this.mergeIntoTail(entry, event)) return;
    this.link(entry, this.keys.numbers[entry + TAIL], event);
    if (this.keys.numbers[entry + IN_WINDOW] < 0) this.keys.numbers[entry + IN_WINDOW] = event;
    this.keys.numbers[entry + TOTAL] += data[event + WEIGHT];
    this.keys.numbers[entry + LAST_TIME] = data[event + TIME];
    if (this.keys.words[2 * entry + LENGTH] > this.maxEvents) this.shorten(entry);
  }

  /** The newest event takes another of the same value, or of the same time, into itself. */
  private mergeIntoTail(entry: number, event: number): boolean {
    if (this.keys.numbers[entry + IN_WINDOW] < 0) return false;
    const { data } = this.pool;
    const tail = this.keys.numbers[entry + TAIL];
    if (this.settings.isDistinct) {
      if (data[tail + VALUE] !== data[event + VALUE]) return false;
      data[tail + TIME] = data[event + TIME];
      this.keys.numbers[entry + LAST_TIME] = data[event + TIME];
    } else {
      if (data[tail + TIME] !== data[event + TIME]) return false;
      data[tail + WEIGHT] += data[event + WEIGHT];
      this.keys.numbers[entry + TOTAL] += data[event + WEIGHT];
    }
    data[tail + DURATION] += data[event + DURATION];
    this.pool.free(event);
    return true;
  }

  /** Moves the window so that it ends at `time`, and forgets what is too old even for late lines. */
  private slide(entry: number, time: number): void {
    const { withinMs, latenessMs } = this.settings;
    const { data } = this.pool;
    let event = this.keys.numbers[entry + IN_WINDOW];
    while (event >= 0 && data[event + TIME] <= time - withinMs) {
      this.keys.numbers[entry + TOTAL] -= data[event + WEIGHT];
      event = data[event + NEXT];
    }
    this.keys.numbers[entry + IN_WINDOW] = event;
    for (;;) {
      const head = this.keys.numbers[entry + HEAD];
      if (head < 0 || data[head + TIME] > time - withinMs - latenessMs) return;
      this.unlink(entry, -1, head);
    }
  }

  /** An event in the past: puts it in its place, then looks at each window that holds it. */
  private addLate(entry: number, event: number): boolean {
    const { data } = this.pool;
    const time = data[event + TIME];
    let before = -1;
    for (
      let e = this.keys.numbers[entry + HEAD];
      e >= 0 && data[e + TIME] <= time;
      e = data[e + NEXT]
    ) {
      before = e;
    }
    this.link(entry, before, event);
    this.removeDuplicates(entry);
    if (this.keys.words[2 * entry + LENGTH] > this.maxEvents) this.shorten(entry);
    this.recount(entry);
    return this.raiseInAnyWindow(entry, time);
  }

  private raiseIfAbove(entry: number, time: number): boolean {
    this.reached = this.keys.numbers[entry + TOTAL];
    if (this.reached <= this.settings.moreThan || this.wasRaised(entry, time)) return false;
    this.removeDuplicates(entry);
    this.reached = this.keys.numbers[entry + TOTAL];
    if (this.reached <= this.settings.moreThan) return false;
    return this.raise(entry, time, {
      total: this.reached,
      from: this.keys.numbers[entry + IN_WINDOW],
    });
  }

  private raiseInAnyWindow(entry: number, time: number): boolean {
    const { withinMs, moreThan } = this.settings;
    const { data } = this.pool;
    this.reached = this.keys.numbers[entry + TOTAL];
    let from = this.keys.numbers[entry + HEAD];
    let total = 0;
    for (let e = from; e >= 0; e = data[e + NEXT]) {
      const end = data[e + TIME];
      if (end >= time + withinMs) break;
      total += data[e + WEIGHT];
      for (; data[from + TIME] <= end - withinMs; from = data[from + NEXT])
        total -= data[from + WEIGHT];
      if (end >= time && total > moreThan) return this.raise(entry, end, { total, from });
    }
    return false;
  }

  private raise(
    entry: number,
    at: number,
    { total, from }: { total: number; from: number },
  ): boolean {
    if (this.wasRaised(entry, at)) return false;
    const { data } = this.pool;
    this.keys.numbers[entry + RAISED_AT] = at;
    this.total = total;
    this.at = at;
    this.first = data[from + TIME];
    this.durationMs = 0;
    for (let e = from; e >= 0 && data[e + TIME] <= at; e = data[e + NEXT]) {
      this.durationMs += data[e + DURATION];
    }
    return true;
  }

  private wasRaised(entry: number, at: number): boolean {
    return Math.abs(at - this.keys.numbers[entry + RAISED_AT]) < this.settings.withinMs;
  }

  /** Rebuilds total and window of a key from its list. */
  private recount(entry: number): void {
    const { data } = this.pool;
    const start = this.keys.numbers[entry + LAST_TIME] - this.settings.withinMs;
    let event = this.keys.numbers[entry + HEAD];
    while (event >= 0 && data[event + TIME] <= start) event = data[event + NEXT];
    this.keys.numbers[entry + IN_WINDOW] = event;
    let total = 0;
    for (; event >= 0; event = data[event + NEXT]) total += data[event + WEIGHT];
    this.keys.numbers[entry + TOTAL] = total;
  }

  /**
   * Bounds a list. Of weights, neighbours become one event at the time of the older: it leaves the
   * window sooner, so a total is never too high. Of distinct values the oldest half goes.
   */
  private shorten(entry: number): void {
    const { data } = this.pool;
    if (this.settings.isDistinct) {
      this.removeDuplicates(entry);
      while (this.keys.words[2 * entry + LENGTH] > this.maxEvents / 2) {
        this.unlink(entry, -1, this.keys.numbers[entry + HEAD]);
      }
    } else {
      for (
        let e = this.keys.numbers[entry + HEAD];
        e >= 0 && data[e + NEXT] >= 0;
        e = data[e + NEXT]
      ) {
        const absorbed = data[e + NEXT];
        data[e + WEIGHT] += data[absorbed + WEIGHT];
        data[e + DURATION] += data[absorbed + DURATION];
        this.unlink(entry, e, absorbed);
      }
    }
    this.recount(entry);
  }

  /**
   * Of distinct values only the newest event counts. Looking for the older one at every event would
   * cost a walk along the list; so duplicates stay until their number alone could cross the line.
   */
  private removeDuplicates(entry: number): void {
    if (!this.settings.isDistinct) return;
    const { data } = this.pool;
    const newest = new Map<number, number>();
    for (let e = this.keys.numbers[entry + HEAD]; e >= 0; e = data[e + NEXT])
      newest.set(data[e + VALUE], e);
    if (newest.size === this.keys.words[2 * entry + LENGTH]) return;
    let before = -1;
    let event = this.keys.numbers[entry + HEAD];
    while (event >= 0) {
      const after = data[event + NEXT];
      if (newest.get(data[event + VALUE]) === event) before = event;
      else this.unlink(entry, before, event);
      event = after;
    }
    this.recount(entry);
  }

  private startList(entry: number, event: number): void {
    const entries = this.keys.numbers;
    entries[entry + LAST_TIME] = this.pool.data[event + TIME];
    entries[entry + RAISED_AT] = NEVER;
    entries[entry + TOTAL] = this.pool.data[event + WEIGHT];
    entries[entry + HEAD] = event;
    entries[entry + IN_WINDOW] = event;
    entries[entry + TAIL] = event;
    this.keys.words[2 * entry + LENGTH] = 1;
  }

  /** Puts an event behind `before`, or first when that is -1. */
  private link(entry: number, before: number, event: number): void {
    const { data } = this.pool;
    const after = before < 0 ? this.keys.numbers[entry + HEAD] : data[before + NEXT];
    data[event + NEXT] = after;
    if (before < 0) this.keys.numbers[entry + HEAD] = event;
    else data[before + NEXT] = event;
    if (after < 0) this.keys.numbers[entry + TAIL] = event;
    this.keys.words[2 * entry + LENGTH]++;
  }

  private unlink(entry: number, before: number, event: number): void {
    const { data } = this.pool;
    const after = data[event + NEXT];
    if (before < 0) this.keys.numbers[entry + HEAD] = after;
    else data[before + NEXT] = after;
    if (after < 0) this.keys.numbers[entry + TAIL] = before;
    this.keys.words[2 * entry + LENGTH]--;
    this.pool.free(event);
  }

  private addKey(): number {
    if (this.keys.size === this.keys.capacity) this.makeRoom();
    return this.keys.add();
  }

  /** Drops keys whose events have all passed; grows, or forgets the quietest, when that is not enough. */
  private makeRoom(): void {
    const { maxKeys } = this.settings;
    const passed = this.passed();
    this.keep((entry) => this.keys.numbers[entry + LAST_TIME] > passed);
    if (this.keys.size <= this.keys.capacity / 2) return;
    if (this.keys.capacity < maxKeys) this.keys.grow();
    else this.forgetQuietHalf();
  }

  /** Keys that were quiet since then have nothing left that a line within the lateness could meet. */
  private passed(): number {
    const { withinMs, latenessMs } = this.settings;
    return Math.min(...this.recent) - withinMs - latenessMs;
  }

  private forgetQuietHalf(): void {
    const entries = this.keys.numbers;
    const order = Array.from({ length: this.keys.size }, (_, i) => i * RECORD_NUMBERS).sort(
      (a, b) =>
        entries[a + TOTAL] - entries[b + TOTAL] || entries[a + LAST_TIME] - entries[b + LAST_TIME],
    );
    const quiet = new Set(order.slice(0, Math.ceil(order.length / 2)));
    this.forgotten += quiet.size;
    this.keep((entry) => !quiet.has(entry));
  }

  private keep(isKept: (entry: number) => boolean): void {
    const entries = this.keys.numbers;
    this.keys.keep((i) => {
      const entry = i * RECORD_NUMBERS;
      if (isKept(entry)) return true;
      while (entries[entry + HEAD] >= 0) this.unlink(entry, -1, entries[entry + HEAD]);
      return false;
    });
  }
}
