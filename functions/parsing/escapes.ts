import { BACKSLASH, hexDigit } from "./bytes";

/** What follows a backslash in JSON strings and in Apache's logs, beside `x`. */
const SHORT_ESCAPES: Readonly<Record<number, number>> = {
  34: 34,
  92: 92,
  47: 47,
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
  118: 11,
};

/**
 * Copies `[start, end)` to `target` with nginx's `\xHH` and Apache's `\"` decoded, once and in one
 * pass, so that `\x5Cx22` gives the four characters `\x22`. An escape that is none stays as it is.
 *
 * @returns the position in `target` behind the copy, which is never longer than the original.
 */
export function unescapeInto(
  target: Buffer,
  at: number,
  [buf, start, end]: readonly [Buffer, number, number],
): number {
  let out = at;
  for (let i = start; i < end; i++) {
    if (buf[i] !== BACKSLASH || i + 1 >= end) {
      target[out++] = buf[i];
      continue;
    }
    const next = buf[i + 1];
    const high = hexDigit(buf[i + 2]);
    const low = hexDigit(buf[i + 3]);
    if (next === 120 && i + 3 < end && high >= 0 && low >= 0) {
      target[out++] = high * 16 + low;
      i += 3;
    } else if (next in SHORT_ESCAPES) {
      target[out++] = SHORT_ESCAPES[next];
      i += 1;
    } else {
      target[out++] = BACKSLASH;
    }
  }
  return out;
}
