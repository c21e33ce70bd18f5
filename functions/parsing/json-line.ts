import { S3 } from "./fields";
import type { LogTime } from "./log-time";
import { columnOfLabel, finishRequest, setLabelled } from "./ltsv";
import type { Reason } from "./reasons";
import type { Row } from "./row";

/** Where agents put the line itself, in the order in which they are tried. */
const WRAPPERS = ["log", "message"] as const;

/** JSON names of the 2026 delivery, for the columns of the text form. */
export const S3_JSON: Readonly<Record<string, number>> = {
  bucket_owner_id: S3.bucket_owner,
  bucket_name: S3.bucket,
  request_time: S3.time,
  remote_ip: S3.remote_ip,
  requester: S3.requester,
  request_id: S3.request_id,
  operation: S3.operation,
  key_name: S3.key,
  request_uri: S3.request_uri,
  http_status: S3.http_status,
  error_code: S3.error_code,
  bytes_sent_size: S3.bytes_sent,
  object_size: S3.object_size,
  total_duration: S3.total_time,
  turn_around_duration: S3.turn_around_time,
  referer: S3.referer,
  user_agent: S3.user_agent,
  version_id: S3.version_id,
  host_id: S3.host_id,
  signature_version: S3.signature_version,
  cipher_suite: S3.cipher_suite,
  authentication_type: S3.authentication_type,
  host_header: S3.host_header,
  tls_version: S3.tls_version,
  access_point_arn: S3.access_point_arn,
  acl_required: S3.acl_required,
  source_region: S3.source_region,
};

export type JsonObject = Readonly<Record<string, unknown>>;

/** nginx's own escapes of the bytes that are no plain text, which are none of JSON's. */
const NGINX_ESCAPES = /(?:\\x[0-9A-Fa-f]{2})+/g;

/**
 * The object that a text beginning with a brace holds, or undefined. A log format without
 * `escape=json` is JSON only as long as nobody sends a quote, a backslash or bytes beyond ASCII: those
 * who do so must not stay unseen.
 */
export function readJsonObject(text: string): JsonObject | undefined {
  return parseJson(text) ?? parseJson(text.replace(NGINX_ESCAPES, toJsonEscapes));
}

function parseJson(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}

function toJsonEscapes(escapes: string): string {
  const text = Buffer.from(escapes.replaceAll("\\x", ""), "hex").toString();
  return JSON.stringify(text).slice(1, -1);
}

/** The log line that an agent wrapped as `{"log": "…"}` or `{"message": "…"}`, or undefined. */
export function unwrap(object: JsonObject): string | undefined {
  if ("remote_addr" in object) return undefined;
  for (const name of WRAPPERS) {
    const line = object[name];
    if (typeof line === "string") return line.replace(/[\r\n]+$/, "");
  }
  return undefined;
}

export const isS3Json = (object: JsonObject): boolean =>
  "bucket_name" in object && "operation" in object;

/** Fills a row from nginx's JSON (`escape=json`): the LTSV labels as names, texts or numbers as values. */
export function setNginxJson(row: Row, object: JsonObject, time: LogTime): Reason | undefined {
  row.format = "json";
  const write = new ScratchWriter(row, object);
  for (const [name, value] of Object.entries(object)) {
    const text = asText(value);
    if (text === undefined) continue;
    const column = columnOfLabel(name);
    if (column === undefined) write.extra(name, text);
    else setLabelled(row, column, write.span(text));
  }
  return finishRequest(row, time);
}

/** Fills a row's columns from an S3 record of the 2026 JSON form; `null` means absent. */
export function setS3JsonColumns(row: Row, object: JsonObject): void {
  const write = new ScratchWriter(row, object);
  row.partial = object["partial"] === true;
  for (const [name, value] of Object.entries(object)) {
    const text = value === true ? "Yes" : value === false ? undefined : asText(value);
    if (text === undefined) continue;
    const column = S3_JSON[name];
    if (column === undefined) write.extra(name, text);
    else row.set(column, ...write.span(text));
  }
}

/** Writes texts one behind the other into a buffer of the row's own. */
class ScratchWriter {
  private readonly row: Row;
  private at = 0;

  constructor(row: Row, object: JsonObject) {
    this.row = row;
    let size = 0;
    for (const [name, value] of Object.entries(object)) {
      size += Buffer.byteLength(name) + Buffer.byteLength(asText(value) ?? "");
    }
    row.setBuffer(Buffer.allocUnsafe(size));
  }

  span(text: string): [number, number] {
    const start = this.at;
    this.at += this.row.buf.write(text, start);
    return [start, this.at];
  }

  extra(name: string, text: string): void {
    this.row.extras.push(...this.span(name), ...this.span(text));
  }
}

function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
