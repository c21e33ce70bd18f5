import { TODAY, type TableSettings } from "./athena";

/**
 * Archived accesses of S3, in the JSON form of 2026. Logs come an hour or more late, so the
 * partitions are those of the delivery.
 */
export const ACCESSES_TABLE: TableSettings = {
  name: "accesses",
  columns: [
    ["request_time", "string"],
    ["bucket_owner_id", "string"],
    ["bucket_name", "string"],
    ["remote_ip", "string"],
    ["requester", "string"],
    ["request_id", "string"],
    ["operation", "string"],
    ["key_name", "string"],
    ["key_raw", "string"],
    ["request_uri", "string"],
    ["http_status", "int"],
    ["error_code", "string"],
    ["bytes_sent_size", "bigint"],
    ["object_size", "bigint"],
    ["total_duration", "bigint"],
    ["turn_around_duration", "bigint"],
    ["referer", "string"],
    ["user_agent", "string"],
    ["version_id", "string"],
    ["host_id", "string"],
    ["signature_version", "string"],
    ["cipher_suite", "string"],
    ["authentication_type", "string"],
    ["host_header", "string"],
    ["tls_version", "string"],
    ["access_point_arn", "string"],
    ["acl_required", "string"],
    ["source_region", "string"],
    ["partial", "boolean"],
    ["batch", "string"],
    ["line", "int"],
  ],
  queries: {
    "one-address": [
      "What one address did today; put it in place of 192.0.2.1",
      `SELECT request_time, bucket_name, requester, operation, key_name, http_status, bytes_sent_size, user_agent
FROM accesses WHERE ${TODAY} AND remote_ip = '192.0.2.1' ORDER BY request_time LIMIT 1000`,
    ],
    "one-key": [
      "Who read one key today; put bucket and key in place",
      `SELECT request_time, remote_ip, requester, operation, http_status, user_agent
FROM accesses WHERE ${TODAY} AND bucket_name = 'photos' AND key_name = 'a.txt' ORDER BY request_time LIMIT 1000`,
    ],
    deletes: [
      "What was deleted today, and by whom",
      `SELECT request_time, bucket_name, key_name, requester, remote_ip, operation
FROM accesses WHERE ${TODAY} AND operation LIKE '%DELETE%' ORDER BY request_time LIMIT 1000`,
    ],
    "anonymous-reads": [
      "What was read today without credentials",
      `SELECT bucket_name, key_name, count(*) AS reads, count(DISTINCT remote_ip) AS addresses
FROM accesses WHERE ${TODAY} AND requester IS NULL AND operation LIKE 'REST.GET.%' AND http_status = 200
GROUP BY bucket_name, key_name ORDER BY reads DESC LIMIT 100`,
    ],
    "without-tls": [
      "Who came today without TLS, or with an old version",
      `SELECT bucket_name, remote_ip, requester, tls_version, count(*) AS requests
FROM accesses WHERE ${TODAY} AND remote_ip IS NOT NULL AND (tls_version IS NULL OR lower(tls_version) IN ('tlsv1', 'tlsv1.1'))
GROUP BY bucket_name, remote_ip, requester, tls_version ORDER BY requests DESC LIMIT 100`,
    ],
  },
};
