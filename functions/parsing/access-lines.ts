import { isUtf8 } from "node:buffer";
import { ByteWriter } from "./byte-writer";
import { COLON, COMMA, isDigit, QUOTE, ZERO } from "./bytes";
import { S3_JSON } from "./json-line";
import type { Reason } from "./reasons";
import { decodeKey } from "./s3-key";
import { S3 } from "./fields";
import type { Row } from "./row";

/** Columns that the JSON form has as numbers. */
const NUMBERS: ReadonlySet<number> = new Set([
  S3.http_status,
  S3.bytes_sent,
  S3.object_size,
  S3.total_time,
  S3.turn_around_time,
]);
const NAMED = Object.entries(S3_JSON)
  .filter(([, column]) => column !== S3.time && column !== S3.key)
  .map(([name, column]) => ({ label: `,"${name}":`, column, isNumber: NUMBERS.has(column) }));

/**
 * Writes accesses as S3's own JSON form of 2026, one object a line, so that both forms of these logs
 * look the same in the archive. `batch` and `line` say which packed record the line came in, and
 * where; the key is decoded, with `key_raw` beside it where that changed it; `partial` marks a line whose right part
 * can be read in more than one way. Columns that nobody knows yet are `column28` and so on.
 */
export class AccessLines {
  private readonly out = new ByteWriter();

  /** Bytes so far. */
  get size(): number {
    return this.out.length;
  }

  /** @param line counts the lines of the packed record, from 0. */
  add(row: Row, batch: string, line: number): void {
    const { out } = this;
    row.settle();
    out.ascii('{"batch":"');
    out.ascii(batch);
    out.ascii('","line":');
    out.integer(line);
    out.ascii(',"request_time":"');
    out.ascii(new Date(row.time).toISOString());
    out.byte(QUOTE);
    for (let i = 0; i < NAMED.length; i++) {
      const { label, column, isNumber } = NAMED[i];
      if (!row.has(column)) continue;
      const [start, end] = [row.starts[column], row.ends[column]];
      out.ascii(label);
      if (isNumber && isInteger(row.buf, start, end)) out.raw(row.buf, start, end);
      else out.jsonText(row.buf, start, end);
    }
    this.addKey(row);
    for (let i = 0; i < row.extras.length; i += 4) this.addExtra(row, i);
    if (row.partial) out.ascii(',"partial":true');
    out.ascii("}\n");
  }

  take(): Buffer {
    const bytes = Buffer.from(this.out.bytes());
    this.out.length = 0;
    return bytes;
  }

  private addKey(row: Row): void {
    const raw = row.text(S3.key);
    if (raw === undefined) return;
    const key = row.format === "s3" ? decodeKey(raw, row.textOrEmpty(S3.operation)) : raw;
    this.out.ascii(',"key_name":');
    this.out.jsonString(key);
    if (key === raw) return;
    this.out.ascii(',"key_raw":');
    this.out.jsonString(raw);
  }

  private addExtra({ buf, extras }: Row, i: number): void {
    const name = buf.toString("utf8", extras[i], extras[i + 1]);
    this.out.byte(COMMA);
    this.out.jsonString(name === "" ? `column${28 + i / 4}` : name);
    this.out.byte(COLON);
    this.out.jsonText(buf, extras[i + 2], extras[i + 3]);
  }
}

/** A line that could not be parsed, as a JSON line for the quarantine. */
export function quarantined(object: string, reason: Reason, line: Buffer): Buffer {
  const raw = isUtf8(line) ? { raw: line.toString() } : { rawBase64: line.toString("base64") };
  return Buffer.from(`${JSON.stringify({ unparsed: reason, object, ...raw })}\n`);
}

/** A number as JSON knows it: digits without a leading zero. */
function isInteger(buf: Buffer, start: number, end: number): boolean {
  if (end - start > 1 && buf[start] === ZERO) return false;
  for (let i = start; i < end; i++) if (!isDigit(buf[i])) return false;
  return end > start;
}
