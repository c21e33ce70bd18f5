import { BACKSLASH, find, QUOTE } from "./bytes";

/** Bytes that native searches may run past the ends of lines beyond the length of these lines. */
const MAX_CREDIT = 1 << 16;

/**
 * Finds quotes. `Buffer.indexOf` is five times faster than a loop but cannot stop at the end of a
 * line: where lines hold no quotes, each search would run on to the next one, or to the end of the
 * buffer. So searches may run past their lines only about as far as the lines are long; beyond that
 * the finder loops, and the work stays linear.
 */
export class Quotes {
  private credit = MAX_CREDIT;
  /** Where the last line ended that a search ran past. */
  private lastEnd = 0;

  /** The first quote in `[start, end)` that no backslash escapes, or -1. */
  closing(buf: Buffer, start: number, end: number): number {
    let from = start;
    for (;;) {
      const quote = this.next(buf, from, end);
      if (quote < 0) return -1;
      let backslashes = 0;
      // `from` bounds the walk, so that a line of nothing but backslashes and quotes stays linear.
      while (quote - backslashes > from && buf[quote - backslashes - 1] === BACKSLASH)
        backslashes++;
      if (backslashes % 2 === 0) return quote;
      from = quote + 1;
    }
  }

  /** The first quote in `[start, end)`, escaped or not, or -1. */
  next(buf: Buffer, start: number, end: number): number {
    const isNative = this.credit > 0;
    const at = isNative ? buf.indexOf(QUOTE, start) : find(buf, QUOTE, start, end);
    if (at >= 0 && at < end) return at;
    const overshot = isNative ? (at < 0 ? buf.length : at) - end : 0;
    const advanced = Math.max(0, end - this.lastEnd);
    this.credit = Math.min(MAX_CREDIT, this.credit + advanced - overshot);
    this.lastEnd = end;
    return -1;
  }
}
