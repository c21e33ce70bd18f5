import assert from "node:assert/strict";
import { DEFAULT_PREFIXES } from "../../../functions/parsing/address";
import { ClientDirectory } from "../../../functions/parsing/client-directory";
import { LineParser } from "../../../functions/parsing/line-parser";
import { AccessPacker, type PackedAccesses } from "../../../functions/parsing/pack-accesses";
import { toAccess, type Access } from "../../../functions/parsing/records";

const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const NOW = Date.UTC(2026, 10, 22, 3);

/** A line of 27 columns; what is given stands in place of the ordinary. */
const line = (key = "a.txt", uri = '"GET /photos/a.txt HTTP/1.1"', agent = '"curl/8.5"'): string =>
  `${OWNER} photos [22/Nov/2026:01:45:34 +0000] 192.0.2.3 ${OWNER} 3E57427F3EXAMPLE REST.GET.OBJECT ${key} ${uri} 200 - 2662 3462 70 10 "-" ${agent} - hostid= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader photos.s3.eu-west-1.amazonaws.com TLSv1.3 - - eu-west-1`;

function pack(
  text: string | Buffer,
  pieceBytes = 1 << 20,
): { packer: AccessPacker; packed: PackedAccesses[] } {
  const packer = new AccessPacker("logs/2026-11-22-03-00-00-ABC", NOW);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes)
    packer.push(bytes.subarray(at, at + pieceBytes));
  packer.end();
  return { packer, packed: packer.take() };
}

const linesOf = (packed: readonly PackedAccesses[]): string[] =>
  packed.flatMap(({ data }) => data.toString().split("\n").slice(0, -1));

/** What counting sees of a line. */
function accessOf(text: string): Omit<Access, "columns"> {
  const parser = new LineParser("s3");
  assert.equal(parser.parseText(text), undefined);
  const directory = new ClientDirectory({ trust: [], prefixes: DEFAULT_PREFIXES });
  directory.resolve(parser.row);
  const { columns, ...access } = toAccess(parser.row, parser.row.client?.text);
  assert.ok(columns);
  return access;
}

describe("AccessPacker", () => {
  it("writes S3's own JSON form, with the record's id", () => {
    const { packed } = pack(`${line("a%2520b.txt")}\n`);
    assert.deepEqual(
      linesOf(packed).map((one) => JSON.parse(one) as unknown),
      [
        {
          batch: "qCPES5L1L74zlV5_.0",
          line: 0,
          request_time: "2026-11-22T01:45:34.000Z",
          bucket_owner_id: OWNER,
          bucket_name: "photos",
          remote_ip: "192.0.2.3",
          requester: OWNER,
          request_id: "3E57427F3EXAMPLE",
          operation: "REST.GET.OBJECT",
          request_uri: "GET /photos/a.txt HTTP/1.1",
          http_status: 200,
          bytes_sent_size: 2662,
          object_size: 3462,
          total_duration: 70,
          turn_around_duration: 10,
          user_agent: "curl/8.5",
          host_id: "hostid=",
          signature_version: "SigV4",
          cipher_suite: "TLS_AES_128_GCM_SHA256",
          authentication_type: "AuthHeader",
          host_header: "photos.s3.eu-west-1.amazonaws.com",
          tls_version: "TLSv1.3",
          source_region: "eu-west-1",
          key_name: "a b.txt",
          key_raw: "a%2520b.txt",
        },
      ],
    );
  });

  for (const [what, text] of [
    ["an ordinary line", line()],
    ["quotes in the request", line("x", '"GET /photos/?x="y"&z HTTP/1.1"')],
    ["quotes around the user agent", line("x", '"GET /photos/x HTTP/1.1"', '""name""')],
    ["a key with emoji, quotes and a newline", line("%25F0%259F%2598%2580%2522%250A")],
    ["a line that is cut short", line().split(" ").slice(0, 12).join(" ")],
    ["a column that nobody knows yet", `${line()} new-column`],
    ["an access to a bucket", line("-", '"GET /photos HTTP/1.1"')],
    ["a number that begins with a zero", line().replace("2662", "0262")],
    [
      "S3's own JSON form, and a column and a number that nobody knows",
      '{"request_time":"2026-11-22T01:45:34.000Z","bucket_name":"photos","operation":"REST.GET.OBJECT","key_name":"a%20b","http_status":200,"bytes_sent_size":9.5,"future":"x"}',
    ],
    [
      "lifecycle work",
      `${OWNER} photos [22/Nov/2026:01:45:34 +0000] - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT a+b "-" - - - 3462 - - "-" "-" - hostid= - - - - -`,
    ],
  ] as const) {
    it(`says the same to counting as the line itself: ${what}`, () => {
      const [written] = linesOf(pack(text).packed);
      assert.deepEqual(accessOf(written), accessOf(text));
    });
  }

  it("gives the same records wherever the pieces of the object end", () => {
    const text = Array.from({ length: 50 }, (_, i) => line(`key-${i}`)).join("\r\n");
    const whole = linesOf(pack(text).packed);
    assert.equal(whole.length, 50);
    for (const pieceBytes of [1, 7, 500, 4096])
      assert.deepEqual(linesOf(pack(text, pieceBytes).packed), whole);
  });

  it("packs many accesses into a record, none larger than Firehose takes", () => {
    const { packed } = pack(Array.from({ length: 3000 }, (_, i) => line(`key-${i}`)).join("\n"));
    assert.equal(
      packed.reduce((sum, { accesses }) => sum + accesses, 0),
      3000,
    );
    assert.ok(packed.length > 1 && packed.length < 10);
    assert.ok(packed.every(({ data }) => data.length <= 1_000 * 1024));
    const ids = packed.map(({ data }) => /"batch":"([^"]+)"/.exec(data.toString())?.[1]);
    assert.equal(new Set(ids).size, packed.length);
  });

  it("keeps what it cannot parse for the quarantine, with reason and object", () => {
    const { packer, packed } = pack(
      Buffer.from(`${line()}\ngarbage\n\xff\xfe\n${line()}`, "latin1"),
    );
    assert.equal(linesOf(packed).length, 2);
    assert.deepEqual(packer.unparsed, { "unknown-format": 2 });
    assert.deepEqual(
      packer
        .takeRefused()
        .toString()
        .split("\n")
        .slice(0, -1)
        .map((one) => JSON.parse(one) as unknown),
      [
        { unparsed: "unknown-format", object: "logs/2026-11-22-03-00-00-ABC", raw: "garbage" },
        { unparsed: "unknown-format", object: "logs/2026-11-22-03-00-00-ABC", rawBase64: "//4=" },
      ],
    );
  });

  it("puts lines of a megabyte and of twenty into the quarantine, and goes on behind them", () => {
    const long = line("x".repeat(1_000_000));
    const { packer, packed } = pack(`${line()}\n${long}\n${"y".repeat(20_000_000)}\n${line()}\n`);
    assert.equal(linesOf(packed).length, 2);
    assert.deepEqual(packer.unparsed, { "too-long": 2 });
  });

  it("makes nothing of an empty object", () => {
    const { packer, packed } = pack("");
    assert.deepEqual([packed, packer.lines], [[], 0]);
  });
});
