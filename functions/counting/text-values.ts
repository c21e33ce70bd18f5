import { PERCENT, PLUS } from "../parsing/bytes";
import { DecodedUrl } from "../parsing/decoded-url";
import { Interner } from "../parsing/interner";
import { NGINX, S3 } from "../parsing/fields";
import type { Row } from "../parsing/row";
import { decodeKey } from "../parsing/s3-key";
import type { Value } from "../rules/rule";
import type { RuleField } from "../rules/rule-fields";
import { expandPacks } from "../rules/signature-packs";
import { Patterns } from "./patterns";

type TextField = Extract<RuleField, { kind: "text" | "derived" }>;

/** What is remembered of a field whose few values come again and again, such as user agents. */
const REMEMBERED = { values: 1 << 12, bytes: 1 << 20 };

/** The values of one text field: found, matched and hashed once a line however many rules ask. */
export class TextValues {
  /** 64 bits that stand for the row's value, set by `load`. */
  high = 0;
  low = 0;

  private readonly field: TextField;
  private readonly path: TextValues | undefined;
  private readonly url = new DecodedUrl();
  private readonly cache: Interner | undefined;
  private readonly groups: string[][] = [];
  /** Built when it is first asked: every condition that is added changes it. */
  private patterns: Patterns | undefined;
  private isHashed = false;
  private mask = 0;
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

  /** From now on `load` sets `high` and `low`. */
  useHash(): void {
    this.isHashed = true;
  }

  /** Adds a condition that holds when one of the values matches; returns its bit in the mask. */
  add(values: readonly Value[]): number {
    this.groups.push(expandPacks(values.map(String)));
    this.patterns = undefined;
    return this.groups.length - 1;
  }

  /** The conditions that the row's value fulfils. */
  evaluate(row: Row): number {
    this.load(row);
    return this.mask;
  }

  /** Works out everything about the row's value; an absent value counts as the empty text. */
  load(row: Row): void {
    if (this.loadedSerial === row.serial) return;
    this.loadedSerial = row.serial;
    this.locateRaw(row);
    if (this.cache === undefined) this.workOut(row);
    else this.recall(this.cache, row);
  }

  private recall(cache: Interner, row: Row): void {
    // A client seldom changes its browser.
    const slot = cache.intern(this.view, this.span.start, this.span.end, row.client?.id);
    if (cache.memo(slot, 0) === 0) {
      this.workOut(row);
      cache.remember(slot, 0, this.mask + 1);
      cache.remember(slot, 1, this.high);
      cache.remember(slot, 2, this.low);
      return;
    }
    this.mask = cache.memo(slot, 0) - 1;
    this.high = cache.memo(slot, 1);
    this.low = cache.memo(slot, 2);
  }

  private workOut(row: Row): void {
    this.decode(row);
    if (this.isHashed) this.hash(row);
    if (this.groups.length === 0) return;
    this.patterns ??= new Patterns(this.groups, this.field.ignoreCase);
    this.mask = this.patterns.match(this.buf, this.span.start, this.span.end);
  }

  /** The row's value as text. */
  text(row: Row): string {
    this.loadedSerial = -1;
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
  private hash(row: Row): void {
    const { view, path } = this;
    if (path !== undefined && !row.has(NGINX.query)) {
      path.load(row);
      this.high = path.high;
      this.low = path.low;
      return;
    }
    const { start, end } = this.span;
    let high = 0x2545f491;
    let low = end - start;
    let i = start;
    for (; i + 4 <= end; i += 4) {
      const word = view.getInt32(i);
      high = Math.imul(high ^ word, 0x9e3779b1);
      high ^= high >>> 15;
      low = Math.imul((low << 5) ^ (low >>> 27) ^ word, 0x85ebca6b);
    }
    for (; i < end; i++) {
      const byte = view.getUint8(i);
      high = Math.imul(high ^ byte, 0x01000193);
      low = Math.imul((low << 5) ^ (low >>> 27) ^ byte, 0xc2b2ae35);
    }
    this.high = high ^ (high >>> 13);
    this.low = low ^ (low >>> 16);
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
