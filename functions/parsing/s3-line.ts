import {
  CLOSE_BRACKET,
  DASH,
  find,
  isDigit,
  OPEN_BRACKET,
  QUOTE,
  readInteger,
  SPACE,
} from "./bytes";
import { S3 } from "./fields";
import type { LogTime } from "./log-time";
import { Quotes } from "./quotes";
import type { Reason } from "./reasons";
import { isAbsent } from "./request-line";
import type { Row } from "./row";
import { isRequestId, readOperationEnd } from "./s3-tokens";

const TIME_LENGTH = 26;
/** Status, error code, bytes sent, object size, total time, turn-around time. */
const VALUE_COLUMNS = [
  S3.http_status,
  S3.error_code,
  S3.bytes_sent,
  S3.object_size,
  S3.total_time,
  S3.turn_around_time,
] as const;
/** Longer error codes and numbers do not exist; the bound keeps hostile lines linear. */
const MAX_VALUE_LENGTH = 64;
const MAX_LAST_QUOTES = 8;
const SIGNATURES = ["-", "SigV2", "SigV4", "SigV4A"];
const AUTHENTICATIONS = ["-", "AuthHeader", "QueryString"];

/**
 * Parses the text form of S3 server access logs, of every width. Quotes in Request-URI, Referer and
 * User-Agent are not escaped, so a caller can forge all columns to the right of them: the left part
 * (bucket, time, address, requester, operation, key) is read first and always counts, the right part
 * is kept only when it can be read in one way.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */
export class S3Parser {
  private readonly quotes = new Quotes();
  /** Start and end of the six values, as the last call of `readValues` found them. */
  private readonly values = new Int32Array(2 * VALUE_COLUMNS.length);

  private readonly time: LogTime;

  constructor(time: LogTime) {
    this.time = time;
  }

  /** Whether a line has the shape of this format: two words, then a time in brackets. */
  isLike(buf: Buffer, start: number, end: number): boolean {
    const ownerEnd = find(buf, SPACE, start, end);
    const bucketEnd = find(buf, SPACE, ownerEnd + 1, end);
    const close = bucketEnd + 2 + TIME_LENGTH;
    return (
      close + 1 < end &&
      buf[bucketEnd + 1] === OPEN_BRACKET &&
      buf[close] === CLOSE_BRACKET &&
      buf[close + 1] === SPACE
    );
  }

  /** Parses the line at `[start, end)` of the row's buffer, which `isLike` has accepted. */
  parse(row: Row, start: number, end: number): Reason | undefined {
    row.kind = "access";
    row.format = "s3";
    const buf = row.buf;
    const ownerEnd = find(buf, SPACE, start, end);
    const bucketEnd = find(buf, SPACE, ownerEnd + 1, end);
    const timeEnd = bucketEnd + 2 + TIME_LENGTH;
    row.set(S3.bucket_owner, start, ownerEnd);
    row.set(S3.bucket, ownerEnd + 1, bucketEnd);
    row.set(S3.time, bucketEnd + 2, timeEnd);
    row.time = this.time.read(buf, bucketEnd + 2, timeEnd);
    if (Number.isNaN(row.time)) return "bad-time";
    const addressEnd = find(buf, SPACE, timeEnd + 2, end);
    setUnlessAbsent(row, S3.remote_ip, timeEnd + 2, addressEnd);

    const operationEnd = setRequesterAndOperation(row, addressEnd + 1, end);
    if (operationEnd < 0) return "no-operation";
    const keyEnd = find(buf, SPACE, operationEnd + 1, end);
    setUnlessAbsent(row, S3.key, operationEnd + 1, Math.min(keyEnd, end));
    if (keyEnd + 1 >= end) row.partial = true;
    else this.setRightPart(row, keyEnd + 1, end);
    return undefined;
  }

