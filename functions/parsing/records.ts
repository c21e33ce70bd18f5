import { NGINX, S3 } from "./fields";
import type { Row } from "./row";
import { decodeKey } from "./s3-key";

/** One request that nginx answered. Absent texts are empty. */
export interface Request {
  /** When the line was written, so the end of the request: epoch milliseconds. */
  readonly time: number;
  /** The resolved client, canonical; undefined when the log names no address. */
  readonly client: string | undefined;
  readonly method: string;
  readonly host?: string;
  /** As sent, not decoded, without the query. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  readonly status: number;
  /** Bytes of the body sent. */
  readonly bytes: number;
  readonly durationMs?: number;
  readonly referer: string;
  readonly userAgent: string;
}

/** One access to an S3 bucket. Absent texts are empty; every column stands in `columns` as logged. */
export interface Access {
  readonly time: number;
  /** Undefined for work that S3 does itself. */
  readonly client: string | undefined;
  readonly bucket: string;
  /** Empty when anonymous. */
  readonly requester: string;
  readonly operation: string;
  /** Decoded; the raw key is `columns.key`. */
  readonly key: string;
  /** 0 when the log has none. */
  readonly status: number;
  readonly errorCode: string;
  readonly bytes: number;
  readonly objectBytes: number;
  readonly totalMs?: number;
  readonly userAgent: string;
  /** The part right of the key can be read in more than one way, or is cut short. */
  readonly partial: boolean;
  readonly columns: Readonly<Record<string, string>>;
}

/** The request in a row, with the client that was resolved for it. */
export function toRequest(row: Row, client: string | undefined): Request {
  const host = row.text(NGINX.http_host);
  return {
    time: row.time,
    client,
    method: row.textOrEmpty(NGINX.request_method),
    ...(host === undefined ? {} : { host }),
    path: row.textOrEmpty(NGINX.path),
    query: row.textOrEmpty(NGINX.query),
    status: row.status,
    bytes: row.bytes,
    ...(row.durationMs < 0 ? {} : { durationMs: row.durationMs }),
    referer: row.textOrEmpty(NGINX.http_referer),
    userAgent: row.textOrEmpty(NGINX.http_user_agent),
  };
}

/** The access in a row. */
export function toAccess(row: Row, client: string | undefined): Access {
  const operation = row.textOrEmpty(S3.operation);
  const rawKey = row.textOrEmpty(S3.key);
  return {
    time: row.time,
    client,
    bucket: row.textOrEmpty(S3.bucket),
    requester: row.textOrEmpty(S3.requester),
    operation,
    key: row.format === "s3" ? decodeKey(rawKey, operation) : rawKey,
    status: row.status,
    errorCode: row.textOrEmpty(S3.error_code),
    bytes: row.bytes,
    objectBytes: row.objectBytes,
    ...(row.durationMs < 0 ? {} : { totalMs: row.durationMs }),
    userAgent: row.textOrEmpty(S3.user_agent),
    partial: row.partial,
    columns: row.columns(),
  };
}
