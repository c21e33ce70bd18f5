import {
  CLOSE_BRACKET,
  COLON,
  DASH,
  DOT,
  find,
  hexDigit,
  isAbsent,
  LESS_THAN,
  OPEN_BRACKET,
  QUOTE,
  readInteger,
  SPACE,
} from "./bytes";
import { setTail } from "./combined-tail";
import { NGINX } from "./fields";
import type { LineCutter } from "./line-cutter";
import type { LogTime } from "./log-time";
import type { Reason } from "./reasons";
import { Quotes } from "./quotes";
import { setRequestLine } from "./request-line";
import type { Row } from "./row";

/** Longer words are no address (RFC 4291 needs 45 characters); so other formats are soon told apart. */
const MAX_ADDRESS = 64;
/** `22/Nov/2026:01:45:34 +0000` with brackets, and what stands before it in nearly every line. */
const BRACKETED_TIME = 28;
const ANONYMOUS = 5;

/**
 * Parses the combined format and its relatives: common (no referer and user agent), a virtual host
 * in front, and `$http_x_forwarded_for`, `$request_time`, `$upstream_response_time` behind.
 *
 * @see https://nginx.org/en/docs/http/ngx_http_log_module.html
 */
export class CombinedParser {
  private readonly quotes = new Quotes();
  /** Where the address ends, as `isUsual` found it. */
  addressEnd = 0;

  private readonly time: LogTime;

  constructor(time: LogTime) {
    this.time = time;
  }

  /** Whether a line begins as nearly every one does: `192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "`. */
  isUsual(buf: Buffer, start: number, end: number): boolean {
    const addressEnd = find(buf, SPACE, start, Math.min(end, start + MAX_ADDRESS));
    const openTime = addressEnd + ANONYMOUS;
    const quote = openTime + BRACKETED_TIME + 1;
    this.addressEnd = addressEnd;
    return (
      quote < end &&
      buf[openTime] === OPEN_BRACKET &&
      buf[openTime - 2] === DASH &&
      buf[openTime - 4] === DASH &&
      buf[quote - 2] === CLOSE_BRACKET &&
      buf[quote] === QUOTE
    );
  }

  /** Parses the line at `[start, end)` of the row's buffer, which `isUsual` has just accepted. */
  parseUsual(row: Row, start: number, end: number): Reason | undefined {
    const openTime = this.addressEnd + ANONYMOUS;
    const quote = openTime + BRACKETED_TIME + 1;
    row.set(NGINX.remote_addr, start, this.addressEnd);
    row.set(NGINX.time, openTime + 1, quote - 2);
    this.time.read(row, openTime + 1, quote - 2);
    return this.parseRequest(row, quote, end);
  }

  /**
   * Takes over what `cutter` found of the line at `[start, end)` of the row's buffer; false when it
   * begins with no time.
   */
  takeCut(row: Row, cutter: LineCutter, start: number, end: number): boolean {
    cutter.fill(row, start);
    this.time.read(row, row.starts[NGINX.time], row.ends[NGINX.time]);
    if (Number.isNaN(row.time)) return false;
    if (cutter.tail < end) setTail(row, cutter.tail, end, this.quotes);
    return true;
  }

  /** Parses any line of the family at `[start, end)` of the row's buffer. */
  parse(row: Row, start: number, end: number): Reason | undefined {
    const openQuote = this.setUnusualHead(row, start, end);
    return openQuote < 0 ? "unknown-format" : this.parseRequest(row, openQuote, end);
  }

  /** From the quote that opens the request to the end of the line. */
  private parseRequest(row: Row, openQuote: number, end: number): Reason | undefined {
    const buf = row.buf;
    if (Number.isNaN(row.time)) return "bad-time";
    const closeQuote = this.quotes.closing(buf, openQuote + 1, end);
    if (closeQuote < 0) return "no-request";
    setRequestLine(row, openQuote + 1, closeQuote);

    const statusAt = closeQuote + 2;
    const statusEnd = statusAt + 3;
    row.status = statusEnd > end ? -1 : readInteger(buf, statusAt, statusEnd);
    if (row.status < 100 || (statusEnd < end && buf[statusEnd] !== SPACE)) return "no-status";
    row.set(NGINX.status, statusAt, statusEnd);
    const bytesEnd = find(buf, SPACE, statusEnd + 1, end);
    if (statusEnd + 1 < bytesEnd) row.set(NGINX.body_bytes_sent, statusEnd + 1, bytesEnd);
    row.bytes = Math.max(0, readInteger(buf, statusEnd + 1, bytesEnd));

    const tail = this.setRefererAndUserAgent(row, bytesEnd + 1, end);
    if (tail < end) setTail(row, tail, end, this.quotes);
    return undefined;
  }

