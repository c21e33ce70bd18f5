import { LineCutter } from "../../functions/parsing/line-cutter";
import { LineParser, MAX_LINE_BYTES, type Source } from "../../functions/parsing/line-parser";
import { isBlank, NEWLINE, viewOf } from "../../functions/parsing/bytes";
import type { Reason } from "../../functions/parsing/reasons";
import type { Row } from "../../functions/parsing/row";
import { openChunks, type ChunkSource } from "./chunks";

/**
 * Whether a line is to be parsed whose address stands at `[start, end)`: several readers may share the
 * lines out. Undefined when the address does not tell; then all of them parse it, as they do lines
 * that begin in another way than nearly all combined ones.
 */
export type Wants = (view: DataView, start: number, end: number) => boolean | undefined;

/** What `next` found: a line in `row`, one that could not be parsed, or nothing before `fill`. */
export type Step = "row" | "unparsed" | "empty";

/** Smaller logs are read before a cutter is set up. */
const CUTTER_SIZE = 1 << 16;

/** Reads one log line by line into a row. */
export class LogReader {
  readonly path: string;
  /** Why the last line could not be parsed. */
  reason: Reason = "unknown-format";
  private readonly source: Source;
  private readonly parser: LineParser;
  private readonly wants: Wants | undefined;
  private readonly signal: AbortSignal | undefined;
  private chunks: ChunkSource | undefined;
  private buf: Buffer = Buffer.alloc(0);
  private view = viewOf(this.buf);
  private at = 0;
  private end = 0;
  private lineStart = 0;
  private lineEnd = 0;
  private isAtEnd = false;
  /** Behind the reported part of a line that is longer than any log line: the rest is passed over. */
  private isSkipping = false;
  private isBrokenOff = false;
  /** Whose memory `buf` is; and the same again when it cut the line that was found last. */
  private cutter: LineCutter | undefined;
  private usual: LineCutter | undefined;

  constructor(path: string, source: Source, wants?: Wants, signal?: AbortSignal) {
    this.path = path;
    this.source = source;
    this.wants = wants;
    this.signal = signal;
    this.parser = new LineParser(source);
  }

  /** What the next line is parsed into; replace it to keep the last one. */
  get row(): Row {
    return this.parser.row;
  }

  set row(row: Row) {
    this.parser.row = row;
  }

  /** Parses the next line of what is in memory. */
  next(): Step {
    while (this.findLine()) {
      const isRest = this.isSkipping;
      this.isSkipping = this.isBrokenOff;
      if (isRest) continue;
      if (isBlank(this.buf, this.lineStart, this.lineEnd)) continue;
      if (this.wants !== undefined && !this.isWanted(this.wants)) continue;
      const reason = this.parse();
      if (reason === undefined) return "row";
      this.reason = reason;
      return "unparsed";
    }
    return "empty";
  }

  private parse(): Reason | undefined {
    const { parser, usual, lineStart, lineEnd } = this;
    return usual === undefined
      ? parser.parse(lineStart, lineEnd)
      : parser.parseCut(usual, lineStart, lineEnd);
  }

  private isWanted(wants: Wants): boolean {
    const addressEnd =
      this.usual?.addressEnd ?? this.parser.addressEnd(this.lineStart, this.lineEnd);
    const isWanted = addressEnd < 0 ? undefined : wants(this.view, this.lineStart, addressEnd);
    this.row.isOwn = isWanted === true;
    return isWanted !== false;
  }

  /** Finds the end of the next line, or breaks off one that is longer than any log line. */
  private findLine(): boolean {
    if (this.at >= this.end) return false;
    const cutEnd = this.cutLine();
    this.usual = cutEnd < 0 ? undefined : this.cutter;
    const newline = cutEnd < 0 ? this.buf.indexOf(NEWLINE, this.at) : cutEnd;
    const isWhole = newline >= 0 && newline < this.end;
    this.isBrokenOff = !isWhole && this.end - this.at > MAX_LINE_BYTES;
    if (!isWhole && !this.isBrokenOff && !this.isAtEnd) return false;
    this.lineStart = this.at;
    this.lineEnd = isWhole ? newline : this.end;
    this.at = isWhole ? newline + 1 : this.end;
    return true;
  }

  /** The end of the next line if it is like nearly all of the combined format, and was cut; else -1. */
  private cutLine(): number {
    const { cutter, parser } = this;
    if (cutter === undefined || parser.last !== "combined" || this.isSkipping) return -1;
    return cutter.cut(this.at, this.end);
  }

  /** Reads more; false when there is nothing left. */
  async fill(): Promise<boolean> {
    if (this.isAtEnd) return false;
    this.chunks ??= await openChunks(this.path, this.signal);
    this.makeRoom(this.chunks.room);
    const got = await this.chunks.read(this.buf, this.end);
    if (got === 0) {
      this.isAtEnd = true;
      await this.chunks.close();
      if (this.at === this.end) return false;
    }
    this.end += got;
    this.parser.load(this.buf);
    return true;
  }

  taken(): number {
    return this.chunks?.taken() ?? 0;
  }

  async close(): Promise<void> {
    if (!this.isAtEnd) await this.chunks?.close();
  }

  /** Moves the begun line to the front; a line that outgrows the buffer gets a bigger one. */
  private makeRoom(room: number): void {
    const begun = this.end - this.at;
    if (begun + room > this.buf.length) {
      const bigger = this.allocate(2 * (begun + room));
      this.buf.copy(bigger, 0, this.at, this.end);
      this.buf = bigger;
      this.view = viewOf(bigger);
    } else {
      this.buf.copyWithin(0, this.at, this.end);
    }
    this.at = 0;
    this.end = begun;
  }

  private allocate(size: number): Buffer {
    const isCuttable = this.source !== "s3" && size >= CUTTER_SIZE;
    this.cutter = isCuttable ? new LineCutter(size) : undefined;
    return this.cutter?.buf ?? Buffer.allocUnsafeSlow(size);
  }
}