  private setRightPart(row: Row, start: number, end: number): void {
    const uriEnd = this.findUriEnd(row, start, end);
    if (uriEnd < 0) {
      keepDoubtful(row, start, end);
      return;
    }
    const isQuoted = row.buf[start] === QUOTE;
    if (isQuoted) setUnlessAbsent(row, S3.request_uri, start + 1, uriEnd);
    const valuesEnd = this.readValues(row.buf, isQuoted ? uriEnd + 2 : start + 2, end);
    VALUE_COLUMNS.forEach((column, i) => {
      setUnlessAbsent(row, column, this.values[2 * i], this.values[2 * i + 1]);
    });
    setAccessNumbers(row);
    if (valuesEnd + 1 < end) this.setRefererAndTail(row, valuesEnd + 1, end);
    else row.partial = true;
  }

  /** The end of Request-URI, or -1 when none or more than one place can be it. */
  private findUriEnd(row: Row, start: number, end: number): number {
    const buf = row.buf;
    if (buf[start] === DASH && buf[start + 1] === SPACE) {
      return this.readValues(buf, start + 2, end) < 0 ? -1 : start + 1;
    }
    if (buf[start] !== QUOTE) return -1;
    let found = -1;
    let quote = this.quotes.next(buf, start + 1, end);
    while (quote >= 0) {
      if (buf[quote + 1] === SPACE && this.readValues(buf, quote + 2, end) >= 0) {
        if (found >= 0) return -1;
        found = quote;
      }
      quote = this.quotes.next(buf, quote + 1, end);
    }
    return found;
  }

  /** Reads status, error code and four numbers, each of which may be `-`; returns their end or -1. */
  private readValues(buf: Buffer, start: number, end: number): number {
    let at = start;
    for (let i = 0; i < VALUE_COLUMNS.length; i++) {
      const limit = Math.min(end, at + MAX_VALUE_LENGTH);
      const valueEnd = find(buf, SPACE, at, limit);
      if (valueEnd <= at || (valueEnd === limit && limit !== end)) return -1;
      if (!isValue(buf, [at, valueEnd], i)) return -1;
      this.values[2 * i] = at;
      this.values[2 * i + 1] = valueEnd;
      at = valueEnd + 1;
    }
    return at - 1;
  }

  /** Referer, User-Agent and the unquoted columns behind them. */
  private setRefererAndTail(row: Row, start: number, end: number): void {
    const buf = row.buf;
    if (buf[start] === DASH && buf[start + 1] === SPACE) {
      this.setAgentAndTail(row, start + 2, end);
      return;
    }
    const tail = lastQuoteBeforeTail(buf, start, end) + 1;
    if (buf[start] !== QUOTE || tail <= start + 1) {
      keepDoubtful(row, start, end);
      return;
    }
    const separator = findSeparator(buf, start + 1, tail);
    if (separator < 0) {
      setUnlessAbsent(row, S3.referer, start + 1, tail - 1);
      this.setAgentAndTail(row, tail + 1, end);
    } else if (findSeparator(buf, separator + 1, tail) >= 0) {
      keepDoubtful(row, start, tail);
      setTail(row, tail + 1, end);
    } else {
      setUnlessAbsent(row, S3.referer, start + 1, separator);
      setUnlessAbsent(row, S3.user_agent, separator + 3, tail - 1);
      setTail(row, tail + 1, end);
    }
  }

  /** A User-Agent, bare `-` or quoted, whose Referer is already read. */
  private setAgentAndTail(row: Row, start: number, end: number): void {
    const buf = row.buf;
    if (buf[start] === DASH && (buf[start + 1] === SPACE || start + 1 === end)) {
      setTail(row, start + 2, end);
      return;
    }
    const tail = lastQuoteBeforeTail(buf, start, end) + 1;
    if (buf[start] !== QUOTE || tail <= start + 1) {
      keepDoubtful(row, start, end);
      return;
    }
    setUnlessAbsent(row, S3.user_agent, start + 1, tail - 1);
    setTail(row, tail + 1, end);
  }
}

/** Fills the row's numbers from its columns; the JSON form shares it. */
export function setAccessNumbers(row: Row): void {
  const read = (column: number): number =>
    row.has(column) ? readInteger(row.buf, row.starts[column], row.ends[column]) : -1;
  row.status = Math.max(0, read(S3.http_status));
  row.bytes = Math.max(0, read(S3.bytes_sent));
  row.objectBytes = Math.max(0, read(S3.object_size));
  row.durationMs = read(S3.total_time);
}

