const MAX_PROBES = 128;

/** How much an interner keeps before it begins to forget. */
export interface InternerSettings {
  /** Distinct values in each of the two generations; a power of two. */
  readonly values: number;
  /** Bytes of them in each generation. */
  readonly bytes: number;
}

const DEFAULT_SETTINGS: InternerSettings = { values: 1 << 16, bytes: 1 << 23 };

/**
 * Gives equal byte strings the same number, comparing them in full. Memory is bounded by two
 * generations: when the young one is full it becomes the old one, and values that are met again
 * move over with their number. A value that was met in neither is forgotten and gets a new number
 * when it returns, so counters keyed by numbers may miss, but never mix two values up.
 */
export class Interner {
  private young: Generation;
  private old: Generation;
  private nextId = 1;
  private readonly settings: InternerSettings;

  constructor(settings: InternerSettings = DEFAULT_SETTINGS) {
    this.settings = settings;
    this.young = new Generation(settings);
    this.old = new Generation({ values: 1, bytes: 0 });
  }

  /** The place of the value in the young generation, good until the next call. */
  intern(view: DataView, start: number, end: number): number {
    const hash = hashOf(view, start, end);
    const found = this.young.find(hash, view, [start, end]);
    return found >= 0 ? found : this.add(hash, view, [start, end]);
  }

  internText(text: string): number {
    const bytes = Buffer.from(text);
    return this.idAt(
      this.intern(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length),
    );
  }

  idAt(slot: number): number {
    return this.young.ids[slot];
  }

  /** One byte for each slot, 0 until it is set, which lives as long as the slots do. */
  memo(index: number): Uint8Array {
    const memo = this.young.memos[index] as Uint8Array | undefined;
    return memo ?? (this.young.memos[index] = new Uint8Array(this.settings.values));
  }

  /** All values that are still known, by their number. */
  texts(): Map<number, string> {
    return new Map([...this.old.entries(), ...this.young.entries()]);
  }

  private add(hash: number, view: DataView, [start, end]: readonly [number, number]): number {
    if (!this.young.hasRoom(end - start)) {
      this.old = this.young;
      this.young = new Generation(this.settings);
    }
    const before = this.old.find(hash, view, [start, end]);
    const id = before >= 0 ? this.old.ids[before] : this.nextId++;
    return this.young.add(hash, id, [view, start, end]);
  }
}

class Generation {
  readonly ids: Uint32Array;
  readonly memos: Uint8Array[] = [];
  private readonly table: Int32Array;
  private readonly hashes: Int32Array;
  private readonly offsets: Int32Array;
  private readonly lengths: Int32Array;
  private readonly arena: Uint8Array;
  private readonly arenaView: DataView;
  private count = 0;
  private used = 0;

  constructor({ values, bytes }: InternerSettings) {
    this.ids = new Uint32Array(values);
    this.table = new Int32Array(values * 2);
    this.hashes = new Int32Array(values);
    this.offsets = new Int32Array(values);
    this.lengths = new Int32Array(values);
    this.arena = new Uint8Array(bytes + 4 * values);
    this.arenaView = new DataView(this.arena.buffer);
  }

  find(hash: number, view: DataView, [start, end]: readonly [number, number]): number {
    const mask = this.table.length - 1;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = this.table[(hash + probe) & mask] - 1;
      if (slot < 0) return -1;
      if (this.hashes[slot] === hash && this.isSame(slot, view, [start, end])) return slot;
    }
    return -1;
  }

  hasRoom(length: number): boolean {
    return this.count < this.ids.length && this.used + Math.min(length, this.maxLength()) <= this.arena.length - 4;
  }

  /** A value longer than a quarter of the memory gets a number, and is never found again. */
  add(hash: number, id: number, [view, start, end]: readonly [DataView, number, number]): number {
    const slot = this.count++;
    this.ids[slot] = id;
    this.hashes[slot] = hash;
    if (end - start > this.maxLength()) {
      this.lengths[slot] = -1;
      return slot;
    }
    this.offsets[slot] = this.used;
    this.lengths[slot] = end - start;
    for (let i = start, at = this.used; i < end; i++, at++) this.arena[at] = view.getUint8(i);
    this.used += (end - start + 3) & ~3;

    const mask = this.table.length - 1;
    let probe = 0;
    while (probe < MAX_PROBES && this.table[(hash + probe) & mask] !== 0) probe++;
    // Someone crafted this many equal hashes: the last of them makes room, and is forgotten.
    this.table[(hash + probe) & mask] = slot + 1;
    return slot;
  }

  *entries(): Generator<[number, string]> {
    for (let slot = 0; slot < this.count; slot++) {
      const [at, length] = [this.offsets[slot], this.lengths[slot]];
      if (length >= 0) {
        yield [this.ids[slot], Buffer.from(this.arena.subarray(at, at + length)).toString()];
      }
    }
  }

  private maxLength(): number {
    return this.arena.length >> 2;
  }

  private isSame(slot: number, view: DataView, [start, end]: readonly [number, number]): boolean {
    if (this.lengths[slot] !== end - start) return false;
    let at = this.offsets[slot];
    let i = start;
    for (; i + 4 <= end; i += 4, at += 4) {
      if (view.getInt32(i) !== this.arenaView.getInt32(at)) return false;
    }
    for (; i < end; i++, at++) if (view.getUint8(i) !== this.arena[at]) return false;
    return true;
  }
}

/** Four bytes at a time; equal hashes are only a hint, so it has to be fast and not more. */
function hashOf(view: DataView, start: number, end: number): number {
  let hash = end - start;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    hash = Math.imul(hash ^ view.getInt32(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x01000193);
  return (hash ^ (hash >>> 13)) & 0x7fffffff;
}
