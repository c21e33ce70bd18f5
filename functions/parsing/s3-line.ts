import {
  CLOSE_BRACKET,
  DASH,
  find,
  OPEN_BRACKET,
  QUOTE,
  readInteger,
  SPACE,
  startsWith,
} from "./bytes";
import { S3 } from "./fields";
import type { LogTime } from "./log-time";
import type { Reason } from "./reasons";
import type { Row } from "./row";
import { errorCodeEnd, isMissing, isRequestId, numberEnd, readOperationEnd } from "./s3-tokens";

const TIME_LENGTH = 26;
/** A canonical user id, which holds no space. */
const OWNER_LENGTH = 64;
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
const SIGNATURE = Buffer.from("SigV");
const AUTHENTICATIONS = ["AuthHeader", "QueryString"].map((text) => Buffer.from(text));

/**
 * Parses the text form of S3 server access logs, of every width. Quotes in Request-URI, Referer and
 * User-Agent are not escaped, so a caller can forge all columns to the right of them: the left part
 * (bucket, time, address, requester, operation, key) is read first and always counts, the right part
 * is kept only when it can be read in one way.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */
export class S3Parser {
  /** Where the first two words end, as `isLike` found them. */
  private ownerEnd = 0;
  private bucketEnd = 0;
  /** Start and end of the six values, as the last call of `readValues` that succeeded found them. */
  private values = new Int32Array(2 * VALUE_COLUMNS.length);
  private spare = new Int32Array(2 * VALUE_COLUMNS.length);
  private valuesEnd = 0;
  /** Where the quotes of a line's right part stand: the first `quoteCount`. */
  private quotes = new Int32Array(64);
  private quoteCount = 0;

  private readonly time: LogTime;

  constructor(time: LogTime) {
    this.time = time;
  }

  /** Whether a line has the shape of this format: two words, then a time in brackets. */
  isLike(buf: Buffer, start: number, end: number): boolean {
    const isUsual = buf[start + OWNER_LENGTH] === SPACE && start + OWNER_LENGTH < end;
    this.ownerEnd = isUsual ? start + OWNER_LENGTH : find(buf, SPACE, start, end);
    this.bucketEnd = find(buf, SPACE, this.ownerEnd + 1, end);
    const { bucketEnd } = this;
    const close = bucketEnd + 2 + TIME_LENGTH;
    return (
      close + 1 < end &&
      buf[bucketEnd + 1] === OPEN_BRACKET &&
      buf[close] === CLOSE_BRACKET &&
      buf[close + 1] === SPACE
    );
  }

  /** Parses the line at `[start, end)` of the row's buffer, which `isLike` has just accepted. */
  parse(row: Row, start: number, end: number): Reason | undefined {
    const { ownerEnd, bucketEnd } = this;
    const buf = row.buf;
    const timeEnd = bucketEnd + 2 + TIME_LENGTH;
    row.set(S3.bucket_owner, start, ownerEnd);
    row.set(S3.bucket, ownerEnd + 1, bucketEnd);
    row.set(S3.time, bucketEnd + 2, timeEnd);
    this.time.read(row, bucketEnd + 2, timeEnd);
    if (Number.isNaN(row.time)) return "bad-time";
    const addressEnd = find(buf, SPACE, timeEnd + 2, end);
    setUnlessMissing(row, S3.remote_ip, timeEnd + 2, addressEnd);

    const operationEnd = setRequesterAndOperation(row, addressEnd + 1, end);
    if (operationEnd < 0) return "no-operation";
    const keyEnd = find(buf, SPACE, operationEnd + 1, end);
    setUnlessMissing(row, S3.key, operationEnd + 1, Math.min(keyEnd, end));
    if (keyEnd + 1 >= end) row.partial = true;
    else this.setRightPart(row, keyEnd + 1, end);
    return undefined;
  }

