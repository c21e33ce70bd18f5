// Makes the S3 samples, by the format that AWS documents: several widths, both forms, log objects
// that come late and out of order. The same numbers give the same files.
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

let seed = 7;
const below = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n) => String(n).padStart(2, "0");
const requestId = () =>
  Array.from({ length: 16 }, () => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[below(32)]).join("");
const clock = (ms) => {
  const d = new Date(ms);
  return `${two(d.getUTCDate())}/${MONTHS[d.getUTCMonth()]}/${d.getUTCFullYear()}:${d.toISOString().slice(11, 19)} +0000`;
};
const APP = "arn:aws:sts::123456789012:assumed-role/shop-app/i-0123456789abcdef0";

function text({
  time,
  client,
  requester = "-",
  operation = "REST.GET.OBJECT",
  key,
  status = 200,
  error = "-",
  bytes = 5000,
  agent = "aws-sdk-js/3.1141.0",
  width = 27,
}) {
  const encoded = encodeURIComponent(encodeURIComponent(key));
  const method = operation.split(".")[1] ?? "GET";
  const columns = [
    OWNER,
    "example-media",
    `[${clock(time)}]`,
    client,
    requester,
    requestId(),
    operation,
    encoded,
    `"${method} /${encodeURIComponent(key)} HTTP/1.1"`,
    status,
    error,
    bytes,
    bytes === "-" ? "-" : bytes,
    20 + below(60),
    10 + below(9),
    '"-"',
    `"${agent}"`,
    "-",
    "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=",
    requester === "-" ? "-" : "SigV4",
    "TLS_AES_128_GCM_SHA256",
    requester === "-" ? "-" : "AuthHeader",
    "example-media.s3.eu-west-1.amazonaws.com",
    "TLSv1.3",
    "-",
    "-",
    client.startsWith("10.") ? "eu-west-1" : "-",
  ];
  return columns.slice(0, width).join(" ");
}

function json({ time, client, key, status = 200, bytes = 5000 }) {
  return JSON.stringify({
    schema_version_id: "V_1_0",
    bucket_arn: "arn:aws:s3:::example-media",
    bucket_name: "example-media",
    bucket_owner_id: OWNER,
    request_time: new Date(time).toISOString(),
    remote_ip: client,
    requester: null,
    request_id: requestId(),
    operation: "REST.GET.OBJECT",
    key_name: key,
    request_uri: `GET /${key} HTTP/1.1`,
    http_status: status,
    error_code: null,
    bytes_sent_size: bytes,
    object_size: bytes,
    total_duration: 30,
    turn_around_duration: 12,
    referer: null,
    user_agent: "curl/8.14.1",
    version_id: null,
    host_id: "x",
    signature_version: null,
    cipher_suite: "TLS_AES_128_GCM_SHA256",
    authentication_type: null,
    host_header: "example-media.s3.amazonaws.com",
    tls_version: "TLSv1.3",
    access_point_arn: null,
    acl_required: false,
    source_region: null,
  });
}

const start = Date.UTC(2026, 10, 22, 3);
const minute = 60_000;
const accesses = [];
for (let m = 0; m < 120; m++) {
  for (let n = 0; n < 12; n++) {
    const width = [18, 24, 25, 26, 27][below(5)];
    accesses.push({
      time: start + m * minute + below(60) * 1000,
      client: `192.0.2.${20 + below(30)}`,
      requester: APP,
      key: `photos/2026/${below(900)}.jpg`,
      width,
    });
  }
  accesses.push({
    time: start + m * minute,
    client: "203.0.113.40",
    key: "catalog.json",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  });
}
// A scraper: 400 objects a minute for six minutes; then it doubles.
for (let m = 30; m < 36; m++)
  for (let n = 0; n < (m < 34 ? 400 : 900); n++)
    accesses.push({
      time: start + m * minute + below(60) * 1000,
      client: "198.51.100.23",
      key: `photos/2026/${n}.jpg`,
      agent: "python-requests/2.32",
    });
// Someone who guesses names.
for (let n = 0; n < 90; n++)
  accesses.push({
    time: start + 70 * minute + n * 600,
    client: "198.51.100.77",
    key: `backup/db-${n}.sql`,
    status: n % 3 ? 403 : 404,
    error: n % 3 ? "AccessDenied" : "NoSuchKey",
    bytes: 243,
    agent: 'Mozilla/5.0 "probe"',
  });
// A download of gigabytes, by IPv6.
for (let n = 0; n < 8; n++)
  accesses.push({
    time: start + 95 * minute + n * 4000,
    client: "2001:db8:5::9",
    key: `video/full-${n}.mp4`,
    bytes: 262_144_000,
  });

const special = [
  `${OWNER} example-media [${clock(start)}] - AmazonS3 ${requestId()} S3.EXPIRE.OBJECT old+photos/2019.jpg "-" - - - 5000 - - "-" "-" - - - - - - - - -`,
  `${OWNER} example-media [${clock(start + 1000)}] - AmazonS3 0a1b2c3d-0000-4000-8000-123456789abc S3.COMPUTE.OBJECT.CHECKSUM photos%252F1.jpg "-" - - - 5000 - - "-" "-" - - - - - - - - -`,
  `${OWNER} example-media [${clock(start + 2000)}] 192.0.2.20 arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE ${requestId()} REST.GET.OBJECT index.html "GET /index.html HTTP/1.1" 200 - 300 300 9 8 "-" "Amazon CloudFront" - x SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader example-media.s3.amazonaws.com TLSv1.2 - -`,
  `${OWNER} example-media [${clock(start + 3000)}] 198.51.100.9 - ${requestId()} REST.GET.OBJECT a%2522b "GET /a"b?x="y" HTTP/1.1" 404 NoSuchKey 300 - 9 - "http://x/"q"" ""odd" agent" - x - - - example-media.s3.amazonaws.com - - -`,
  `${OWNER} example-media [${clock(start + 4000)}] 198.51.100.9 - ${requestId()} REST.GET.OBJECT k "GET /k" 200 - 1 1 1 1 "-" "forged" HTTP/1.1" 404 NoSuchKey 5 - 3 - "-" "ua" - h - - - example-media.s3.amazonaws.com - - -`,
  "a line that is no access log line",
];

const folder = new URL("./logs/s3/", import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
// Delivered an hour or more late, one hour's events spread over several objects.
const objects = new Map();
const put = (name, line) => objects.set(name, [...(objects.get(name) ?? []), line]);
for (const access of accesses) {
  const lag = (60 + below(3) * 25) * minute;
  const name = new Date(Math.floor((access.time + lag) / (30 * minute)) * 30 * minute)
    .toISOString()
    .slice(0, 19)
    .replace(/[T:]/g, "-");
  put(`${name}-0000000000000001`, text(access));
}
for (const line of special) put("2026-11-22-06-00-00-00000000000000AA", line);
for (let n = 0; n < 200; n++)
  put(
    "2026-11-22-08-00-00-0000000000JSON00",
    json({ time: start + n * 30_000, client: "203.0.113.90", key: `feeds/${n % 9}.xml` }),
  );
for (const [name, lines] of objects)
  writeFileSync(`${folder}${name}.gz`, gzipSync(`${lines.join("\n")}\n`, { level: 9 }));
