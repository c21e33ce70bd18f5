/** Why a line could not be parsed: a closed set, so that dashboards, tests and people can list it. */
export const REASONS = {
  "unknown-format": "neither nginx (LTSV, JSON, combined, common) nor an S3 server access log line",
  "bad-json":
    "begins like JSON but is not one JSON object (in nginx: quote every variable, and set escape=json)",
  "no-address": "has no remote address field",
  "no-status": "has no HTTP status of three digits",
  "no-request": "has neither a request line nor a request_uri, uri or method",
  "bad-time": "has no time, or one in none of the known forms",
  "no-operation": "looks like an S3 line, but has no request ID and operation",
  "too-long": "is longer than 8 MiB",
} as const;

export type Reason = keyof typeof REASONS;
