import { COLON, find, isAbsent, readInteger, readSecondsAsMs, TAB } from "./bytes";
import { NGINX } from "./fields";
import type { LogTime } from "./log-time";
import type { Reason } from "./reasons";
import { setRequestLine, setTarget } from "./request-line";
import type { Row } from "./row";

/** Other names for the same column, as people and agents write them. */
const ALIASES: Readonly<Record<string, number>> = {
  time_local: NGINX.time,
  time_iso8601: NGINX.time,
  msec: NGINX.time,
  timestamp: NGINX.time,
  "@timestamp": NGINX.time,
  server_name: NGINX.http_host,
  vhost: NGINX.http_host,
  args: NGINX.query_string,
  method: NGINX.request_method,
};

const REQUEST_COLUMNS: ReadonlySet<number> = new Set([NGINX.request_uri, NGINX.request, NGINX.uri]);

const LABELS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(NGINX).filter(([name]) => name !== "path" && name !== "query"),
  ...Object.entries(ALIASES),
]);

/** The column that a label names, or undefined for one that nginx-logs do not know. */
export function columnOfLabel(label: string): number | undefined {
  return LABELS.get(label);
}

/**
 * Parses LTSV: fields separated by one tab, label and value by the first colon, in any order. A
 * field without a colon is skipped, unknown labels are kept, `-` means absent.
 *
 * @see http://ltsv.org
 */
export class LtsvParser {
  /** Labels come in the same order in every line: the bytes seen at each place, and their column. */
  private readonly seen: { label: Buffer; column: number }[] = [];

  private readonly time: LogTime;

  constructor(time: LogTime) {
    this.time = time;
  }

  /** Parses the line at `[start, end)` of the row's buffer into the row. */
  parse(row: Row, start: number, end: number): Reason | undefined {
    row.format = "ltsv";
    let place = 0;
    for (let at = start; at < end; place++) {
      const fieldEnd = find(row.buf, TAB, at, end);
      this.setField(row, place, [at, fieldEnd]);
      at = fieldEnd + 1;
    }
    return finishRequest(row, this.time);
  }

  private setField(row: Row, place: number, [start, end]: readonly [number, number]): void {
    const colon = find(row.buf, COLON, start, end);
    if (colon === end) return;
    const column = this.columnAt(place, row.buf, [start, colon]);
    if (column < 0) row.extras.push(start, colon, colon + 1, end);
    else setLabelled(row, column, [colon + 1, end]);
  }

  private columnAt(place: number, buf: Buffer, [start, end]: readonly [number, number]): number {
    const last = this.seen[place];
    if (last !== undefined && isSame(last.label, buf, [start, end])) return last.column;
    const label = buf.toString("latin1", start, end);
    const column = columnOfLabel(label) ?? -1;
    if (place < 64 && label.length < 64)
      this.seen[place] = { label: Buffer.from(label, "latin1"), column };
    return column;
  }
}

/** Stores a labelled value; an absent one still says that the log has such a column. */
export function setLabelled(
  row: Row,
  column: number,
  [start, end]: readonly [number, number],
): void {
  row.hasRequestColumn ||= REQUEST_COLUMNS.has(column);
  if (!isAbsent(row.buf, start, end)) row.set(column, start, end);
}

/**
 * Settles what LTSV and JSON share once their fields are in place: the numbers, the request's
 * parts, and whether it is an access record at all.
 */
export function finishRequest(row: Row, time: LogTime): Reason | undefined {
  const { buf, starts, ends } = row;
  if (!row.has(NGINX.remote_addr)) return "no-address";
  const status = NGINX.status;
  row.status = row.has(status) ? readInteger(buf, starts[status], ends[status]) : -1;
  if (row.status < 100 || row.status > 999) return "no-status";
  if (!settleTarget(row)) return "no-request";
  if (row.has(NGINX.time)) time.read(row, starts[NGINX.time], ends[NGINX.time]);
  if (Number.isNaN(row.time)) return "bad-time";
  const size = row.has(NGINX.body_bytes_sent) ? NGINX.body_bytes_sent : NGINX.bytes_sent;
  row.bytes = row.has(size) ? Math.max(0, readInteger(buf, starts[size], ends[size])) : 0;
  const duration = NGINX.request_time;
  row.durationMs = row.has(duration) ? readSecondsAsMs(buf, starts[duration], ends[duration]) : -1;
  return undefined;
}

/** `request_uri` before `request` before `uri`; an unreadable request has the column and no value. */
function settleTarget(row: Row): boolean {
  const { starts, ends } = row;
  if (row.has(NGINX.request_uri)) {
    setTarget(row, starts[NGINX.request_uri], ends[NGINX.request_uri]);
    return true;
  }
  if (row.has(NGINX.request)) {
    setRequestLine(row, starts[NGINX.request], ends[NGINX.request]);
    return true;
  }
  if (row.has(NGINX.uri)) {
    row.set(NGINX.path, starts[NGINX.uri], ends[NGINX.uri]);
    if (row.has(NGINX.query_string)) {
      row.set(NGINX.query, starts[NGINX.query_string], ends[NGINX.query_string]);
    }
    return true;
  }
  return row.hasRequestColumn;
}

function isSame(label: Buffer, buf: Buffer, [start, end]: readonly [number, number]): boolean {
  if (end - start !== label.length) return false;
  for (let i = 0; i < label.length; i++) if (buf[start + i] !== label[i]) return false;
  return true;
}
