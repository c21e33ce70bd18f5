import { PERCENT, PLUS } from "../parsing/bytes";
import { DecodedUrl } from "../parsing/decoded-url";
import { Interner } from "../parsing/interner";
import { NGINX, S3 } from "../parsing/fields";
import type { Row } from "../parsing/row";
import { BATCH_ROWS, type RowBatch } from "../parsing/row-batch";
import { decodeKey } from "../parsing/s3-key";
import type { Value } from "../rules/rule";
import type { RuleField } from "../rules/rule-fields";
import { expandPacks } from "../rules/signature-packs";
import { Patterns } from "./patterns";

type TextField = Extract<RuleField, { kind: "text" | "derived" }>;

/** What is remembered of a field whose few values come again and again, such as user agents. */
const REMEMBERED = { values: 1 << 12, bytes: 1 << 20 };

/** The values of one text field: found, matched and hashed once a batch however many rules ask. */
export class TextValues {
  /** For each row of the batch, the conditions that its value fulfils: bit `i` for the `i`th. */
  readonly masks = new Int32Array(BATCH_ROWS);
  /** For each row, 64 bits that stand for its value. */
  readonly highs = new Int32Array(BATCH_ROWS);
  readonly lows = new Int32Array(BATCH_ROWS);

  private readonly field: TextField;
  private readonly path: TextValues | undefined;
  private readonly url = new DecodedUrl();
  private readonly cache: Interner | undefined;
  private readonly groups: string[][] = [];
  /** Built when it is first asked: every condition that is added changes it. */
  private patterns: Patterns | undefined;
  private isHashed = false;
  private loaded: RowBatch | undefined;
  private loadedSerial = -1;
  private readonly span = { start: 0, end: 0 };
  private buf: Buffer = EMPTY;
  private view: DataView = new DataView(EMPTY.buffer);

  /** `path` is where a URL without a query, which is the same text, finds its hash. */
  constructor(field: TextField, path?: TextValues) {
    this.field = field;
    this.path = path;
    this.cache = field.kind === "text" && field.repeats ? new Interner(REMEMBERED) : undefined;
  }

  /** From now on `load` fills `highs` and `lows`. */
  useHash(): void {
    this.isHashed = true;
  }

  /** Adds a condition that holds when one of the values matches; returns its bit in the mask. */
  add(values: readonly Value[]): number {
    this.groups.push(expandPacks(values.map(String)));
    this.patterns = undefined;
    return this.groups.length - 1;
  }

  /** Works out everything about the values of a batch; an absent value counts as the empty text. */
  load(batch: RowBatch): void {
    if (this.loaded === batch && this.loadedSerial === batch.serial) return;
    this.loaded = batch;
    this.loadedSerial = batch.serial;
    if (this.isHashed) this.path?.load(batch);
    this.patterns ??= new Patterns(this.groups, this.field.ignoreCase);
    for (let i = 0; i < batch.size; i++) {
      const row = batch.rows[i];
      this.locateRaw(row);
      if (this.cache === undefined) this.workOut(row, i);
      else this.recall(this.cache, row, i);
    }
  }

  private recall(cache: Interner, row: Row, i: number): void {
    // A client seldom changes its browser.
    const slot = cache.intern(this.view, this.span.start, this.span.end, row.client?.id);
    if (cache.memo(slot, 0) === 0) {
      this.workOut(row, i);
      cache.remember(slot, 0, this.masks[i] + 1);
      cache.remember(slot, 1, this.highs[i]);
      cache.remember(slot, 2, this.lows[i]);
      return;
    }
    this.masks[i] = cache.memo(slot, 0) - 1;
    this.highs[i] = cache.memo(slot, 1);
    this.lows[i] = cache.memo(slot, 2);
  }

  private workOut(row: Row, i: number): void {
    this.decode(row);
    if (this.isHashed) this.hash(row, i);
    if (this.patterns !== undefined && this.groups.length > 0)
      this.masks[i] = this.patterns.match(this.buf, this.span.start, this.span.end);
  }

  /** The row's value as text. */
  text(row: Row): string {
    this.locateRaw(row);
    this.decode(row);
    return this.buf.toString("utf8", this.span.start, this.span.end);
  }

  /** Finds the bytes of the row's value, as they are in the log. */
  private locateRaw(row: Row): void {
    const { field } = this;
    if (field.kind === "text") this.useColumn(row, field.column);
    else if (field.from === "key") this.useKey(row);
    else if (row.has(NGINX.request_uri)) this.useColumn(row, NGINX.request_uri);
    else this.useText(urlOf(row));
  }

  /** Turns them into the value that rules speak of. */
  private decode(row: Row): void {
    const { field } = this;
    if (field.kind === "text" || field.from !== "decodedUrl" || row.hasPlainTarget) return;
    this.url.decode(this.buf, this.span.start, this.span.end);
    this.use(this.url.buf, this.url.view, 0, this.url.length);
  }

  /** Two hashes at once, four bytes at a time. */
  private hash(row: Row, i: number): void {
    const { view, path } = this;
    if (path !== undefined && !row.has(NGINX.query)) {
      this.highs[i] = path.highs[i];
      this.lows[i] = path.lows[i];
      return;
    }
    const { start, end } = this.span;
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

  private useColumn(row: Row, column: number): void {
    if (column >= S3.version_id && row.kind === "access") row.settle();
    const start = row.starts[column];
    this.use(row.buf, row.view, Math.max(0, start), start < 0 ? 0 : row.ends[column]);
  }

  /** Keys are decoded before they are looked up, for the operation says how often. */
  private useKey(row: Row): void {
    this.useColumn(row, S3.key);
    if (row.format !== "s3" || this.isPlain()) return;
    this.useText(decodeKey(row.text(S3.key) ?? "", row.text(S3.operation) ?? ""));
  }

  private useText(text: string): void {
    const buf = Buffer.from(text);
    this.use(buf, new DataView(buf.buffer, buf.byteOffset, buf.length), 0, buf.length);
  }

  private use(buf: Buffer, view: DataView, start: number, end: number): void {
    if (this.buf !== buf || this.view !== view) {
      this.buf = buf;
      this.view = view;
    }
    this.span.start = start;
    this.span.end = end;
  }

  /** Whether decoding would change nothing: no `%` and no `+`. */
  private isPlain(): boolean {
    for (let i = this.span.start; i < this.span.end; i++) {
      if (this.buf[i] === PERCENT || this.buf[i] === PLUS) return false;
    }
    return true;
  }
}

function urlOf(row: Row): string {
  const query = row.text(NGINX.query);
  return (row.text(NGINX.path) ?? "") + (query === undefined ? "" : `?${query}`);
}

const EMPTY = Buffer.alloc(0);