/**
 * The operation is the first word of a known kind behind a request ID; what lies between the
 * address and that ID is the requester, spaces and all. Returns the operation's end or -1.
 */
function setRequesterAndOperation(row: Row, start: number, end: number): number {
  const buf = row.buf;
  let idStart = -1;
  let idEnd = -1;
  for (let at = start; at < end;) {
    const wordEnd = find(buf, SPACE, at, end);
    if (idStart > start && isRequestId(buf, idStart, idEnd)) {
      const operationEnd = readOperationEnd(buf, at, wordEnd);
      if (operationEnd >= 0) {
        setUnlessAbsent(row, S3.requester, start, idStart - 1);
        row.set(S3.request_id, idStart, idEnd);
        row.set(S3.operation, at, operationEnd);
        return operationEnd;
      }
    }
    idStart = at;
    idEnd = wordEnd;
    at = wordEnd + 1;
  }
  return -1;
}

/** What can be read in more than one way is kept whole, and no column is taken from it. */
function keepDoubtful(row: Row, start: number, end: number): void {
  row.partial = true;
  row.extras.push(start, start, start, end);
}

function setTail(row: Row, start: number, end: number): void {
  let column: number = S3.version_id;
  for (let at = start; at < end; column++) {
    const valueEnd = find(row.buf, SPACE, at, end);
    if (column > S3.source_region) row.extras.push(at, at, at, valueEnd);
    else setUnlessAbsent(row, column, at, valueEnd);
    at = valueEnd + 1;
  }
}

/** The last quote that leaves a plausible tail behind it, or -1. */
function lastQuoteBeforeTail(buf: Buffer, start: number, end: number): number {
  let quote = end;
  for (let tries = 0; tries < MAX_LAST_QUOTES; tries++) {
    do quote--;
    while (quote > start && buf[quote] !== QUOTE);
    if (quote <= start) return -1;
    if (isPlausibleTail(buf, quote + 1, end)) return quote;
  }
  return -1;
}

/** A space, then words without quotes; the third and fifth of them are known ones, if there. */
function isPlausibleTail(buf: Buffer, start: number, end: number): boolean {
  if (start === end) return true;
  if (buf[start] !== SPACE) return false;
  const words = buf.toString("latin1", start + 1, Math.min(end, start + 2048)).split(" ");
  // With a bare `-` for User-Agent every word stands one place further to the right.
  return [0, 1].some(
    (shift) =>
      SIGNATURES.includes(words[2 + shift] ?? "-") &&
      AUTHENTICATIONS.includes(words[4 + shift] ?? "-"),
  );
}

/** The position of `" "` in `[start, end)`, or -1. */
function findSeparator(buf: Buffer, start: number, end: number): number {
  for (let i = start; i + 2 < end; i++) {
    if (buf[i] === QUOTE && buf[i + 1] === SPACE && buf[i + 2] === QUOTE) return i;
  }
  return -1;
}

function isValue(buf: Buffer, [start, end]: readonly [number, number], place: number): boolean {
  if (isAbsent(buf, start, end)) return true;
  if (place === 1) return isWord(buf, start, end);
  if (place === 0 && end - start !== 3) return false;
  for (let i = start; i < end; i++) if (!isDigit(buf[i])) return false;
  return true;
}

/** An error code: letters, digits and dots. */
function isWord(buf: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const lower = buf[i] | 32;
    const isLetter = lower >= 97 && lower <= 122;
    if (!isLetter && !isDigit(buf[i]) && buf[i] !== 46 && buf[i] !== 95) return false;
  }
  return true;
}

function setUnlessAbsent(row: Row, column: number, start: number, end: number): void {
  const isQuotedAbsent = end - start === 3 && buf3IsQuotedDash(row.buf, start);
  if (!isAbsent(row.buf, start, end) && !isQuotedAbsent) row.set(column, start, end);
}

const buf3IsQuotedDash = (buf: Buffer, start: number): boolean =>
  buf[start] === QUOTE && buf[start + 1] === DASH && buf[start + 2] === QUOTE;
