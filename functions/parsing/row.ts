import type { Client } from "./client-directory";
import { find, SPACE, viewOf } from "./bytes";
import { COLUMN_COUNT, NGINX, NGINX_COLUMNS, S3, S3_COLUMNS } from "./fields";
import { isMissing } from "./s3-tokens";

/** What a parsed line is: a request from nginx or an access from S3. */
export type RowKind = "request" | "access";

export type Format = "combined" | "common" | "ltsv" | "json" | "s3" | "s3-json";

/**
 * One parsed line, kept as positions in a buffer and reused for another line, because making
 * strings for every field of every line costs three quarters of the time of a replay.
 * Read it before that line is parsed, or the buffer changes.
 */
export class Row {
  kind: RowKind = "request";
  format: Format = "combined";
  /** The bytes that the spans point into: the line itself, or a copy with its escapes decoded. */
  buf: Buffer = EMPTY;
  /** The same bytes, for reading four at a time. */
  view = viewOf(EMPTY);
  /** Who sent the request, once a client directory has resolved it. */
  client: Client | undefined;
  /** Where a column stands, if the row has it. */
  readonly starts = new Int32Array(COLUMN_COUNT);
  readonly ends = new Int32Array(COLUMN_COUNT);
  /** Unknown columns: start and end of the name, start and end of the value; a name may be empty. */
  extras: number[] = [];
  /** Epoch milliseconds. */
  time = NaN;
  /** Three digits; 0 when the log has none (S3 lifecycle work). */
  status = 0;
  bytes = 0;
  objectBytes = 0;
  /** Milliseconds; -1 when the log does not say. */
  durationMs = -1;
  /** The right-hand part of an S3 line can be read in more than one way, or is cut short. */
  partial = false;
  /** The line has a column for the request, be it empty: an unreadable request is logged as `-`. */
  hasRequestColumn = false;
  /** The request target holds no `%` and no `+`, so that decoding would change nothing. */
  hasPlainTarget = false;
  /** Of several readers that share the lines out by address, only this one has it. */
  isOwn = false;
  /** Where escapes of this row are decoded into. */
  scratch: Buffer = EMPTY;
  private line = { buf: EMPTY, start: 0, end: 0 };

  /** A bit for each column. */
  private present = 0;
  private tailColumn = 0;
  private tailStart = 0;
  private tailEnd = 0;

  reset(buf: Buffer, kind: RowKind, format: Format): void {
    this.setBuffer(buf);
    this.client = undefined;
    this.kind = kind;
    this.format = format;
    this.present = 0;
    if (this.extras.length > 0) this.extras = [];
    this.time = NaN;
    this.status = 0;
    this.bytes = 0;
    this.objectBytes = 0;
    this.durationMs = -1;
    this.partial = false;
    this.hasRequestColumn = false;
    this.hasPlainTarget = false;
    this.tailStart = 0;
    this.tailEnd = 0;
  }

  /** Says which line the row is parsed from. */
  setLine(buf: Buffer, start: number, end: number): void {
    this.line.buf = buf;
    this.line.start = start;
    this.line.end = end;
  }

  /** The line itself, or its beginning. */
  lineText(): string {
    const { buf, start, end } = this.line;
    return buf.toString("utf8", start, Math.min(end, start + MAX_TEXT));
  }

  setBuffer(buf: Buffer): void {
    if (buf === this.buf) return;
    this.buf = buf;
    this.view = viewOf(buf);
  }

  set(column: number, start: number, end: number): void {
    this.present |= 1 << column;
    this.starts[column] = start;
    this.ends[column] = end;
  }

  has(column: number): boolean {
    return (this.present & (1 << column)) !== 0;
  }

  /**
   * Leaves the columns from `column` on, one word each, to be read when somebody asks: few rules
   * look that far to the right. See `settle`.
   */
  setTail(column: number, start: number, end: number): void {
    this.tailColumn = column;
    this.tailStart = start;
    this.tailEnd = end;
  }

  /** Reads the columns that `setTail` left; call it before looking at one of them. */
  settle(): void {
    let column = this.tailColumn;
    for (let at = this.tailStart; at < this.tailEnd; column++) {
      const end = find(this.buf, SPACE, at, this.tailEnd);
      if (column >= COLUMN_COUNT) this.extras.push(at, at, at, end);
      else if (!isMissing(this.buf, at, end)) this.set(column, at, end);
      at = end + 1;
    }
    this.tailEnd = this.tailStart;
  }

  /** The column as text; undefined when the line does not carry it. */
  text(column: number): string | undefined {
    this.settle();
    if (!this.has(column)) return undefined;
    return this.buf.toString("utf8", this.starts[column], this.ends[column]);
  }

  /** The column as text; empty when the line does not carry it. */
  textOrEmpty(column: number): string {
    return this.text(column) ?? "";
  }

  /** Every column of the line as text, unknown ones last under their own name or `column28` and so on. */
  columns(): Record<string, string> {
    this.settle();
    const found: Record<string, string> = {};
    const [names, index]: [readonly string[], Record<string, number>] =
      this.kind === "request" ? [NGINX_COLUMNS, NGINX] : [S3_COLUMNS, S3];
    for (const name of names) {
      const value = this.text(index[name]);
      if (value !== undefined) found[name] = value;
    }
    for (let i = 0; i < this.extras.length; i += 4) {
      const [nameStart, nameEnd, start, end] = this.extras.slice(i, i + 4);
      const name = this.buf.toString("utf8", nameStart, nameEnd);
      const label = name === "" ? `column${String(COLUMN_COUNT + 1 + i / 4)}` : name;
      found[label] = this.buf.toString("utf8", start, end);
    }
    return found;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
/** Bytes of a line that are shown at most. */
const MAX_TEXT = 4096;
