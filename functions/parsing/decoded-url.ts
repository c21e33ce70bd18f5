import { find, PERCENT, QUESTION_MARK, viewOf } from "./bytes";
import { decodePercent, plusToSpace } from "./percent";

const MAX_DECODINGS = 3;

/**
 * A request target as an application may come to see it: percent-escapes decoded until none is left
 * (at most three times, for attackers encode twice), `+` in the query as a space. For matching
 * signatures only.
 */
export class DecodedUrl {
  buf = Buffer.alloc(16_384);
  view = viewOf(this.buf);
  /** The result is `[0, length)` of `buf`. */
  length = 0;

  /** Decodes the target at `[start, end)` of a line. */
  decode(line: Buffer, start: number, end: number): void {
    if (end - start > this.buf.length) {
      this.buf = Buffer.alloc((end - start) * 2);
      this.view = viewOf(this.buf);
    }
    const { buf } = this;
    this.length = line.copy(buf, 0, start, end);
    const queryAt = find(buf, QUESTION_MARK, 0, this.length);
    plusToSpace(buf, queryAt, this.length);
    for (let i = 0; i < MAX_DECODINGS && find(buf, PERCENT, 0, this.length) < this.length; i++) {
      this.length = decodePercent(buf, [buf, 0, this.length], "keep");
    }
  }
}
