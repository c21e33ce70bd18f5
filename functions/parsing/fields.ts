/**
 * The columns that a log line can carry, by the name that nginx or AWS gives them.
 * A row stores each as a span of bytes under the index given here.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */

/** nginx variables (the LTSV labels), then the pieces of `request` that rules speak of. */
export const NGINX = {
  remote_addr: 0,
  remote_user: 1,
  time: 2,
  request: 3,
  request_method: 4,
  request_uri: 5,
  uri: 6,
  query_string: 7,
  server_protocol: 8,
  status: 9,
  body_bytes_sent: 10,
  bytes_sent: 11,
  request_length: 12,
  http_referer: 13,
  http_user_agent: 14,
  http_x_forwarded_for: 15,
  http_x_forwarded_proto: 16,
  http_host: 17,
  request_time: 18,
  upstream_response_time: 19,
  upstream_cache_status: 20,
  path: 21,
  query: 22,
} as const;

/** The 27 columns of an S3 server access log line, left to right. */
export const S3 = {
  bucket_owner: 0,
  bucket: 1,
  time: 2,
  remote_ip: 3,
  requester: 4,
  request_id: 5,
  operation: 6,
  key: 7,
  request_uri: 8,
  http_status: 9,
  error_code: 10,
  bytes_sent: 11,
  object_size: 12,
  total_time: 13,
  turn_around_time: 14,
  referer: 15,
  user_agent: 16,
  version_id: 17,
  host_id: 18,
  signature_version: 19,
  cipher_suite: 20,
  authentication_type: 21,
  host_header: 22,
  tls_version: 23,
  access_point_arn: 24,
  acl_required: 25,
  source_region: 26,
} as const;

export const COLUMN_COUNT = 27;

export type NginxColumn = keyof typeof NGINX;
export type S3Column = keyof typeof S3;

/** Columns that the log itself holds; `path` and `query` are cut out of `request_uri`. */
export const NGINX_COLUMNS = Object.keys(NGINX).filter(
  (name) => name !== "path" && name !== "query",
) as readonly NginxColumn[];
export const S3_COLUMNS = Object.keys(S3) as readonly S3Column[];
