import assert from "node:assert/strict";
import fc from "fast-check";
import { LineParser } from "../../../functions/parsing/line-parser";
import { toRequest } from "../../../functions/parsing/records";
import { REASONS, type Reason } from "../../../functions/parsing/reasons";
import { s3LineOf } from "../../support/s3-lines";

const TIME = Date.UTC(2026, 10, 22, 1, 45, 34);
const AT = "[22/Nov/2026:01:45:34 +0000]";

interface Case {
  readonly name: string;
  readonly line: string;
  readonly format: string;
  readonly columns: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  {
    name: "combined with a user and a query",
    line: `192.0.2.4 - alice ${AT} "GET /x?q=1 HTTP/1.1" 200 3 "-" "curl/8.5"`,
    format: "combined",
    columns: {
      remote_addr: "192.0.2.4",
      remote_user: "alice",
      request_uri: "/x?q=1",
      status: "200",
      http_user_agent: "curl/8.5",
    },
  },
  {
    name: "combined with a user that holds spaces and a bracket",
    line: `192.0.2.4 - a b [c ${AT} "GET /x HTTP/1.1" 200 3 "-" "-"`,
    format: "combined",
    columns: { remote_user: "a b [c", request_uri: "/x" },
  },
  {
    name: "combined with an ident",
    line: `192.0.2.4 ident alice ${AT} "GET /x HTTP/1.1" 200 3 "-" "-"`,
    format: "combined",
    columns: { remote_addr: "192.0.2.4", remote_user: "alice" },
  },
  {
    name: "combined without a user agent, and a time in its place",
    line: `192.0.2.4 - - ${AT} "GET /x HTTP/1.1" 200 3 "https://example.com/" 0.250`,
    format: "combined",
    columns: { http_referer: "https://example.com/", request_time: "0.250" },
  },
  {
    name: "JSON with null for what the request had not",
    line: '{"time":"2026-11-22T01:45:34Z","remote_addr":"192.0.2.4","request_uri":"/","status":200,"http_referer":null}',
    format: "json",
    columns: { remote_addr: "192.0.2.4", status: "200" },
  },
  {
    name: "common",
    line: `192.0.2.4 - - ${AT} "GET /old" 200 3`,
    format: "common",
    columns: { request_uri: "/old", status: "200" },
  },
  {
    name: "a byte order mark and a Windows line end",
    line: `\uFEFF192.0.2.4 - - ${AT} "GET /old" 200 3\r`,
    format: "common",
    columns: { remote_addr: "192.0.2.4", body_bytes_sent: "3" },
  },
  {
    name: "a referer that an agent cut short",
    line: `192.0.2.4 - - ${AT} "GET /old HTTP/1.1" 200 3 "https://www.exam`,
    format: "combined",
    columns: { status: "200", http_referer: "https://www.exam" },
  },
  {
    name: "a user agent that an agent cut short",
    line: `192.0.2.4 - - ${AT} "GET /old HTTP/1.1" 200 3 "-" "Mozilla/5.0 (X`,
    format: "combined",
    columns: { http_user_agent: "Mozilla/5.0 (X" },
  },
  {
    name: "a protocol without a minor version",
    line: `192.0.2.4 - - ${AT} "GET /old?a HTTP/2" 200 3 "-" "x"`,
    format: "combined",
    columns: { request_uri: "/old?a", server_protocol: "HTTP/2" },
  },
  {
    name: "a target with a space and a quote",
    line: `192.0.2.4 - - ${AT} "GET /a b?x=\\"y HTTP/1.1" 400 3 "-" "x"`,
    format: "combined",
    columns: { request_uri: '/a b?x="y', server_protocol: "HTTP/1.1" },
  },
  {
    name: "a column behind that nothing is known of",
    line: `192.0.2.4 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" "203.0.113.7" "something else"`,
    format: "combined",
    columns: { http_x_forwarded_for: "203.0.113.7", column28: "something else" },
  },
  {
    name: "a virtual host in front",
    line: `shop.example.com:443 192.0.2.4 - - ${AT} "GET / HTTP/2.0" 200 3 "-" "x"`,
    format: "combined",
    columns: {
      http_host: "shop.example.com:443",
      remote_addr: "192.0.2.4",
      server_protocol: "HTTP/2.0",
    },
  },
  {
    name: "what syslog puts in front",
    line: `<190>Nov 22 01:45:34 10.0.0.5 nginx: 192.0.2.4 - alice ${AT} "GET / HTTP/1.1" 200 3 "-" "x"`,
    format: "combined",
    columns: {
      column28: "<190>Nov 22 01:45:34 10.0.0.5 nginx:",
      remote_addr: "192.0.2.4",
      remote_user: "alice",
    },
  },
  {
    name: "what syslog puts in front, as RFC 5424 has it",
    line: `<190>1 2026-11-22T01:45:34Z web1 nginx - - - 192.0.2.4 - 203.0.113.9 - ${AT} "GET / HTTP/1.1" 200 3 "-" "x"`,
    format: "combined",
    columns: {
      column28: "<190>1 2026-11-22T01:45:34Z web1 nginx - - -",
      remote_addr: "192.0.2.4",
      remote_user: "203.0.113.9 -",
    },
  },
  {
    name: "what a container's runtime puts in front",
    line: `2026-11-22T01:45:34.123456789Z stdout F 2001:db8::4 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x"`,
    format: "combined",
    columns: { column28: "2026-11-22T01:45:34.123456789Z stdout F", remote_addr: "2001:db8::4" },
  },
  {
    name: "what docker compose puts in front",
    line: `web_1  | 192.0.2.4 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x"`,
    format: "combined",
    columns: { column28: "web_1  |", remote_addr: "192.0.2.4" },
  },
  {
    name: "a user name like an address and a dash, which is no prefix's end",
    line: `crawl.example.com - 203.0.113.9 - x ${AT} "GET / HTTP/1.1" 200 3 "-" "x"`,
    format: "combined",
    columns: { remote_addr: "crawl.example.com", remote_user: "203.0.113.9 - x" },
  },
  {
    name: "the same behind a virtual host",
    line: `www.example.com crawl.example.com - 203.0.113.9 - x ${AT} "GET / HTTP/1.1" 200 3 "-" "x"`,
    format: "combined",
    columns: { remote_addr: "www.example.com" },
  },
  {
    name: "X-Forwarded-For and times behind",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" "198.51.100.7, 10.0.0.1" 0.012 0.004, 0.005`,
    format: "combined",
    columns: {
      http_x_forwarded_for: "198.51.100.7, 10.0.0.1",
      request_time: "0.012",
      upstream_response_time: "0.004, 0.005",
    },
  },
  {
    name: "times before X-Forwarded-For, quoted",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" "0.012" "0.004 : 0.005" "198.51.100.7"`,
    format: "combined",
    columns: {
      http_x_forwarded_for: "198.51.100.7",
      request_time: "0.012",
      upstream_response_time: "0.004 : 0.005",
    },
  },
  {
    name: "what Kubernetes' ingress controller writes behind",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" 345 0.012 [shop-web-80] [] 10.0.0.3:8080, 10.0.0.4:8080 0, 10 0.002, 0.010 502, 200 8d3f`,
    format: "combined",
    columns: {
      column28: "345",
      column29: "[shop-web-80]",
      column30: "[]",
      column31: "10.0.0.3:8080, 10.0.0.4:8080",
      column32: "0, 10",
      column33: "502, 200",
      column34: "8d3f",
      request_time: "0.012",
      upstream_response_time: "0.002, 0.010",
    },
  },
  {
    name: "X-Forwarded-For behind another quoted column",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" "shop.example.com" "198.51.100.7"`,
    format: "combined",
    columns: { column28: "shop.example.com", http_x_forwarded_for: "198.51.100.7" },
  },
  {
    name: "X-Forwarded-For unquoted, among times and names",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" 0.012 198.51.100.7, 10.0.0.1 0.010 pool=blue`,
    format: "combined",
    columns: {
      http_x_forwarded_for: "198.51.100.7, 10.0.0.1",
      request_time: "0.012",
      upstream_response_time: "0.010",
      pool: "blue",
    },
  },
  {
    name: "X-Forwarded-For that an agent cut short, perhaps behind a client's own address",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" "192.0.2.99`,
    format: "combined",
    columns: { column28: "192.0.2.99" },
  },
  {
    name: "a third time, whatever it is of",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" 0.012 0.004 0.001`,
    format: "combined",
    columns: { request_time: "0.012", upstream_response_time: "0.004", column28: "0.001" },
  },
  {
    name: "named columns behind are kept",
    line: `10.0.0.1 - - ${AT} "GET / HTTP/1.1" 200 3 "-" "x" pool=blue`,
    format: "combined",
    columns: { pool: "blue" },
  },
  {
    name: "a TLS handshake on a plain port",
    line: `192.0.2.4 - - ${AT} "\\x16\\x03\\x01" 400 150 "-" "-"`,
    format: "combined",
    columns: { request: "\u0016\u0003\u0001", status: "400" },
  },
  {
    name: "nginx's and Apache's escapes",
    line: `192.0.2.4 - - ${AT} "GET /\\xC3\\xA9 HTTP/1.1" 200 3 "-" "say \\x22hi\\x22 and \\"ho\\" \\x5Cx22"`,
    format: "combined",
    columns: { request_uri: "/é", http_user_agent: 'say "hi" and "ho" \\x22' },
  },
  {
    name: "an absolute URI whole",
    line: `192.0.2.4 - - ${AT} "GET http://example.com/x HTTP/1.1" 200 3 "-" "-"`,
    format: "combined",
    columns: { request_uri: "http://example.com/x" },
  },
  {
    name: "LTSV in any order with an unknown label",
    line: "status:404\ttime:2026-11-22T01:45:34+00:00\tfoo:a:b\tnocolon\trequest_uri:/a?b=c\tremote_addr:192.0.2.7",
    format: "ltsv",
    columns: { remote_addr: "192.0.2.7", request_uri: "/a?b=c", status: "404", foo: "a:b" },
  },
  {
    name: "LTSV of an unreadable request",
    line: "msec:1795311934.000\tremote_addr:192.0.2.7\trequest_method:-\trequest_uri:-\turi:-\tstatus:400",
    format: "ltsv",
    columns: { remote_addr: "192.0.2.7", status: "400" },
  },
  {
    name: "LTSV as Fluent Bit's log_key leaves it",
    line: "time:2026-11-22T01:45:34+00:00\\tremote_addr:192.0.2.7\\trequest_uri:/a\\tstatus:200\\thttp_user_agent:say \\\\x22hi\\\\x22",
    format: "ltsv",
    columns: { request_uri: "/a", http_user_agent: 'say "hi"' },
  },
  {
    name: "combined as Fluent Bit's log_key leaves it",
    line: `192.0.2.4 - - ${AT} \\"GET /x HTTP/1.1\\" 200 3 \\"-\\" \\"curl\\"`,
    format: "combined",
    columns: { request_uri: "/x", http_user_agent: "curl" },
  },
  {
    name: "JSON with numbers and an object",
    line: '{"time":"2026-11-22T01:45:34Z","remote_addr":"192.0.2.7","request_uri":"/é","status":200,"body_bytes_sent":12,"host":"log-box","k":{"a":1},"http_referer":""}',
    format: "json",
    columns: {
      request_uri: "/é",
      status: "200",
      body_bytes_sent: "12",
      host: "log-box",
      k: '{"a":1}',
    },
  },
  {
    name: "JSON without escape=json",
    line: '{"time":"2026-11-22T01:45:34Z","remote_addr":"192.0.2.7","request_uri":"/\\xC3\\xA9","status":200,"http_user_agent":"say \\x22hi\\x22 \\x5Cx41","http_referer":"-"}',
    format: "json",
    columns: { request_uri: "/é", http_user_agent: 'say "hi" \\x41' },
  },
  {
    name: "a line wrapped by an agent",
    line: JSON.stringify({
      log: `192.0.2.4 - - ${AT} "GET /x HTTP/1.1" 200 3 "-" "a\\x22b"\n`,
      stream: "stdout",
    }),
    format: "combined",
    columns: { request_uri: "/x", http_user_agent: 'a"b' },
  },
  {
    name: "JSON wrapped in JSON",
    line: JSON.stringify({
      message: JSON.stringify({
        msec: 1795311934,
        remote_addr: "192.0.2.7",
        request: "GET /y HTTP/1.1",
        status: "200",
      }),
    }),
    format: "json",
    columns: { request_uri: "/y", request_method: "GET" },
  },
];

