import { hexDigit, PERCENT, PLUS, SPACE } from "./bytes";

/**
 * Decodes `%HH` once, in place or into another buffer.
 *
 * @returns the end of the decoded bytes in `target`, or -1 when an escape is malformed and
 *   `onBadEscape` is `"refuse"`; with `"keep"` a malformed escape stays as it is.
 */
export function decodePercent(
  target: Buffer,
  [buf, start, end]: readonly [Buffer, number, number],
  onBadEscape: "keep" | "refuse",
): number {
  let out = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i];
    if (byte !== PERCENT) {
      target[out++] = byte;
      continue;
    }
    const high = i + 2 < end ? hexDigit(buf[i + 1]) : -1;
    const low = i + 2 < end ? hexDigit(buf[i + 2]) : -1;
    if (high >= 0 && low >= 0) {
      target[out++] = high * 16 + low;
      i += 2;
    } else if (onBadEscape === "refuse") {
      return -1;
    } else {
      target[out++] = PERCENT;
    }
  }
  return out;
}

export function plusToSpace(buf: Buffer, start: number, end: number): void {
  for (let i = start; i < end; i++) if (buf[i] === PLUS) buf[i] = SPACE;
}
