import {
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DOT,
  EQUALS,
  find,
  hexDigit,
  isAbsent,
  OPEN_BRACKET,
  QUOTE,
  readSecondsAsMs,
  SPACE,
} from "./bytes";
import { NGINX } from "./fields";
import type { Quotes } from "./quotes";
import type { Row } from "./row";

interface Column {
  readonly start: number;
  readonly end: number;
  /** A quoted one without its closing quote is cut. */
  readonly form: "quoted" | "cut" | "bare";
}

/**
 * Sets the columns at `[start, end)` that people append to the combined format, told apart by what
 * they hold: the first time is `$request_time`, the next one or a list of them
 * `$upstream_response_time` (`0.004, 0.012`), and see `findForwardedFor`. `name=value` keeps its name,
 * the rest is kept without one.
 */
export function setTail(row: Row, start: number, end: number, quotes: Quotes): void {
  const { buf, extras } = row;
  const columns = cut(row, start, end, quotes);
  const forwardedFor = findForwardedFor(buf, columns);
  for (const column of columns) {
    if (column === forwardedFor) {
      row.set(NGINX.http_x_forwarded_for, column.start, column.end);
    } else if (!setTime(row, column.start, column.end)) {
      const equals = find(buf, EQUALS, column.start, column.end);
      if (equals < column.end) extras.push(column.start, equals, equals + 1, column.end);
      else extras.push(column.start, column.start, column.start, column.end);
    }
  }
}

/** The columns that are not absent. */
function cut(row: Row, start: number, end: number, quotes: Quotes): Column[] {
  const buf = row.buf;
  const columns: Column[] = [];
  for (let at = start; at < end; at++) {
    if (buf[at] === SPACE) continue;
    const isQuoted = buf[at] === QUOTE;
    const from = isQuoted ? at + 1 : at;
    const closing = isQuoted ? quotes.closing(buf, from, end) : listEnd(buf, at, end);
    const to = closing < 0 ? end : closing;
    const form = closing < 0 ? "cut" : isQuoted ? "quoted" : "bare";
    row.partial ||= form === "cut";
    if (!isAbsent(buf, from, to)) columns.push({ start: from, end: to, form });
    at = to;
  }
  return columns;
}

/**
 * Whatever a client sent in the header, it ends in the address that a proxy has put there. Quoted, it
 * is the first such text; cut short, it may end in an address that the client sent. Unquoted, what
 * the client sent may look like columns of its own: then it is the last text of all, and only numbers
 * and `name=value` follow.
 */
function findForwardedFor(buf: Buffer, columns: readonly Column[]): Column | undefined {
  const endsWell = ({ start, end }: Column): boolean => endsInAddress(buf, start, end);
  const isText = ({ start, end }: Column): boolean =>
    !isNumberList(buf, start, end) && find(buf, EQUALS, start, end) === end;
  const quoted = columns.find((column) => column.form === "quoted" && endsWell(column));
  if (quoted !== undefined) return quoted;
  const last = columns.findLast(
    (column) => column.form === "bare" && (endsWell(column) || isText(column)),
  );
  return last !== undefined && endsWell(last) ? last : undefined;
}

function setTime(row: Row, start: number, end: number): boolean {
  const buf = row.buf;
  // nginx writes every time with a fraction: a whole number is a length, a status or a port.
  if (find(buf, DOT, start, end) === end || !isNumberList(buf, start, end)) return false;
  const ms = readSecondsAsMs(buf, start, end);
  if (ms >= 0 && !row.has(NGINX.request_time)) {
    row.set(NGINX.request_time, start, end);
    row.durationMs = ms;
    return true;
  }
  if (row.has(NGINX.upstream_response_time)) return false;
  row.set(NGINX.upstream_response_time, start, end);
  return true;
}

/** Numbers or `-` between `, ` and ` : `. */
function isNumberList(buf: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (isSeparator(buf[at]) || buf[at] === COLON) continue;
    const from = at;
    while (at < end && !isSeparator(buf[at])) at++;
    if (readSecondsAsMs(buf, from, at) < 0 && !isAbsent(buf, from, at)) return false;
  }
  return true;
}

/** An unquoted value: to the next space, but a list goes on behind `, ` and ` : `. */
function listEnd(buf: Buffer, start: number, end: number): number {
  let at = find(buf, SPACE, start, end);
  while (at < end && (buf[at - 1] === COMMA || buf[at - 1] === COLON || buf[at + 1] === COLON)) {
    at = find(buf, SPACE, at + 1, end);
  }
  return at;
}

/** Whether the last of the hops in a header may be an address, with or without a port. */
function endsInAddress(buf: Buffer, start: number, end: number): boolean {
  let last = end - 1;
  while (last >= start && isSeparator(buf[last])) last--;
  let dots = 0;
  let colons = 0;
  for (let i = last; i >= start && !isSeparator(buf[i]); i--) {
    const byte = buf[i];
    if (byte === DOT) dots++;
    else if (byte === COLON) colons++;
    else if (hexDigit(byte) < 0 && !isBracket(byte)) return false;
  }
  return dots === 3 || colons > 1;
}

/** As nginx's realip module has it. */
const isSeparator = (byte: number): boolean => byte === COMMA || byte === SPACE;

const isBracket = (byte: number): boolean => byte === OPEN_BRACKET || byte === CLOSE_BRACKET;
