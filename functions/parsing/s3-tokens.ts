import { DASH, DOT, isAbsent, isDigit, startsWith } from "./bytes";

const OPERATION_KINDS = ["REST.", "WEBSITE.", "SOAP.", "BATCH.", "S3."] as const;
const UUID_LENGTH = 36;
const REQUEST_ID_LENGTH = 16;

/** A request ID: 16 of `[0-9A-Z]`, or a UUID for the jobs of S3 itself. */
export function isRequestId(buf: Buffer, start: number, end: number): boolean {
  if (end - start === REQUEST_ID_LENGTH) {
    for (let i = start; i < end; i++) {
      if (!isDigit(buf[i]) && !(buf[i] >= 65 && buf[i] <= 90)) return false;
    }
    return true;
  }
  if (end - start !== UUID_LENGTH) return false;
  for (let i = start; i < end; i++) {
    const place = i - start;
    const isHyphenPlace = place === 8 || place === 13 || place === 18 || place === 23;
    if (isHyphenPlace ? buf[i] !== DASH : !isAlphanumeric(buf[i])) return false;
  }
  return true;
}

/** Where an operation such as `REST.GET.OBJECT` ends, or -1 when the word is none. */
export function readOperationEnd(buf: Buffer, start: number, end: number): number {
  if (!OPERATION_KINDS.some((kind) => startsWith(buf, start, end, kind))) return -1;
  for (let i = start; i < end; i++) {
    if (!isAlphanumeric(buf[i]) && buf[i] !== DOT && buf[i] !== 95) return -1;
  }
  return end;
}

/** Missing values come both ways: a bare dash, and a quoted one. */
export function isMissing(buf: Buffer, start: number, end: number): boolean {
  return isAbsent(buf, start, end) || (end - start === 3 && startsWith(buf, start, end, '"-"'));
}

function isAlphanumeric(byte: number): boolean {
  const lower = byte | 32;
  return isDigit(byte) || (lower >= 97 && lower <= 122);
}
