/** Reading text out of bytes without making strings. */

export const TAB = 9;
export const NEWLINE = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const QUOTE = 34;
export const PERCENT = 37;
export const PLUS = 43;
export const COMMA = 44;
export const DASH = 45;
export const DOT = 46;
export const SLASH = 47;
export const ZERO = 48;
export const COLON = 58;
export const LESS_THAN = 60;
export const EQUALS = 61;
export const QUESTION_MARK = 63;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const OPEN_BRACE = 123;

/** The same bytes, for reading four at a time. */
export const viewOf = (buf: Buffer): DataView =>
  new DataView(buf.buffer, buf.byteOffset, buf.length);

export const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

/** The position of `byte` in `[start, end)`, or `end` when it is not there. */
export function find(buf: Buffer, byte: number, start: number, end: number): number {
  for (let i = start; i < end; i++) if (buf[i] === byte) return i;
  return end;
}

/** A whole number of 1 to 15 digits in `[start, end)`, or -1. */
export function readInteger(buf: Buffer, start: number, end: number): number {
  if (start >= end || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = buf[i] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Seconds with an optional fraction (`0.003`) as whole milliseconds, or -1. */
export function readSecondsAsMs(buf: Buffer, start: number, end: number): number {
  const dot = find(buf, DOT, start, end);
  const seconds = readInteger(buf, start, dot);
  if (seconds < 0 || end - dot > 13) return -1;
  let fraction = 0;
  for (let i = dot + 1, scale = 100; i < end; i++, scale /= 10) {
    if (!isDigit(buf[i])) return -1;
    fraction += (buf[i] - ZERO) * scale;
  }
  return seconds * 1000 + Math.round(fraction);
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Whether the bytes in `[start, end)` begin with those of `text`. */
export function startsWith(buf: Buffer, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (buf[start + i] !== text[i]) return false;
  return true;
}

/** Whether a field says that its value is absent. */
export function isAbsent(buf: Buffer, start: number, end: number): boolean {
  return end - start === 1 && buf[start] === DASH;
}

/** Whether a line holds nothing, or only the first half of a Windows line end. */
export const isBlank = (buf: Buffer, start: number, end: number): boolean =>
  start === end || (end - start === 1 && buf[start] === CARRIAGE_RETURN);
