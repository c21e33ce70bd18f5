import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_PREFIXES } from "../../../functions/parsing/address";
import { ClientDirectory } from "../../../functions/parsing/client-directory";
import { LineParser } from "../../../functions/parsing/line-parser";
import { PackedReader, PackedRequests } from "../../../functions/parsing/packed-requests";
import { toRequest, type Request } from "../../../functions/parsing/records";

const LINES = [
  '192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "GET /a?b=c HTTP/1.1" 200 3 "-" "curl/8.5"',
  '192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "GET /a? HTTP/1.1" 200 3 "" ""',
  '192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "\\x16\\x03\\x01" 400 150 "-" "-"',
  '192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "GET http://example.com/x y HTTP/1.1" 400 150 "-" "tab\\x09new\\x0Aline\\x5C\\x01"',
  "msec:1795311934.123\tremote_addr:10.0.0.1\thttp_x_forwarded_for:198.51.100.7, 10.0.0.2\trequest_method:POST\turi:/index.html\tquery_string:q=1\tstatus:302\trequest_time:1.250",
  "time:1999-01-01T00:00:00Z\tremote_addr:2001:db8::1\trequest_method:-\trequest_uri:-\tstatus:400",
  '{"time_iso8601":"2026-11-22T01:45:34+01:00","remote_addr":"unix:","request_uri":"/\\u0001\\t","status":"200","http_user_agent":"ü"}',
];

/** What counting sees of a line, straight from the log and after its way through the stream. */
function bothWays(line: string): [Request, Request] | undefined {
  const settings = { trust: ["10.0.0.0/8"], prefixes: DEFAULT_PREFIXES };
  const parser = new LineParser("nginx");
  if (parser.parseText(line) !== undefined) return undefined;
  const packed = new PackedRequests();
  packed.add(parser.row);
  const reader = new PackedReader();
  assert.ok(reader.load(packed.take("id")));
  assert.ok(reader.next());
  const directory = new ClientDirectory(settings);
  directory.resolve(parser.row);
  directory.resolve(reader.row);
  return [
    toRequest(parser.row, parser.row.client?.text),
    toRequest(reader.row, reader.row.client?.text),
  ];
}

describe("PackedRequests", () => {
  for (const line of LINES) {
    it(`brings through whole: ${line.slice(0, 90)}`, () => {
      const both = bothWays(line);
      assert.ok(both);
      assert.deepEqual(both[1], both[0]);
    });
  }

  it("brings any text through whole", () => {
    const value = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(value, value, value, (path, referer, userAgent) => {
        const line = JSON.stringify({
          time: "2026-11-22T01:45:34Z",
          remote_addr: "192.0.2.1",
          status: 200,
          request_uri: `/${path}`,
          http_referer: referer,
          http_user_agent: userAgent,
        });
        const both = bothWays(line);
        assert.ok(both);
        assert.deepEqual(both[1], both[0]);
      }),
    );
  });
});

describe("PackedReader", () => {
  for (const text of [
    "",
    "\n",
    "no header",
    "floodgate-requests-2 id\nx",
    "floodgate-requests-1 \n",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(new PackedReader().load(Buffer.from(text)), false);
    });
  }
});
