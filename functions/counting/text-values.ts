import { Interner } from "../parsing/interner";
import { NGINX } from "../parsing/fields";
import type { Row } from "../parsing/row";
import { BATCH_ROWS, type RowBatch } from "../parsing/row-batch";
import type { Value } from "../rules/rule";
import { expandPacks } from "../rules/signature-packs";
import { FieldSpan, type TextField } from "./field-span";
import { Patterns } from "./patterns";

/** What is remembered of a field whose few values come again and again, such as user agents. */
const REMEMBERED = { values: 1 << 12, bytes: 1 << 20 };

/** The values of one text field: found, matched and hashed once a row however many rules ask. */
export class TextValues {
  /** For each row of the batch, the conditions that its value fulfils: bit `i` for the `i`th. */
  readonly masks = new Int32Array(BATCH_ROWS);
  /** For each row, 64 bits that stand for its value. */
  readonly highs = new Int32Array(BATCH_ROWS);
  readonly lows = new Int32Array(BATCH_ROWS);

  private readonly field: TextField;
  private readonly path: TextValues | undefined;
  private readonly cache: Interner | undefined;
  private readonly groups: string[][] = [];
  /** Built when it is first asked: every condition that is added changes it. */
  private patterns: Patterns | undefined;
  private isHashed = false;
  /** The batch that was looked at, and for each of its rows its serial when that was. */
  private batch: RowBatch | undefined;
  private readonly serials = new Int32Array(BATCH_ROWS);
  private readonly span: FieldSpan;

  /** `path` is where a URL without a query, which is the same text, finds its hash. */
  constructor(field: TextField, path?: TextValues) {
    this.field = field;
    this.span = new FieldSpan(field);
    this.path = path;
    this.cache = field.kind === "text" && field.repeats ? new Interner(REMEMBERED) : undefined;
  }

  /** From now on `loadRow` fills `highs` and `lows`. */
  useHash(): void {
    this.isHashed = true;
    this.path?.useHash();
  }

  /** Adds a condition that holds when one of the values matches; returns its bit in the mask. */
  add(values: readonly Value[]): number {
    this.groups.push(expandPacks(values.map(String)));
    this.patterns = undefined;
    return this.groups.length - 1;
  }

  /** Works out everything about the value of row `i`; an absent one counts as the empty text. */
  loadRow(batch: RowBatch, i: number): void {
    if (this.batch !== batch) {
      this.batch = batch;
      this.serials.fill(-1);
    }
    if (this.serials[i] === batch.serial) return;
    this.serials[i] = batch.serial;
    this.span.locate(batch.rows[i]);
    if (this.cache === undefined) this.workOut(batch, i);
    else this.recall(this.cache, batch, i);
  }

  private recall(cache: Interner, batch: RowBatch, i: number): void {
    // A client seldom changes its browser.
    const { view, start, end } = this.span;
    const slot = cache.intern(view, start, end, batch.rows[i].client?.id);
    if (cache.memo(slot, 0) === 0) {
      this.workOut(batch, i);
      cache.remember(slot, 0, this.masks[i] + 1);
      cache.remember(slot, 1, this.highs[i]);
      cache.remember(slot, 2, this.lows[i]);
      return;
    }
    this.masks[i] = cache.memo(slot, 0) - 1;
    this.highs[i] = cache.memo(slot, 1);
    this.lows[i] = cache.memo(slot, 2);
  }

  private workOut(batch: RowBatch, i: number): void {
    if (this.isHashed) this.hash(batch, i);
    if (this.groups.length === 0) return;
    this.patterns ??= new Patterns(this.groups, this.field.ignoreCase);
    const { buf, start, end } = this.span;
    this.masks[i] = this.patterns.match(buf, start, end);
  }

  /** The row's value as text. */
  text(row: Row): string {
    this.span.locate(row);
    const { buf, start, end } = this.span;
    return buf.toString("utf8", start, end);
  }

  /** Two hashes at once, four bytes at a time. */
  private hash(batch: RowBatch, i: number): void {
    const { path } = this;
    if (path !== undefined && !batch.rows[i].has(NGINX.query)) {
      path.loadRow(batch, i);
      this.highs[i] = path.highs[i];
      this.lows[i] = path.lows[i];
      return;
    }
    const { view, start, end } = this.span;
    let high = 0x2545f491;
    let low = end - start;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at);
      high = Math.imul(high ^ word, 0x9e3779b1);
      high ^= high >>> 15;
      low = Math.imul((low << 5) ^ (low >>> 27) ^ word, 0x85ebca6b);
    }
    for (; at < end; at++) {
      const byte = view.getUint8(at);
      high = Math.imul(high ^ byte, 0x01000193);
      low = Math.imul((low << 5) ^ (low >>> 27) ^ byte, 0xc2b2ae35);
    }
    this.highs[i] = high ^ (high >>> 13);
    this.lows[i] = low ^ (low >>> 16);
  }
}
