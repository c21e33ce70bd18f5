import { BACKSLASH, CARRIAGE_RETURN, find, OPEN_BRACE, TAB } from "./bytes";
import { CombinedParser } from "./combined";
import { unescapeInto } from "./escapes";
import { S3 } from "./fields";
import { isS3Json, readJsonObject, setNginxJson, setS3JsonColumns, unwrap } from "./json-line";
import type { LineCutter } from "./line-cutter";
import { LogTime } from "./log-time";
import { LtsvParser } from "./ltsv";
import type { Reason } from "./reasons";
import { Row, type Format } from "./row";
import { S3Parser, setAccessNumbers } from "./s3-line";

/** Which lines to accept: all that are known, or only those of one log. */
export type Source = "auto" | "nginx" | "s3";

/** A longer line is no access log line; nginx's own limit is far below. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;
const MAX_WRAPPINGS = 3;

/**
 * Parses log lines of every known format into one reusable row. The format is found line by line;
 * a line never changes how the next one is read.
 */
export class LineParser {
  /** What the next line is parsed into; replace it to keep the last one. */
  row = new Row();
  private readonly time = new LogTime();
  private readonly combined = new CombinedParser(this.time);
  private readonly ltsv = new LtsvParser(this.time);
  private readonly s3 = new S3Parser(this.time);
  private readonly source: Source;
  private buf: Buffer = Buffer.alloc(0);
  /** The first backslash at or behind the last line's start: one native search serves many lines. */
  private backslash = -1;
  /** The last line's format, which is likely to be the next one's. */
  last: Format = "combined";

  constructor(source: Source = "auto") {
    this.source = source;
  }

  /** Says which bytes the next lines come from; call it again whenever they have changed. */
  load(buf: Buffer): void {
    this.buf = buf;
    this.backslash = -1;
  }

  /**
   * Where the address ends with which the line at `[start, end)` begins, or -1 when it does not begin
   * in the usual way of the combined format.
   */
  addressEnd(start: number, end: number): number {
    const isUsual = this.source !== "s3" && this.combined.isUsual(this.buf, start, end);
    return isUsual ? this.combined.addressEnd : -1;
  }

  /**
   * Parses the line at `[start, end)` of what was loaded; lines are asked for from left to right.
   *
   * @returns undefined when the row is filled, else why it could not be.
   */
  parse(start: number, end: number): Reason | undefined {
    const { buf, row } = this;
    row.setLine(buf, start, end);
    if (end - start > MAX_LINE_BYTES) return "too-long";
    const lineEnd = withoutCarriageReturn(buf, start, end);
    const lineStart = hasByteOrderMark(buf, start) ? start + 3 : start;
    const reason = this.parseLine(buf, lineStart, lineEnd);
    if (reason !== undefined) return reason;
    this.last = row.format;
    if (row.kind === "request" && row.format !== "json" && this.hasBackslash(start, lineEnd)) {
      this.decodeEscapes();
    }
    return undefined;
  }

  /** Parses the line at `[start, end)` of what was loaded, which `cutter` has just cut. */
  parseCut(cutter: LineCutter, start: number, end: number): Reason | undefined {
    const { buf, row } = this;
    row.setLine(buf, start, end);
    row.reset(buf, "request", "combined");
    const lineEnd = withoutCarriageReturn(buf, start, end);
    return this.combined.takeCut(row, cutter, start, lineEnd) ? undefined : this.parse(start, end);
  }

  /** Parses a line given as text. */
  parseText(line: string): Reason | undefined {
    const buf = Buffer.from(line);
    this.load(buf);
    return this.parse(0, buf.length);
  }

  private hasBackslash(start: number, end: number): boolean {
    if (this.row.buf !== this.buf) return this.row.buf.includes(BACKSLASH);
    if (this.backslash < start) {
      const at = this.buf.indexOf(BACKSLASH, start);
      this.backslash = at < 0 ? this.buf.length : at;
    }
    return this.backslash < end;
  }

