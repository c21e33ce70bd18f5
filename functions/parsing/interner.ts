import { viewOf } from "./bytes";

const MAX_PROBES = 128;
/** A power of two. */
const HINTS = 1024;

/** How much an interner keeps before it begins to forget. */
export interface InternerSettings {
  /** Distinct values in each of the two generations; a power of two. */
  readonly values: number;
  /** Bytes of them in each generation. */
  readonly bytes: number;
}

/**
 * Gives equal byte strings the same number, comparing them in full. Memory is bounded by two
 * generations: when the young one is full it becomes the old one, and values that are met again
 * move over with their number. A value that was met in neither is forgotten and gets a new number
 * when it returns, so counters keyed by numbers may miss, but never mix two values up.
 */
export class Interner {
  /** Counts how often the young generation was replaced, and so slots and what is remembered lost. */
  generation = 0;
  private young: Generation;
  private old: Generation;
  private nextId = 1;
  /** The slot of what came last under each hint, plus 1. */
  private readonly hinted = new Int32Array(HINTS);
  private readonly settings: InternerSettings;

  constructor(settings: InternerSettings) {
    this.settings = settings;
    this.young = new Generation(settings);
    this.old = new Generation({ values: 1, bytes: 0 });
  }

  /**
   * The place of the value at `[start, end)`, good until the next call. Values that came under one
   * hint are likely to come under it again: what it was last is looked at first.
   */
  intern(view: DataView, start: number, end: number, hint = 0): number {
    const place = hint & (HINTS - 1);
    const likely = this.hinted[place] - 1;
    if (likely >= 0 && this.young.isSame(likely, view, start, end)) return likely;
    const hash = hashOf(view, start, end);
    const found = this.young.find(hash, view, start, end);
    const slot = found >= 0 ? found : this.add(hash, view, { start, end });
    this.hinted[place] = slot + 1;
    return slot;
  }

  /** The number of a text. */
  internText(text: string): number {
    const bytes = Buffer.from(text);
    return this.number(viewOf(bytes), 0, bytes.length);
  }

  /** The number of the value at `[start, end)`. */
  number(view: DataView, start: number, end: number): number {
    // The slot first: finding it may replace the young generation.
    const slot = this.intern(view, start, end);
    return this.young.records[slot + ID];
  }

  /** What was remembered with the value at a slot: four words, 0 until they are set. */
  memo(slot: number, index: number): number {
    return this.young.records[slot + MEMO + index];
  }

  remember(slot: number, index: number, value: number): void {
    this.young.records[slot + MEMO + index] = value;
  }

  /** All values that are still known, by their number. */
  texts(): Map<number, string> {
    return new Map([...this.old.texts(), ...this.young.texts()]);
  }

  private add(hash: number, view: DataView, span: Span): number {
    if (!this.young.hasRoom(span.end - span.start)) {
      this.old = this.young;
      this.young = new Generation(this.settings);
      this.generation++;
      this.hinted.fill(0);
    }
    const before = this.old.find(hash, view, span.start, span.end);
    const id = before >= 0 ? this.old.records[before + ID] : this.nextId++;
    return this.young.add(hash, id, view, span);
  }
}

/** Where the parts of a record stand, counted in words; they share a line of the processor's cache. */
const HASH = 0;
const OFFSET = 1;
const LENGTH = 2;
const ID = 3;
const MEMO = 4;
const RECORD = 8;

/** Values up to the size of its memory, and no more. */
class Generation {
  readonly records: Int32Array;
  private readonly table: Int32Array;
  private readonly arena: Uint8Array;
  private readonly words: Int32Array;
  private count = 0;
  private used = 0;

  constructor({ values, bytes }: InternerSettings) {
    this.records = new Int32Array(values * RECORD);
    this.table = new Int32Array(values * 2);
    this.arena = new Uint8Array(bytes + 4 * values);
    this.words = new Int32Array(this.arena.buffer);
  }

  /** The slot of the value at `[start, end)`, or -1. */
  find(hash: number, view: DataView, start: number, end: number): number {
    const { table, records } = this;
    const mask = table.length - 1;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = table[(hash + probe) & mask] - RECORD;
      if (slot < 0) return -1;
      if (records[slot + HASH] === hash && this.isSame(slot, view, start, end)) return slot;
    }
    return -1;
  }

  hasRoom(length: number): boolean {
    const needed = Math.min(length, this.maxLength()) + 4;
    return this.count < this.records.length && this.used + needed <= this.arena.length;
  }

  /** A value longer than a quarter of the memory gets a number, and is never found again. */
  add(hash: number, id: number, view: DataView, { start, end }: Span): number {
    const slot = this.count;
    this.count += RECORD;
    this.records[slot + HASH] = hash;
    this.records[slot + ID] = id;
    if (end - start > this.maxLength()) {
      this.records[slot + LENGTH] = -1;
      return slot;
    }
    this.records[slot + OFFSET] = this.used;
    this.records[slot + LENGTH] = end - start;
    for (let i = start, at = this.used; i < end; i++, at++) this.arena[at] = view.getUint8(i);
    this.used += (end - start + 3) & ~3;

    const mask = this.table.length - 1;
    let probe = 0;
    while (probe < MAX_PROBES - 1 && this.table[(hash + probe) & mask] !== 0) probe++;
    // Someone crafted this many equal hashes: the last of them makes room, and is forgotten.
    this.table[(hash + probe) & mask] = slot + RECORD;
    return slot;
  }

  *texts(): Generator<[number, string]> {
    for (let slot = 0; slot < this.count; slot += RECORD) {
      const at = this.records[slot + OFFSET];
      const bytes = this.arena.subarray(at, at + Math.max(0, this.records[slot + LENGTH]));
      yield [this.records[slot + ID], Buffer.from(bytes).toString()];
    }
  }

  private maxLength(): number {
    return this.arena.length >> 2;
  }

  isSame(slot: number, view: DataView, start: number, end: number): boolean {
    const { records, words, arena } = this;
    if (records[slot + LENGTH] !== end - start) return false;
    let at = records[slot + OFFSET];
    let word = at >> 2;
    let i = start;
    for (; i + 4 <= end; i += 4, word++) {
      if (view.getInt32(i, true) !== words[word]) return false;
    }
    at = word << 2;
    for (; i < end; i++, at++) if (view.getUint8(i) !== arena[at]) return false;
    return true;
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function hashOf(view: DataView, start: number, end: number): number {
  let even = end - start;
  let odd = 0x2545f491;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    even = Math.imul(even ^ view.getInt32(i, true), 0x9e3779b1);
    odd = Math.imul(odd ^ view.getInt32(i + 4, true), 0x85ebca6b);
    even ^= even >>> 15;
    odd ^= odd >>> 13;
  }
  for (; i < end; i++) even = Math.imul(even ^ view.getUint8(i), 0x01000193);
  const hash = Math.imul(even ^ odd, 0x27d4eb2f);
  return (hash ^ (hash >>> 15)) & 0x7fffffff;
}