  private setRightPart(row: Row, start: number, end: number): void {
    this.findQuotes(row.buf, start, end);
    const uriEnd = this.findUriEnd(row, start, end);
    if (uriEnd < 0) {
      keepDoubtful(row, start, end);
      return;
    }
    const isQuoted = row.buf[start] === QUOTE;
    if (isQuoted) setUnlessMissing(row, S3.request_uri, start + 1, uriEnd);
    const { values } = this;
    for (let i = 0; i < VALUE_COLUMNS.length; i++)
      setUnlessMissing(row, VALUE_COLUMNS[i], values[2 * i], values[2 * i + 1]);
    setAccessNumbers(row);
    if (this.valuesEnd + 1 < end) this.setRefererAndTail(row, this.valuesEnd + 1, end);
    else row.partial = true;
  }

  private findQuotes(buf: Buffer, start: number, end: number): void {
    let count = 0;
    // The search cannot run past a quote at `start`.
    const last = buf[start] === QUOTE ? buf.lastIndexOf(QUOTE, end - 1) : end - 1;
    for (let at = start; at <= last; at++) {
      if (buf[at] !== QUOTE) continue;
      if (count === this.quotes.length) this.quotes = doubled(this.quotes);
      this.quotes[count++] = at;
    }
    this.quoteCount = count;
  }

  /** The end of Request-URI, or -1 when none or more than one place can be it. */
  private findUriEnd(row: Row, start: number, end: number): number {
    const buf = row.buf;
    if (buf[start] === DASH && buf[start + 1] === SPACE) {
      return this.readValues(buf, start + 2, end) ? start + 1 : -1;
    }
    if (buf[start] !== QUOTE) return -1;
    let found = -1;
    for (let i = 1; i < this.quoteCount; i++) {
      const quote = this.quotes[i];
      if (buf[quote + 1] !== SPACE || !this.readValues(buf, quote + 2, end)) continue;
      if (found >= 0) return -1;
      found = quote;
    }
    return found;
  }

  /** Reads status, error code and four numbers, each of which may be `-`; false when they do not stand there. */
  private readValues(buf: Buffer, start: number, end: number): boolean {
    const { spare } = this;
    let at = start;
    for (let i = 0; i < VALUE_COLUMNS.length; i++) {
      const valueEnd = readValue(buf, at, Math.min(end, at + MAX_VALUE_LENGTH), i);
      if (valueEnd === at || (valueEnd < end && buf[valueEnd] !== SPACE)) return false;
      if (i === 0 && valueEnd - at !== 3 && buf[at] !== DASH) return false;
      spare[2 * i] = at;
      spare[2 * i + 1] = valueEnd;
      at = valueEnd + 1;
    }
    this.spare = this.values;
    this.values = spare;
    this.valuesEnd = at - 1;
    return true;
  }

  /** Referer, User-Agent and the unquoted columns behind them. */
  private setRefererAndTail(row: Row, start: number, end: number): void {
    const buf = row.buf;
    if (buf[start] === DASH && buf[start + 1] === SPACE) {
      this.setAgentAndTail(row, start + 2, end);
      return;
    }
    const tail = this.lastQuoteBeforeTail(buf, start, end) + 1;
    if (buf[start] !== QUOTE || tail <= start + 1) {
      keepDoubtful(row, start, end);
      return;
    }
    const separator = this.findSeparator(buf, start + 1, tail);
    if (separator < 0) {
      setUnlessMissing(row, S3.referer, start + 1, tail - 1);
      this.setAgentAndTail(row, tail + 1, end);
    } else if (this.findSeparator(buf, separator + 1, tail) >= 0) {
      keepDoubtful(row, start, tail);
      row.setTail(S3.version_id, tail + 1, end);
    } else {
      setUnlessMissing(row, S3.referer, start + 1, separator);
      setUnlessMissing(row, S3.user_agent, separator + 3, tail - 1);
      row.setTail(S3.version_id, tail + 1, end);
    }
  }