  private parseLine(buf: Buffer, start: number, end: number): Reason | undefined {
    if (buf[start] === OPEN_BRACE) return this.parseJson(buf.toString("utf8", start, end));
    const { row } = this;
    // No line can be both, so it is only a matter of speed which is asked for first.
    if (this.last === "s3" && this.isS3(buf, start, end)) return this.parseS3(buf, start, end);
    if (this.source !== "s3" && this.combined.isUsual(buf, start, end)) {
      row.reset(buf, "request", "combined");
      return this.combined.parseUsual(row, start, end);
    }
    if (this.last !== "s3" && this.isS3(buf, start, end)) return this.parseS3(buf, start, end);
    if (this.source === "s3") return "unknown-format";
    if (this.last === "ltsv") {
      row.reset(buf, "request", "ltsv");
      if (this.ltsv.parse(row, start, end) === undefined) return undefined;
    }
    row.reset(buf, "request", "combined");
    const reason = this.combined.parse(row, start, end);
    if (reason === undefined || row.has(0)) return reason;
    if (find(buf, TAB, start, end) < end) {
      row.reset(buf, "request", "ltsv");
      return this.ltsv.parse(row, start, end);
    }
    return this.parseEscapedByAgent(buf, start, end);
  }

  private isS3(buf: Buffer, start: number, end: number): boolean {
    return this.source !== "nginx" && this.s3.isLike(buf, start, end);
  }

  private parseS3(buf: Buffer, start: number, end: number): Reason | undefined {
    this.row.reset(buf, "access", "s3");
    return this.s3.parse(this.row, start, end);
  }

  /**
   * Fluent Bit's `log_key` cuts the quotes off a JSON text and leaves its escapes: a tab arrives as
   * the two characters `\t`, a quote as `\"`.
   */
  private parseEscapedByAgent(buf: Buffer, start: number, end: number): Reason | undefined {
    if (find(buf, BACKSLASH, start, end) === end) return "unknown-format";
    const copy = Buffer.allocUnsafe(end - start);
    const length = unescapeInto(copy, 0, [buf, start, end]);
    const hasTab = find(copy, TAB, 0, length) < length;
    const { row } = this;
    row.reset(copy, "request", "combined");
    if (hasTab) return this.ltsv.parse(row, 0, length);
    const reason = this.combined.parse(row, 0, length);
    return reason === undefined || row.has(0) ? reason : "unknown-format";
  }

  private parseJson(text: string): Reason | undefined {
    let object = readJsonObject(text);
    for (let depth = 0; object !== undefined && depth < MAX_WRAPPINGS; depth++) {
      const line = unwrap(object);
      if (line === undefined) return this.setFromJson(object);
      if (!line.startsWith("{")) {
        const buf = Buffer.from(line);
        return this.parseLine(buf, 0, buf.length);
      }
      object = readJsonObject(line);
    }
    return "bad-json";
  }

  private setFromJson(object: Readonly<Record<string, unknown>>): Reason | undefined {
    const { row } = this;
    if (!isS3Json(object)) {
      if (this.source === "s3") return "unknown-format";
      row.reset(row.buf, "request", "json");
      return setNginxJson(row, object, this.time);
    }
    if (this.source === "nginx") return "unknown-format";
    row.reset(row.buf, "access", "s3-json");
    setS3JsonColumns(row, object);
    if (!row.has(S3.operation) || !row.has(S3.bucket)) return "no-operation";
    if (row.has(S3.time)) this.time.read(row, row.starts[S3.time], row.ends[S3.time]);
    if (Number.isNaN(row.time)) return "bad-time";
    setAccessNumbers(row);
    return undefined;
  }

  /** Moves the fields of the row into a buffer where their escapes are decoded. */
  private decodeEscapes(): void {
    const { row } = this;
    const buf = row.buf;
    let needed = 0;
    row.starts.forEach((start, column) => {
      if (row.has(column)) needed += row.ends[column] - start;
    });
    for (let i = 0; i < row.extras.length; i += 2) needed += row.extras[i + 1] - row.extras[i];
    if (row.scratch.length < needed) row.scratch = Buffer.allocUnsafe(needed * 2);

    let at = 0;
    const move = (start: number, end: number): [number, number] => {
      const movedStart = at;
      at = unescapeInto(row.scratch, at, [buf, start, end]);
      return [movedStart, at];
    };
    row.starts.forEach((start, column) => {
      if (row.has(column)) row.set(column, ...move(start, row.ends[column]));
    });
    for (let i = 0; i < row.extras.length; i += 2) {
      [row.extras[i], row.extras[i + 1]] = move(row.extras[i], row.extras[i + 1]);
    }
    row.setBuffer(row.scratch);
    row.hasPlainTarget = false;
  }
}

/** Where a line ends whose line end may be that of Windows. */
const withoutCarriageReturn = (buf: Buffer, start: number, end: number): number =>
  end > start && buf[end - 1] === CARRIAGE_RETURN ? end - 1 : end;

/** Editors on Windows begin a file with it. */
function hasByteOrderMark(buf: Buffer, at: number): boolean {
  return buf[at] === 0xef && buf[at + 1] === 0xbb && buf[at + 2] === 0xbf;
}
