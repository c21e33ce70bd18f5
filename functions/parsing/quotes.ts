import { BACKSLASH, find, QUOTE } from "./bytes";

/** Native searches that run past the end of a line before a finder stops using them. */
const MAX_OVERSHOOTS = 100;

/**
 * Finds closing quotes. `Buffer.indexOf` is five times faster than a loop but cannot stop at the end
 * of a line, so a file of lines without quotes would be searched to the end of the buffer for each
 * of them: after a hundred such lines the finder loops, and the work stays linear.
 */
export class Quotes {
  private overshoots = 0;

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
    if (this.overshoots > MAX_OVERSHOOTS) {
      const at = find(buf, QUOTE, start, end);
      return at < end ? at : -1;
    }
    const at = buf.indexOf(QUOTE, start);
    if (at >= 0 && at < end) return at;
    this.overshoots++;
    return -1;
  }
}
