/** Eight numbers, or sixteen words, make a record: one line of the processor's cache. */
export const RECORD_NUMBERS = 8;
export const RECORD_WORDS = 16;

/** The key: a client's number, and 64 bits that stand for the other values. */
const KEY_AT = 12;

/**
 * Finds records of 64 bytes by keys of three words: open addressing. Records are numbered from 0
 * without gaps. A record's first six numbers and last word belong to whoever uses the table; they
 * lie beside the key because a look-up that misses the cache costs as much as parsing a field.
 */
export class RecordTable {
  /** The key that `find` and `add` speak of: fill it in place. */
  readonly key = new Int32Array(3);
  size = 0;
  capacity: number;
  numbers: Float64Array;
  words: Int32Array;
  /** Record + 1 under the hash of its key, 0 for none. */
  private table: Int32Array;
  /** Found last: neighbouring lines often share their key. */
  private last = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.numbers = new Float64Array(capacity * RECORD_NUMBERS);
    this.words = new Int32Array(this.numbers.buffer);
    this.table = new Int32Array(tableSize(capacity));
  }

  /** The record under `key`, or -1. */
  find(): number {
    const { key, words, table } = this;
    if (this.isAt(this.last)) return this.last;
    const mask = table.length - 1;
    let at = hash(key[0], key[1], key[2]) & mask;
    for (; table[at] !== 0; at = (at + 1) & mask) {
      const record = table[at] - 1;
      const from = record * RECORD_WORDS + KEY_AT;
      if (words[from] === key[0] && words[from + 1] === key[1] && words[from + 2] === key[2]) {
        this.last = record;
        return record;
      }
    }
    return -1;
  }

  /** Adds a record under `key`, which must not be there yet; the table must have room. */
  add(): number {
    const record = this.size++;
    const from = record * RECORD_WORDS + KEY_AT;
    for (let i = 0; i < 3; i++) this.words[from + i] = this.key[i];
    this.insert(record);
    return record;
  }

  keyOf(record: number): Int32Array {
    const from = record * RECORD_WORDS + KEY_AT;
    return this.words.slice(from, from + 3);
  }

  /** Drops records; those that stay close ranks in their old order. */
  keep(isKept: (record: number) => boolean): void {
    let kept = 0;
    for (let record = 0; record < this.size; record++) {
      if (!isKept(record)) continue;
      if (kept < record) this.move(record, kept);
      kept++;
    }
    if (kept === this.size) return;
    this.size = kept;
    this.rebuild();
  }

  /** Makes room for twice as many. */
  grow(): void {
    this.capacity *= 2;
    const numbers = new Float64Array(this.capacity * RECORD_NUMBERS);
    numbers.set(this.numbers);
    this.numbers = numbers;
    this.words = new Int32Array(numbers.buffer);
    this.table = new Int32Array(tableSize(this.capacity));
    this.rebuild();
  }

  /** Word by word: as numbers, a key could be taken for NaN and lose its bits. */
  private move(from: number, to: number): void {
    for (let i = 0; i < RECORD_WORDS; i++) {
      this.words[to * RECORD_WORDS + i] = this.words[from * RECORD_WORDS + i];
    }
  }

  private isAt(record: number): boolean {
    const { key, words } = this;
    const from = record * RECORD_WORDS + KEY_AT;
    return (
      record < this.size &&
      words[from] === key[0] &&
      words[from + 1] === key[1] &&
      words[from + 2] === key[2]
    );
  }

  private rebuild(): void {
    this.table.fill(0);
    for (let record = 0; record < this.size; record++) this.insert(record);
  }

  private insert(record: number): void {
    const { words, table } = this;
    const mask = table.length - 1;
    const from = record * RECORD_WORDS + KEY_AT;
    let at = hash(words[from], words[from + 1], words[from + 2]) & mask;
    while (table[at] !== 0) at = (at + 1) & mask;
    table[at] = record + 1;
  }
}

/**
 * Clients are numbered as they come: those of one time lie together, as many as fit into a line of
 * the processor's cache. Longer runs would meet in the table, and each look-up walk along them.
 */
function hash(client: number, high: number, low: number): number {
  const run = Math.imul(client >>> 4, 0x9e3779b1);
  const mixed = Math.imul(run ^ high ^ (high >>> 15) ^ low, 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) + (client & 15)) & 0x7fffffff;
}

/** A power of two, and at least twice the capacity. */
const tableSize = (capacity: number): number => 2 ** Math.ceil(Math.log2(capacity * 2));
