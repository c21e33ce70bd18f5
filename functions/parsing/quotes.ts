import { BACKSLASH, find, QUOTE } from "./bytes";

/** Bytes that native searches may have run past the ends of lines beyond what they were good for. */
const MAX_CREDIT = 1 << 16;

/**
 * Finds quotes. `Buffer.indexOf` is five times faster than a loop but cannot stop at the end of a
 * line: where lines hold no quotes, each search would run on to the next one, or to the end of the
 * buffer. So a search may run past its line only as far as searches have had to look so far; beyond
 * that the finder loops, and the work stays linear.
 */
export class Quotes {
  private credit = MAX_CREDIT;

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
    const isFound = at >= 0 && at < end;
    const looked = (isFound ? at : end) - start;
    const overshot = isFound || !isNative ? 0 : (at < 0 ? buf.length : at) - end;
    this.credit = Math.min(MAX_CREDIT, this.credit + looked - overshot);
    return isFound ? at : -1;
  }
}
