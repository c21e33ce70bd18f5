import { BACKSLASH, QUOTE, ZERO } from "./bytes";

const FIRST_SIZE = 1 << 16;
const HEX = Buffer.from("0123456789ABCDEF");

/** Bytes that stand for themselves in a JSON string, and those that do in an escaped field. */
const PLAIN_IN_JSON = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= 32 && byte < 127 && byte !== QUOTE && byte !== BACKSLASH),
);
const PLAIN_IN_FIELD = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= 32 && byte !== BACKSLASH),
);

/**
 * Puts lines together byte by byte. Strings would cost more than reading the log line did, and so
 * would a call into native code for each of the short texts that a line is made of.
 */
export class ByteWriter {
  length = 0;
  /** A value since it was last set to false was not valid UTF-8 and stands there with U+FFFD. */
  isLossy = false;
  private buf: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);

  /** What was written; valid until the next write. */
  bytes(): Buffer {
    return this.buf.subarray(0, this.length);
  }

  byte(value: number): void {
    this.makeRoom(1);
    this.buf[this.length++] = value;
  }

  /** ASCII text that needs no escapes. */
  ascii(text: string): void {
    this.makeRoom(text.length);
    const { buf } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) buf[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** A whole number from 0. */
  integer(value: number): void {
    this.makeRoom(20);
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits++;
    let left = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tenth = Math.floor(left / 10);
      this.buf[at] = ZERO + left - tenth * 10;
      left = tenth;
    }
    this.length += digits;
  }

  /** The bytes at `[start, end)` as they are. */
  raw(source: Buffer, start: number, end: number): void {
    this.makeRoom(end - start);
    for (let i = start; i < end; i++) this.buf[this.length++] = source[i];
  }

  /** The bytes at `[start, end)` as a JSON string with its quotes. */
  jsonText(source: Buffer, start: number, end: number): void {
    this.makeRoom(end - start + 2);
    const { buf } = this;
    let at = this.length;
    buf[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = source[i];
      if (PLAIN_IN_JSON[byte] === 0) {
        this.jsonString(source.toString("utf8", start, end));
        return;
      }
      buf[at++] = byte;
    }
    buf[at++] = QUOTE;
    this.length = at;
  }

  /**
   * The bytes at `[start, end)` with nginx's escapes: control characters and backslashes become
   * `\xHH`, all else stays as it is, valid UTF-8 or not.
   */
  field(source: Buffer, start: number, end: number): void {
    this.makeRoom((end - start) * 4);
    const { buf } = this;
    let at = this.length;
    for (let i = start; i < end; i++) {
      const byte = source[i];
      if (PLAIN_IN_FIELD[byte] === 1) {
        buf[at++] = byte;
        continue;
      }
      buf[at++] = BACKSLASH;
      buf[at++] = 120;
      buf[at++] = HEX[byte >> 4];
      buf[at++] = HEX[byte & 15];
    }
    this.length = at;
  }

  /** Any text as a JSON string with its quotes. */
  jsonString(text: string): void {
    if (text.includes("\ufffd")) this.isLossy = true;
    const quoted = JSON.stringify(text);
    this.makeRoom(quoted.length * 3);
    this.length += this.buf.write(quoted, this.length, "utf8");
  }

  private makeRoom(more: number): void {
    if (this.length + more <= this.buf.length) return;
    const bigger = Buffer.allocUnsafeSlow(Math.max(this.buf.length * 2, this.length + more));
    this.buf.copy(bigger, 0, 0, this.length);
    this.buf = bigger;
  }
}
