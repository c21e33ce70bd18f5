import { DASH, QUESTION_MARK, SPACE, startsWith } from "./bytes";
import { NGINX } from "./fields";
import type { Row } from "./row";

/**
 * Cuts `$request` into method, target and protocol. Three parts normally, two for HTTP/0.9; a
 * target may hold spaces, because nginx logs a refused request line as it came. Anything that does
 * not begin with a method (a TLS handshake, `-`) leaves them all absent.
 */
export function setRequestLine(row: Row, start: number, end: number): void {
  row.set(NGINX.request, start, end);
  const buf = row.buf;
  let at = start;
  while (at < end && isMethodByte(buf[at])) at++;
  if (at === start || at >= end || buf[at] !== SPACE || at - start > 32) return;
  let targetEnd: number;
  if (end - at > 9 && buf[end - 9] === SPACE && startsWith(buf, end - 8, end, "HTTP/")) {
    targetEnd = end - 9;
    row.set(NGINX.server_protocol, end - 8, end);
  } else {
    targetEnd = withoutShortProtocol(row, at + 1, end);
  }
  row.set(NGINX.request_method, start, at);
  setTarget(row, at + 1, targetEnd);
}

/** Splits a request target at its first question mark; the query is absent when there is none. */
export function setTarget(row: Row, start: number, end: number): void {
  const buf = row.buf;
  row.set(NGINX.request_uri, start, end);
  let at = start;
  while (at < end && buf[at] !== QUESTION_MARK) at++;
  row.set(NGINX.path, start, at);
  if (at < end) row.set(NGINX.query, at + 1, end);
}

/** `HTTP/2` has no minor version in some servers' logs. */
function withoutShortProtocol(row: Row, start: number, end: number): number {
  const at = end - 7;
  if (at < start || row.buf[at] !== SPACE || !startsWith(row.buf, at + 1, end, "HTTP/")) return end;
  row.set(NGINX.server_protocol, at + 1, end);
  return at;
}

function isMethodByte(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || byte === 95 || byte === DASH;
}
