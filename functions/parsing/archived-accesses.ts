import { NEWLINE } from "./bytes";
import { LineParser, MAX_LINE_BYTES } from "./line-parser";
import type { Row } from "./row";

/** Lines without a record's id, from S3's own delivery, are taken this many at a time. */
const UNPACKED_LINES = 1000;

/**
 * Reads accesses out of an object of the archive, given piece by piece, and says where one packed
 * record ends and the next begins.
 */
export class ArchivedAccesses {
  unparsed = 0;
  /** The packed record of the access that was read last. */
  batch: string | undefined;
  private readonly object: string;
  private readonly parser = new LineParser("s3");
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private isAtEnd = false;
  private lines = 0;
  private line = -1;

  /** @param object stands for the object in the ids of lines that have none. */
  constructor(object: string) {
    this.object = object;
  }

  /** The access that `next` read. */
  get row(): Row {
    return this.parser.row;
  }

  push(piece: Buffer): void {
    const left = this.bytes.subarray(this.at);
    this.bytes = left.length === 0 ? piece : Buffer.concat([left, piece]);
    this.at = 0;
    this.parser.load(this.bytes);
    if (this.bytes.length > MAX_LINE_BYTES && !this.bytes.includes(NEWLINE))
      throw new Error("the object holds a line of more than 8 MiB, so it is not of this archive");
  }

  end(): void {
    this.isAtEnd = true;
  }

  /**
   * Reads the next access; undefined when there is none yet. `endOf` is the packed record that ended
   * just before it.
   */
  next(): { readonly endOf: string | undefined } | undefined {
    while (this.at < this.bytes.length) {
      const newline = this.bytes.indexOf(NEWLINE, this.at);
      if (newline < 0 && !this.isAtEnd) return undefined;
      const start = this.at;
      const end = newline < 0 ? this.bytes.length : newline;
      this.at = end + 1;
      if (end === start) continue;
      if (this.parser.parse(start, end) !== undefined) {
        this.unparsed++;
        continue;
      }
      const [before, line] = [this.batch, this.line];
      this.locate(this.parser.row);
      // A record that was delivered twice stands behind itself: its lines begin again.
      const isNext = before === this.batch && this.line > line;
      return { endOf: isNext ? undefined : before };
    }
    return undefined;
  }

  /** Reads where the line stands: its packed record and its place there. */
  private locate({ buf, extras }: Row): void {
    this.batch = undefined;
    this.line = this.lines++;
    for (let i = 0; i < extras.length; i += 4) {
      const name = buf.toString("latin1", extras[i], extras[i + 1]);
      const value = (): string => buf.toString("latin1", extras[i + 2], extras[i + 3]);
      if (name === "batch") this.batch = value();
      else if (name === "line") this.line = Number(value());
    }
    this.batch ??= `${this.object}.${Math.floor(this.line / UNPACKED_LINES)}`;
  }
}
