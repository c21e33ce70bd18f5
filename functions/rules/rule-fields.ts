import { NGINX, S3 } from "../parsing/fields";
import type { Row } from "../parsing/row";
import type { Log } from "./rule";

/** How a rule's field is found in a row. */
export type RuleField =
  | { readonly kind: "client" }
  | { readonly kind: "number"; readonly read: (row: Row) => number }
  | {
      readonly kind: "text";
      readonly column: number;
      readonly ignoreCase: boolean;
      /** Few distinct values make most lines. */
      readonly repeats: boolean;
    }
  | {
      readonly kind: "derived";
      readonly from: "url" | "decodedUrl" | "key";
      readonly ignoreCase: boolean;
    };

/** A text that is compared as it is, and one in which ASCII case does not matter. */
const text = (column: number): RuleField => ({
  kind: "text",
  column,
  ignoreCase: false,
  repeats: true,
});
const anyCase = (column: number): RuleField => ({
  kind: "text",
  column,
  ignoreCase: true,
  repeats: true,
});
const variedText = (column: number): RuleField => ({
  kind: "text",
  column,
  ignoreCase: false,
  repeats: false,
});
const client: RuleField = { kind: "client" };
const status: RuleField = { kind: "number", read: (row) => row.status };
const bytes: RuleField = { kind: "number", read: (row) => row.bytes };

/** Fields of a request. `-1` stands for a duration that the log does not hold. */
const REQUEST_FIELDS: Readonly<Record<string, RuleField>> = {
  client,
  method: anyCase(NGINX.request_method),
  host: anyCase(NGINX.http_host),
  path: variedText(NGINX.path),
  query: variedText(NGINX.query),
  url: { kind: "derived", from: "url", ignoreCase: false },
  decodedUrl: { kind: "derived", from: "decodedUrl", ignoreCase: true },
  status,
  bytes,
  durationMs: { kind: "number", read: (row) => row.durationMs },
  referer: anyCase(NGINX.http_referer),
  userAgent: anyCase(NGINX.http_user_agent),
};

const ACCESS_FIELDS: Readonly<Record<string, RuleField>> = {
  client,
  bucket: text(S3.bucket),
  requester: text(S3.requester),
  operation: text(S3.operation),
  key: { kind: "derived", from: "key", ignoreCase: false },
  status,
  errorCode: text(S3.error_code),
  bytes,
  objectBytes: { kind: "number", read: (row) => row.objectBytes },
  totalMs: { kind: "number", read: (row) => row.durationMs },
  referer: anyCase(S3.referer),
  userAgent: anyCase(S3.user_agent),
  hostHeader: anyCase(S3.host_header),
  signatureVersion: text(S3.signature_version),
  authenticationType: text(S3.authentication_type),
  tlsVersion: anyCase(S3.tls_version),
  accessPointArn: text(S3.access_point_arn),
  aclRequired: text(S3.acl_required),
  sourceRegion: text(S3.source_region),
};

export const RULE_FIELDS: Readonly<Record<Log, Readonly<Record<string, RuleField>>>> = {
  nginx: REQUEST_FIELDS,
  s3: ACCESS_FIELDS,
};

/** The names of a log's fields whose values can make a key: all but the measured numbers. */
export function keyFieldsOf(log: Log): string[] {
  return fieldNames(log, (field) => field.kind !== "number");
}

export function numberFieldsOf(log: Log): string[] {
  return fieldNames(log, (field) => field.kind === "number");
}

function fieldNames(log: Log, wanted: (field: RuleField) => boolean): string[] {
  return Object.entries(RULE_FIELDS[log])
    .filter(([, field]) => wanted(field))
    .map(([name]) => name);
}
