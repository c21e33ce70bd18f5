import { DASH, PERCENT, PLUS, QUESTION_MARK, SLASH, SPACE } from "./bytes";
import { NGINX } from "./fields";
import type { Row } from "./row";

/**
 * Cuts `$request` into method, target and protocol. Three parts normally, two for HTTP/0.9; a
 * target may hold spaces, because nginx logs a refused request line as it came. Anything that does
 * not begin with a method (a TLS handshake, `-`) leaves them all absent.
 */
export function setRequestLine(row: Row, start: number, end: number): void {
  row.set(NGINX.request, start, end);
  const methodEnd = findMethodEnd(row, start, end);
  if (methodEnd < 0) return;
  let targetEnd: number;
  if (end - methodEnd > 9 && row.buf[end - 9] === SPACE && isHttp(row, end - 8)) {
    targetEnd = end - 9;
    row.set(NGINX.server_protocol, end - 8, end);
  } else {
    targetEnd = withoutShortProtocol(row, methodEnd + 1, end);
  }
  row.set(NGINX.request_method, start, methodEnd);
  setTarget(row, methodEnd + 1, targetEnd);
}

/** The space behind the method with which a request begins, or -1. */
function findMethodEnd({ buf, view }: Row, start: number, end: number): number {
  if (end - start > 4 && view.getInt32(start) === GET) return start + 3;
  let at = start;
  while (at < end && isMethodByte(buf[at])) at++;
  const isMethod = at > start && at < end && at - start <= MAX_METHOD;
  return isMethod && buf[at] === SPACE ? at : -1;
}

const MAX_METHOD = 32;
/** `GET ` and `HTTP` as they lie in memory. */
const GET = 0x47455420;
const HTTP = 0x48545450;

const isHttp = ({ buf, view }: Row, at: number): boolean =>
  view.getInt32(at) === HTTP && buf[at + 4] === SLASH;

/** Splits a request target at its first question mark; the query is absent when there is none. */
export function setTarget(row: Row, start: number, end: number): void {
  const buf = row.buf;
  row.set(NGINX.request_uri, start, end);
  let signs = 0;
  let at = start;
  for (; at < end; at++) {
    const sign = SIGNS[buf[at]];
    signs |= sign;
    if (sign === QUERY) break;
  }
  row.set(NGINX.path, start, at);
  if (at < end) {
    row.set(NGINX.query, at + 1, end);
    while (++at < end) signs |= SIGNS[buf[at]];
  }
  row.hasPlainTarget = (signs & ESCAPE) === 0;
}

const QUERY = 1;
const ESCAPE = 2;
/** What a byte of a target means for how it is read. */
const SIGNS = new Uint8Array(256);
SIGNS[QUESTION_MARK] = QUERY;
SIGNS[PERCENT] = ESCAPE;
SIGNS[PLUS] = ESCAPE;

/** `HTTP/2` has no minor version in some servers' logs. */
function withoutShortProtocol(row: Row, start: number, end: number): number {
  const at = end - 7;
  if (at < start || row.buf[at] !== SPACE || !isHttp(row, at + 1)) return end;
  row.set(NGINX.server_protocol, at + 1, end);
  return at;
}

function isMethodByte(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || byte === 95 || byte === DASH;
}
