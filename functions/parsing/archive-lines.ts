import { isUtf8 } from "node:buffer";
import { ByteWriter } from "./byte-writer";
import { QUOTE, ZERO } from "./bytes";
import { NGINX, type NginxColumn } from "./fields";
import type { Reason } from "./reasons";
import type { Row } from "./row";

/** Columns under the name that rules use. */
const NAMED: readonly (readonly [string, number])[] = [
  [',"method":', NGINX.request_method],
  [',"host":', NGINX.http_host],
  [',"path":', NGINX.path],
  [',"query":', NGINX.query],
  [',"referer":', NGINX.http_referer],
  [',"userAgent":', NGINX.http_user_agent],
  [',"peer":', NGINX.remote_addr],
  [',"forwardedFor":', NGINX.http_x_forwarded_for],
];

/** Columns that go under nginx's own name into `extra`, with the labels nobody knows. */
const EXTRA: readonly (readonly [string, number])[] = (
  [
    "remote_user",
    "uri",
    "server_protocol",
    "bytes_sent",
    "request_length",
    "http_x_forwarded_proto",
    "upstream_response_time",
    "upstream_cache_status",
  ] satisfies NginxColumn[]
).map((name) => [`"${name}":`, NGINX[name]]);

/**
 * Writes the archive: one JSON object a line, gathered until `take`. A request has the fields of
 * `Request` (its time as ISO 8601), `peer` and `forwardedFor`, and in `extra` whatever else the line
 * carried. A line that could not be parsed has `unparsed`, the reason, and `raw`, the line itself;
 * `rawBase64` instead where it is not valid UTF-8. A parsed line whose values are not valid UTF-8
 * keeps its `raw` beside them, so that nothing is lost.
 */
export class ArchiveLines {
  private readonly out = new ByteWriter();
  private second = NaN;
  private secondText = "";

  /** Adds a parsed line; `line` is what it was parsed from. */
  add(row: Row, line: Buffer): void {
    const { out } = this;
    out.isLossy = false;
    this.addTime(row.time);
    if (row.client !== undefined) {
      out.ascii(',"client":"');
      out.ascii(row.client.text);
      out.byte(QUOTE);
    }
    for (let i = 0; i < NAMED.length; i++) {
      const column = NAMED[i][1];
      if (!row.has(column)) continue;
      out.ascii(NAMED[i][0]);
      out.jsonText(row.buf, row.starts[column], row.ends[column]);
    }
    out.ascii(',"status":');
    out.integer(row.status);
    out.ascii(',"bytes":');
    out.integer(row.bytes);
    if (row.durationMs >= 0) {
      out.ascii(',"durationMs":');
      out.integer(row.durationMs);
    }
    this.addExtra(row);
    if (out.isLossy) this.addRaw(line);
    out.ascii("}\n");
  }

  /** Adds a line that could not be parsed. */
  addUnparsed(reason: Reason, line: Buffer): void {
    this.out.ascii(`{"unparsed":"${reason}"`);
    this.addRaw(line);
    this.out.ascii("}\n");
  }

  /** What was gathered, as base64 as Firehose wants it. */
  take(): string {
    const text = this.out.bytes().toString("base64");
    this.out.length = 0;
    return text;
  }

  private addExtra(row: Row): void {
    const { out } = this;
    let separator = ',"extra":{';
    for (let i = 0; i < EXTRA.length; i++) {
      const column = EXTRA[i][1];
      if (!row.has(column)) continue;
      out.ascii(separator);
      out.ascii(EXTRA[i][0]);
      out.jsonText(row.buf, row.starts[column], row.ends[column]);
      separator = ",";
    }
    for (let i = 0; i < row.extras.length; i += 4) {
      out.ascii(separator);
      out.jsonText(row.buf, row.extras[i], row.extras[i + 1]);
      out.ascii(":");
      out.jsonText(row.buf, row.extras[i + 2], row.extras[i + 3]);
      separator = ",";
    }
    if (separator === ",") out.ascii("}");
  }

  private addRaw(line: Buffer): void {
    if (isUtf8(line)) {
      this.out.ascii(',"raw":');
      this.out.jsonText(line, 0, line.length);
    } else {
      this.out.ascii(`,"rawBase64":"${line.toString("base64")}"`);
    }
  }

  /** Neighbouring lines mostly share their second. */
  private addTime(time: number): void {
    const second = Math.floor(time / 1000);
    if (second !== this.second) {
      this.second = second;
      this.secondText = `{"time":"${new Date(second * 1000).toISOString().slice(0, -4)}`;
    }
    const { out } = this;
    const ms = time - second * 1000;
    out.ascii(this.secondText);
    if (ms < 100) out.byte(ZERO);
    if (ms < 10) out.byte(ZERO);
    out.integer(ms);
    out.ascii('Z"');
  }
}
