import { BACKSLASH, find, NEWLINE, readInteger, TAB } from "./bytes";
import { ByteWriter } from "./byte-writer";
import { unescapeInto } from "./escapes";
import { NGINX } from "./fields";
import { setTarget } from "./request-line";
import { Row } from "./row";

/**
 * What goes through the requests stream: many requests in one record. The first line says which
 * form it is and gives the record's id. Each further line is a request: the numbers, then the texts
 * below, separated by tabs; control characters and backslashes in them are `\xHH`, so that one
 * control character can say that a text is absent.
 */
const FORM = "floodgate-requests-1";
const ABSENT = 1;

/** The texts of a line: the chain of addresses, from which counting finds the client again, first. */
const COLUMNS: readonly number[] = [
  NGINX.remote_addr,
  NGINX.http_x_forwarded_for,
  NGINX.request_method,
  NGINX.http_host,
  NGINX.http_referer,
  NGINX.http_user_agent,
  // The whole target; path and query only of a log that has no more.
  NGINX.request_uri,
  NGINX.path,
  NGINX.query,
];

/** Requests for one record, gathered until `take`. */
export class PackedRequests {
  count = 0;
  private readonly out = new ByteWriter();

  /** Bytes so far. */
  get size(): number {
    return this.out.length;
  }

  /** Adds the request in a row. */
  add(row: Row): void {
    const { out } = this;
    out.integer(Math.max(0, row.time));
    out.byte(TAB);
    out.integer(row.status);
    out.byte(TAB);
    out.integer(row.bytes);
    out.byte(TAB);
    if (row.durationMs >= 0) out.integer(row.durationMs);
    const texts = row.has(NGINX.request_uri) ? COLUMNS.length - 2 : COLUMNS.length;
    for (let i = 0; i < texts; i++) {
      const column = COLUMNS[i];
      out.byte(TAB);
      if (row.has(column)) out.field(row.buf, row.starts[column], row.ends[column]);
      else out.byte(ABSENT);
    }
    out.byte(NEWLINE);
    this.count++;
  }

  /** The record's data under the given id. */
  take(id: string): Buffer {
    const data = Buffer.concat([Buffer.from(`${FORM} ${id}\n`), this.out.bytes()]);
    this.out.length = 0;
    this.count = 0;
    return data;
  }
}

/** Reads packed requests into a row, one after the other. */
export class PackedReader {
  /** What the next request is read into; replace it to keep the last one. */
  row = new Row();
  /** The record's id. */
  id = "";
  private data: Buffer = Buffer.alloc(0);
  private at = 0;
  private hasEscapes = false;

  /** Begins with a record's data; false when it is no packed record. */
  load(data: Buffer): boolean {
    const end = data.indexOf(NEWLINE);
    const [form, id, ...more] = data.toString("latin1", 0, Math.min(200, end)).split(" ");
    if (form !== FORM || id === undefined || id === "" || more.length > 0) return false;
    this.id = id;
    this.data = data;
    this.at = end + 1;
    this.hasEscapes = data.includes("\\");
    return true;
  }

  /** Reads the next request; false at the end. */
  next(): boolean {
    const { data, row } = this;
    const start = this.at;
    if (start >= data.length) return false;
    const end = find(data, NEWLINE, start, data.length);
    this.at = end + 1;
    row.reset(data, "request", "ltsv");
    let at = start;
    row.time = this.number(at, (at = find(data, TAB, at, end)));
    row.status = this.number(at + 1, (at = find(data, TAB, at + 1, end)));
    row.bytes = this.number(at + 1, (at = find(data, TAB, at + 1, end)));
    row.durationMs = this.number(at + 1, (at = find(data, TAB, at + 1, end)));
    for (let i = 0; i < COLUMNS.length && at < end; i++) {
      const from = at + 1;
      at = find(data, TAB, from, end);
      if (at - from !== 1 || data[from] !== ABSENT) row.set(COLUMNS[i], from, at);
    }
    if (this.hasEscapes && find(data, BACKSLASH, start, end) < end) this.unescape();
    if (row.has(NGINX.request_uri)) {
      setTarget(row, row.starts[NGINX.request_uri], row.ends[NGINX.request_uri]);
    }
    return true;
  }

  /** -1 for what is no number. */
  private number(start: number, end: number): number {
    return readInteger(this.data, start, end);
  }

  private unescape(): void {
    const { row } = this;
    const { buf } = row;
    const spans = COLUMNS.filter((column) => row.has(column));
    const size = spans.reduce((sum, column) => sum + row.ends[column] - row.starts[column], 0);
    const copy = Buffer.allocUnsafe(size);
    let at = 0;
    for (const column of spans) {
      const start = at;
      at = unescapeInto(copy, at, [buf, row.starts[column], row.ends[column]]);
      row.set(column, start, at);
    }
    row.setBuffer(copy);
  }
}
