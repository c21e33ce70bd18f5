// Writes S3 server access logs in the text form: applications that read and write, people, a scraper.
//
//   node bench/generate-s3-log.mjs LINES FILE
import { createWriteStream } from "node:fs";
import { once } from "node:events";

const [lines, file] = [Number(process.argv[2] ?? 500_000), process.argv[3] ?? "s3.log"];
let seed = 11;
const below = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
};
const two = (n) => String(n).padStart(2, "0");
const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const HOST_ID = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=";
const AGENTS = [
  "aws-sdk-js/3.1141.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#22.23.3 api/s3#3.1141.0",
  "Boto3/1.40 Botocore/1.40 Python/3.13",
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "curl/8.14.1",
];
const OPERATIONS = [
  "REST.GET.OBJECT",
  "REST.GET.OBJECT",
  "REST.GET.OBJECT",
  "REST.HEAD.OBJECT",
  "REST.PUT.OBJECT",
  "REST.GET.BUCKET",
];
const ID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const out = createWriteStream(file);
let block = "";
const start = Date.UTC(2026, 10, 20);
for (let i = 0; i < lines; i++) {
  const d = new Date(start + i * 50 + below(3000));
  const time = `${two(d.getUTCDate())}/Nov/2026:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`;
  const isScraper = i % 40 === 0;
  const client = isScraper
    ? "198.51.100.23"
    : below(8) === 0
      ? `2001:db8:0:${below(200).toString(16)}::1`
      : `192.0.2.${below(250)}`;
  const operation = OPERATIONS[below(OPERATIONS.length)];
  const key = `photos%252F2026%252F${below(40_000)}.jpg`;
  const status =
    below(50) === 0 ? "403 AccessDenied 243 -" : `200 - ${below(900_000)} ${below(900_000)}`;
  let id = "";
  for (let n = 0; n < 16; n++) id += ID[below(32)];
  block += `${OWNER} example-media-${below(3)} [${time}] ${client} ${isScraper ? "-" : `arn:aws:sts::123456789012:assumed-role/shop-app/i-0123456789abcdef${below(9)}`} ${id} ${operation} ${key} "${operation.split(".")[1]} /photos/2026/x.jpg HTTP/1.1" ${status} ${below(200)} ${below(90)} "-" "${AGENTS[below(AGENTS.length)]}" - ${HOST_ID} SigV4 TLS_AES_128_GCM_SHA256 AuthHeader example-media.s3.eu-west-1.amazonaws.com TLSv1.3 - - eu-west-1\n`;
  if (block.length > 1 << 20) {
    if (!out.write(block)) await once(out, "drain");
    block = "";
  }
}
out.end(block);