  /**
   * A virtual host or a prefix in front, a user name, another form of time. The user may be anything
   * that the client typed, spaces and brackets included, but nginx escapes quotes: so the first quote
   * of the line opens the request and the bracket before it closes the time.
   */
  private setUnusualHead(row: Row, start: number, end: number): number {
    const buf = row.buf;
    const quote = this.quotes.closing(buf, start, end);
    if (quote < start + 10 || buf[quote - 1] !== SPACE || buf[quote - 2] !== CLOSE_BRACKET)
      return -1;
    const closeTime = quote - 2;
    let openTime = closeTime - 1;
    while (openTime > start && closeTime - openTime < 40 && buf[openTime] !== OPEN_BRACKET)
      openTime--;
    if (buf[openTime] !== OPEN_BRACKET) return -1;

    const prefixEnd = findPrefixEnd(buf, start, openTime);
    if (prefixEnd > start) row.extras.push(start, start, start, prefixEnd - 1);
    let addressAt = prefixEnd;
    let addressEnd = find(buf, SPACE, addressAt, openTime);
    let identEnd = find(buf, SPACE, addressEnd + 1, openTime);
    const isIdent = isAbsent(buf, addressEnd + 1, identEnd);
    if (!isIdent && looksLikeAddress(buf, addressEnd + 1, identEnd)) {
      row.set(NGINX.http_host, addressAt, addressEnd);
      addressAt = addressEnd + 1;
      addressEnd = identEnd;
      identEnd = find(buf, SPACE, addressEnd + 1, openTime);
    }
    if (identEnd >= openTime) return -1;
    row.set(NGINX.remote_addr, addressAt, addressEnd);
    const userEnd = openTime - 1;
    if (userEnd > identEnd + 1) setUnlessAbsent(row, NGINX.remote_user, identEnd + 1, userEnd);
    row.set(NGINX.time, openTime + 1, closeTime);
    this.time.read(row, openTime + 1, closeTime);
    return quote;
  }

  /** Returns where the tail begins. A line without both quoted texts is in the common format. */
  private setRefererAndUserAgent(row: Row, start: number, end: number): number {
    const buf = row.buf;
    if (start >= end || buf[start] !== QUOTE) {
      row.format = "common";
      return start;
    }
    const refererEnd = this.quotes.closing(buf, start + 1, end);
    if (refererEnd < 0) return cutShort(row, NGINX.http_referer, start + 1, end);
    setUnlessAbsent(row, NGINX.http_referer, start + 1, refererEnd);
    const agentAt = refererEnd + 2;
    if (agentAt >= end || buf[agentAt] !== QUOTE) return agentAt;
    const agentEnd = this.quotes.closing(buf, agentAt + 1, end);
    if (agentEnd < 0) return cutShort(row, NGINX.http_user_agent, agentAt + 1, end);
    setUnlessAbsent(row, NGINX.http_user_agent, agentAt + 1, agentEnd);
    return agentEnd + 2;
  }
}

/**
 * Where what syslog, a container's runtime or a terminal put in front of the line ends, or `start`:
 * `Nov 22 01:45:34 web1 nginx: `, `2026-11-22T01:45:34.5Z stdout F `, `web_1  | `. The address stands
 * before the first `-` alone, two words or more from the start. What a client typed as its user name
 * comes later. Only `<190>1 2026-11-22T01:45:34Z web1 nginx - - - ` (RFC 5424) has such words itself.
 */
function findPrefixEnd(buf: Buffer, start: number, end: number): number {
  let words = 0;
  let before = start;
  for (let at = start; at < end; words++) {
    const wordEnd = find(buf, SPACE, at, end);
    if (isAbsent(buf, at, wordEnd)) {
      if (words > 2 && looksLikeAddress(buf, before, at - 1)) return before;
      if (buf[start] !== LESS_THAN) return start;
    }
    before = at;
    at = wordEnd + 1;
  }
  return start;
}

/** Only digits, `a` to `f`, dots and colons, and at least one dot or colon. */
function looksLikeAddress(buf: Buffer, start: number, end: number): boolean {
  let separators = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i];
    if (byte === DOT || byte === COLON) separators++;
    else if (hexDigit(byte) < 0) return false;
  }
  return separators > 0;
}

/** An agent cut the line at its size limit: what is there counts. */
function cutShort(row: Row, column: number, start: number, end: number): number {
  row.set(column, start, end);
  row.partial = true;
  return end;
}

function setUnlessAbsent(row: Row, column: number, start: number, end: number): void {
  if (!isAbsent(row.buf, start, end)) row.set(column, start, end);
}