  /** The position of `" "` in `[start, end)`, or -1. */
  private findSeparator(buf: Buffer, start: number, end: number): number {
    for (let i = 0; i < this.quoteCount; i++) {
      const at = this.quotes[i];
      const isInside = at >= start && at < end - 2;
      if (isInside && buf[at + 1] === SPACE && buf[at + 2] === QUOTE) return at;
    }
    return -1;
  }

  /** The last quote that leaves a plausible tail behind it, or -1. */
  private lastQuoteBeforeTail(buf: Buffer, start: number, end: number): number {
    const tried = Math.max(0, this.quoteCount - MAX_LAST_QUOTES);
    for (let i = this.quoteCount - 1; i >= tried && this.quotes[i] > start; i--)
      if (isPlausibleTail(buf, this.quotes[i] + 1, end)) return this.quotes[i];
    return -1;
  }

  /** A User-Agent, bare `-` or quoted, whose Referer is already read. */
  private setAgentAndTail(row: Row, start: number, end: number): void {
    const buf = row.buf;
    if (buf[start] === DASH && (buf[start + 1] === SPACE || start + 1 === end)) {
      row.setTail(S3.version_id, start + 2, end);
      return;
    }
    const tail = this.lastQuoteBeforeTail(buf, start, end) + 1;
    if (buf[start] !== QUOTE || tail <= start + 1) {
      keepDoubtful(row, start, end);
      return;
    }
    setUnlessMissing(row, S3.user_agent, start + 1, tail - 1);
    row.setTail(S3.version_id, tail + 1, end);
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
    const wordEnd = nextSpace(buf, at, end);
    if (idStart > start && isRequestId(buf, idStart, idEnd)) {
      const operationEnd = readOperationEnd(buf, at, wordEnd);
      if (operationEnd >= 0) {
        setUnlessMissing(row, S3.requester, start, idStart - 1);
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

/** A space, then words without quotes; the third and fifth of them are known ones, if there. */
function isPlausibleTail(buf: Buffer, start: number, end: number): boolean {
  if (start === end) return true;
  if (buf[start] !== SPACE) return false;
  // With a bare `-` for User-Agent every word stands one place further to the right.
  const second = nextWord(buf, start + 1, end);
  return isTailFrom(buf, start + 1, end) || isTailFrom(buf, second, end);
}

/** Whether the words from a version id on name a signature and an authentication, or end before them. */
function isTailFrom(buf: Buffer, versionAt: number, end: number): boolean {
  const signatureAt = nextWord(buf, nextWord(buf, versionAt, end), end);
  if (signatureAt >= end) return true;
  const authenticationAt = nextWord(buf, nextWord(buf, signatureAt, end), end);
  const isSignature = buf[signatureAt] === DASH || startsWith(buf, signatureAt, end, SIGNATURE);
  if (!isSignature || authenticationAt >= end) return isSignature;
  return (
    buf[authenticationAt] === DASH ||
    AUTHENTICATIONS.some((text) => startsWith(buf, authenticationAt, end, text))
  );
}

/**
 * The next space, or `end`. The native search runs past the end of the line at most to the first
 * space of the next one, and is faster on the long words of this format.
 */
function nextSpace(buf: Buffer, at: number, end: number): number {
  const space = buf.indexOf(SPACE, at);
  return space < 0 || space > end ? end : space;
}

const nextWord = (buf: Buffer, at: number, end: number): number =>
  at >= end ? end : nextSpace(buf, at, end) + 1;

/** The end of a dash, a number or, in the second place, an error code. */
function readValue(buf: Buffer, start: number, end: number, place: number): number {
  if (start < end && buf[start] === DASH) return start + 1;
  return place === 1 ? errorCodeEnd(buf, start, end) : numberEnd(buf, start, end);
}

function doubled(places: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(places.length * 2);
  more.set(places);
  return more;
}

function setUnlessMissing(row: Row, column: number, start: number, end: number): void {
  if (!isMissing(row.buf, start, end)) row.set(column, start, end);
}
