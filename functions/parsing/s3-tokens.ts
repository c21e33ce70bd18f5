import { DASH, isAbsent, QUOTE, startsWith } from "./bytes";

const OPERATION_KINDS = ["REST.", "WEBSITE.", "SOAP.", "BATCH.", "S3."].map((kind) =>
  Buffer.from(kind),
);
const UUID_LENGTH = 36;
const REQUEST_ID_LENGTH = 16;

/** What a byte may be part of, a bit for each. */
const NUMBER = 1;
const REQUEST_ID = 2;
const UUID = 4;
/** Of operations and error codes. */
const NAME = 8;
const PARTS = new Uint8Array(256);
setParts("0123456789", NUMBER | REQUEST_ID | UUID | NAME);
setParts("ABCDEFGHIJKLMNOPQRSTUVWXYZ", REQUEST_ID | UUID | NAME);
setParts("abcdefghijklmnopqrstuvwxyz", UUID | NAME);
setParts("._", NAME);

/** A request ID: 16 of `[0-9A-Z]`, or a UUID for the jobs of S3 itself. */
export function isRequestId(buf: Buffer, start: number, end: number): boolean {
  if (end - start === REQUEST_ID_LENGTH) return partEnd(buf, start, end, REQUEST_ID) === end;
  if (end - start !== UUID_LENGTH) return false;
  for (let i = start; i < end; i++) {
    const place = i - start;
    const isHyphenPlace = place === 8 || place === 13 || place === 18 || place === 23;
    if (isHyphenPlace ? buf[i] !== DASH : (PARTS[buf[i]] & UUID) === 0) return false;
  }
  return true;
}

/** Where an operation such as `REST.GET.OBJECT` ends, or -1 when the word is none. */
export function readOperationEnd(buf: Buffer, start: number, end: number): number {
  if (partEnd(buf, start, end, NAME) < end) return -1;
  for (const kind of OPERATION_KINDS) if (startsWith(buf, start, end, kind)) return end;
  return -1;
}

/** Where the digits end that begin at `start`. */
export const numberEnd = (buf: Buffer, start: number, end: number): number =>
  partEnd(buf, start, end, NUMBER);

/** Where the letters, digits, dots and underscores end that begin at `start`. */
export const errorCodeEnd = (buf: Buffer, start: number, end: number): number =>
  partEnd(buf, start, end, NAME);

/** Missing values come both ways: a bare dash, and a quoted one. */
export function isMissing(buf: Buffer, start: number, end: number): boolean {
  if (end - start === 3)
    return buf[start] === QUOTE && isAbsent(buf, start + 1, end - 1) && buf[end - 1] === QUOTE;
  return isAbsent(buf, start, end);
}

function partEnd(buf: Buffer, start: number, end: number, part: number): number {
  let at = start;
  while (at < end && (PARTS[buf[at]] & part) !== 0) at++;
  return at;
}

function setParts(characters: string, parts: number): void {
  for (const byte of Buffer.from(characters)) PARTS[byte] |= parts;
}