describe("LineParser on nginx lines", () => {
  for (const { name, line, format, columns } of CASES) {
    it(`reads ${name}`, () => {
      const parser = new LineParser();

      const reason = parser.parseText(line);

      assert.equal(reason, undefined);
      assert.equal(parser.row.format, format);
      const found = parser.row.columns();
      for (const [column, value] of Object.entries(columns))
        assert.equal(found[column], value, column);
      assert.equal(parser.row.time, TIME);
    });
  }

  it("makes a request of a row", () => {
    const parser = new LineParser();
    parser.parseText(
      `192.0.2.4 - - ${AT} "POST /x?q=1 HTTP/1.1" 201 30 "https://example.com/" "ua" 0.250`,
    );

    assert.deepEqual(toRequest(parser.row, "192.0.2.4"), {
      time: TIME,
      client: "192.0.2.4",
      method: "POST",
      path: "/x",
      query: "q=1",
      status: 201,
      bytes: 30,
      durationMs: 250,
      referer: "https://example.com/",
      userAgent: "ua",
    });
  });

  const BAD: readonly (readonly [string, Reason])[] = [
    ["garbage", "unknown-format"],
    ["{bad", "bad-json"],
    ["[1]", "unknown-format"],
    ['{"log":3}', "no-address"],
    [`192.0.2.4 - - ${AT} "GET /x HTTP/1.1" abc 3`, "no-status"],
    [`192.0.2.4 - - ${AT} "GET /x HTTP/1.1`, "no-request"],
    ['192.0.2.4 - - [22/Foo/2026:01:45:34 +0000] "GET /x HTTP/1.1" 200 3', "bad-time"],
    ['192.0.2.4 - - [31/Feb/2026:01:45:34 +0000] "GET /x HTTP/1.1" 200 3', "bad-time"],
    ["time:x\tremote_addr:192.0.2.1\trequest_uri:/\tstatus:200", "bad-time"],
    ["remote_addr:192.0.2.1\trequest_uri:/\tstatus:200", "bad-time"],
    ["msec:1795311934\trequest_uri:/\tstatus:200", "no-address"],
    ["msec:1795311934\tremote_addr:192.0.2.1\tstatus:200", "no-request"],
    ["msec:1795311934\tremote_addr:192.0.2.1\trequest_uri:/", "no-status"],
    [`192.0.2.4 - - ${AT} "GET /x HTTP/1.1" 20`, "no-status"],
    ['192.0.2.4 - - 22/Nov/2026:01:45:34 +0000] "GET /x HTTP/1.1" 200 3', "unknown-format"],
    [`192.0.2.4 ${AT} "GET /x HTTP/1.1" 200 3`, "unknown-format"],
    ["garbage that ends in \\n", "unknown-format"],
    [`192.0.2.4 - - ${AT} \\"GET /x HTTP/1.1\\" abc`, "no-status"],
    [`{"bucket_name":"photos","operation":"REST.GET.OBJECT","request_time":"soon"}`, "bad-time"],
    ["x".repeat(8 * 1024 * 1024 + 1), "too-long"],
  ];
  for (const [line, reason] of BAD) {
    it(`refuses ${JSON.stringify(line.slice(0, 50))} as ${reason}`, () => {
      assert.equal(new LineParser().parseText(line), reason);
    });
  }

  it("reads every form of time", () => {
    const forms = [
      "22/Nov/2026:01:45:34 +0000",
      "22/Nov/2026:03:15:34 +0130",
      "2026-11-22T01:45:34+00:00",
      "2026-11-22T01:45:34Z",
      "2026-11-22 01:45:34Z",
      "2026-11-21T20:45:34-05:00",
      "1795311934",
      "1795311934.000",
    ];
    for (const form of forms) {
      const parser = new LineParser();
      assert.equal(
        parser.parseText(`time:${form}\tremote_addr:192.0.2.1\turi:/\tstatus:200`),
        undefined,
        form,
      );
      assert.equal(parser.row.time, TIME, form);
    }
  });

  it("knows labels of LTSV wherever they stand in the next line", () => {
    const parser = new LineParser();
    for (const line of [
      "time:1795311934\tremote_addr:192.0.2.1\tstatus:200\tmethod:GET\turi:/a",
      "time:1795311934\tremote_addr:192.0.2.1\tmethod:GET\tstatus:200\turi:/a",
      "uri:/a\tstatus:200\tmethod:GET\tremote_addr:192.0.2.1\ttime:1795311934",
    ]) {
      assert.equal(parser.parseText(line), undefined);
      const { remote_addr, request_method, status, uri } = parser.row.columns();
      assert.deepEqual(
        [remote_addr, request_method, status, uri],
        ["192.0.2.1", "GET", "200", "/a"],
      );
      assert.equal(parser.row.time, TIME);
    }
  });

  it("gives no meaning to what is nearly a time", () => {
    for (const form of [
      "1795311934.x",
      "22/Nov/2026:01:45:34 +00000",
      "22/Nov/1969:01:45:34 +0000",
      "00/Nov/2026:01:45:34 +0000",
      "32/Nov/2026:01:45:34 +0000",
      "22/Nov/2026:x1:45:34 +0000",
      "22/Nov/2026:24:45:34 +0000",
      "22/Nov/2026:01-45:34 +0000",
      "22/Nov/2026:01:45-34 +0000",
      "22/Nov/2026:01:x5:34 +0000",
      "22/Nov/2026:01:60:34 +0000",
      "22/Nov/2026:01:45:x4 +0000",
      "22/Nov/2026:01:45:61 +0000",
      "22/Nov/2026:01:45:34 *0000",
      "22/Nov/2026:01:45:34 +x000",
      "22/Nov/2026:01:45:34 +2400",
      "22/Nov/2026:01:45:34 +00x0",
      "22/Nov/2026:01:45:34 +0060",
      "22/Nov\\2026:01:45:34 +0000",
      "22/Nov/2026:01:45:34_+0000",
      "2026-11/22T01:45:34Z",
      "2026-11-22_01:45:34Z",
      "2026-11-22T01:45:34+000",
      "2026-11-22T01:45:34",
    ]) {
      const line = `time:${form}\tremote_addr:192.0.2.1\turi:/\tstatus:200`;
      assert.equal(new LineParser().parseText(line), "bad-time", form);
    }
  });

  it("takes lines of the log that it is told alone, in JSON too", () => {
    const [nginx, s3] = [
      '{"time":"2026-11-22T01:45:34Z","remote_addr":"192.0.2.4","request_uri":"/","status":200}',
      '{"request_time":"2026-11-22T01:45:34Z","bucket_name":"b","operation":"REST.GET.OBJECT"}',
    ];
    const told = (source: "nginx" | "s3", line: string) => new LineParser(source).parseText(line);
    assert.deepEqual(
      [told("nginx", nginx), told("s3", s3), told("s3", nginx), told("nginx", s3)],
      [undefined, undefined, "unknown-format", "unknown-format"],
    );
  });

  it("says which virtual host a request was for, where the log does", () => {
    const parser = new LineParser();
    parser.parseText(`www.example.com 192.0.2.4 - - ${AT} "GET /x HTTP/1.1" 200 3 "-" "-"`);
    assert.equal(toRequest(parser.row, undefined).host, "www.example.com");
  });

  it("detects the format line by line, whatever came before", () => {
    const lines = [...CASES, { line: s3LineOf({ second: 34 }), format: "s3" }];
    fc.assert(
      fc.property(fc.array(fc.nat(lines.length - 1), { maxLength: 30 }), (order) => {
        const parser = new LineParser();
        for (const i of order) {
          assert.equal(parser.parseText(lines[i].line), undefined);
          assert.equal(parser.row.format, lines[i].format);
          assert.equal(parser.row.time, TIME);
        }
      }),
    );
  });

  it("knows the line itself, or its beginning", () => {
    const parser = new LineParser();
    const long = `${CASES[0].line} "${"x".repeat(10_000)}"`;
    for (const line of [CASES[0].line, "no log line", long]) {
      parser.parseText(line);
      assert.equal(parser.row.lineText(), line.slice(0, 4096));
    }
  });

  it("finds the address of a line that begins as nearly all do, and of no other", () => {
    const usual = `192.0.2.4 - - ${AT} "GET / HTTP/1.1" 200 3`;
    const unusual = `192.0.2.4 - alice ${AT} "GET / HTTP/1.1" 200 3`;
    const parser = new LineParser();
    for (const [line, end] of [
      [usual, 9],
      [unusual, -1],
      [s3LineOf({}), -1],
    ] as const) {
      parser.parseText(line);
      assert.equal(parser.addressEnd(0, line.length), end);
    }
  });

  it("never throws, and reads every line or gives a reason", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (line) => {
        const parser = new LineParser();
        const reason = parser.parseText(line);
        if (reason === undefined) assert.ok(Number.isFinite(parser.row.time));
        else assert.ok(reason in REASONS);
      }),
      { numRuns: 2000 },
    );
  });
});
