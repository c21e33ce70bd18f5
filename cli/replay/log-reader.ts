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

/** Reads one log line by line into a row. */
export class LogReader {
  readonly path: string;
  /** Why the last line could not be parsed. */
  reason: Reason = "unknown-format";
  private readonly parser: LineParser;
  private readonly wants: Wants | undefined;
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
  private isCut = false;

  constructor(path: string, source: Source, wants?: Wants) {
    this.path = path;
    this.wants = wants;
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
      if (this.isSkipping) {
        this.isSkipping = this.isCut;
        continue;
      }
      this.isSkipping = this.isCut;
      if (isBlank(this.buf, this.lineStart, this.lineEnd)) continue;
      if (this.wants !== undefined && !this.isWanted(this.wants)) continue;
      const reason = this.parser.parse(this.lineStart, this.lineEnd);
      if (reason === undefined) return "row";
      this.reason = reason;
      return "unparsed";
    }
    return "empty";
  }

  private isWanted(wants: Wants): boolean {
    const addressEnd = this.parser.addressEnd(this.lineStart, this.lineEnd);
    const isWanted = addressEnd < 0 ? undefined : wants(this.view, this.lineStart, addressEnd);
    this.row.isOwn = isWanted === true;
    return isWanted !== false;
  }

  /** Finds the end of the next line, or where a line is cut because nothing so long can be one. */
  private findLine(): boolean {
    if (this.at >= this.end) return false;
    const newline = this.buf.indexOf(NEWLINE, this.at);
    const isWhole = newline >= 0 && newline < this.end;
    this.isCut = !isWhole && this.end - this.at > MAX_LINE_BYTES;
    if (!isWhole && !this.isCut && !this.isAtEnd) return false;
    this.lineStart = this.at;
    this.lineEnd = isWhole ? newline : this.end;
    this.at = isWhole ? newline + 1 : this.end;
    return true;
  }

  /** Reads more; false when there is nothing left. */
  async fill(): Promise<boolean> {
    if (this.isAtEnd) return false;
    this.chunks ??= await openChunks(this.path);
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
      const bigger = Buffer.allocUnsafeSlow(2 * (begun + room));
      this.buf.copy(bigger, 0, this.at, this.end);
      this.buf = bigger;
      this.view = viewOf(bigger);
    } else {
      this.buf.copyWithin(0, this.at, this.end);
    }
    this.at = 0;
    this.end = begun;
  }
}
