import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { LOG_FILE, LOG_FORMATS, nginxConfig } from "../../infra/log-formats";
import { LineParser } from "../../functions/parsing/line-parser";
import { toRequest, type Request } from "../../functions/parsing/records";
import { nginxConfigFile, withNginx } from "../support/nginx";

const PORT = 18_080;

describe("nginx", () => {
  for (const format of LOG_FORMATS) {
    describe(`with the ${format} format`, () => {
      let folder: string;
      let file: string;
      before(() => {
        folder = mkdtempSync(join(tmpdir(), "floodgate-nginx-"));
        const log = nginxConfig(format).replaceAll(LOG_FILE, join(folder, "access.log"));
        const server = `server { listen 127.0.0.1:${PORT}; return 200 "ok"; }`;
        file = nginxConfigFile(folder, `${log}\n${server}`);
      });
      after(() => {
        rmSync(folder, { recursive: true });
      });

      it("accepts the configuration", () => {
        const { status, stderr } = spawnSync("nginx", ["-t", "-c", file], { encoding: "utf8" });
        assert.equal(status, 0, stderr);
      });

      it("writes lines that are parsed whole", async () => {
        const headers = { "user-agent": 'a "quoted"\tname', "x-forwarded-for": "192.0.2.7" };
        await withNginx(file, PORT, () => fetch(`http://127.0.0.1:${PORT}/a%22?b=c`, { headers }));
        const [line] = readFileSync(join(folder, "access.log"), "utf8").split("\n");
        const parser = new LineParser("nginx");
        assert.equal(parser.parseText(line), undefined, line);
        const columns = parser.row.columns();
        assert.equal(parser.row.format, format);
        assert.equal(columns["request_uri"], "/a%22?b=c");
        assert.equal(columns["http_user_agent"], 'a "quoted"\tname');
        assert.equal(columns["http_x_forwarded_for"], "192.0.2.7");
        assert.equal(columns["http_host"], `127.0.0.1:${PORT}`);
        assert.equal(columns["status"], "200");
      });
    });
  }

  describe("with all formats at once", () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), "floodgate-nginx-"))));
    after(() => {
      rmSync(folder, { recursive: true });
    });

    const FORMATS = [...LOG_FORMATS, "combined", "unescaped"] as const;
    const COMPARED = [
      "method",
      "path",
      "query",
      "status",
      "bytes",
      "referer",
      "userAgent",
    ] as const;
    type Compared = Pick<Request, (typeof COMPARED)[number]>;

    /** The requests of a log, without what some formats lack. */
    function requestsIn(format: (typeof FORMATS)[number]): Compared[] {
      const parser = new LineParser("nginx");
      const bytes = readFileSync(join(folder, `${format}.log`));
      parser.load(bytes);
      const requests: Compared[] = [];
      for (let start = 0, end; start < bytes.length; start = end + 1) {
        end = bytes.indexOf("\n", start);
        const line = bytes.toString("latin1", start, end);
        assert.equal(parser.parse(start, end), undefined, line);
        const request = toRequest(parser.row, "");
        const fields = COMPARED.map((name) => [name, request[name]]);
        requests.push(Object.fromEntries(fields) as Compared);
      }
      return requests;
    }

    it("is read as saying the same in each, whatever was sent", async () => {
      const formats = LOG_FORMATS.map((format) =>
        nginxConfig(format)
          .replaceAll(" floodgate", ` ${format}`)
          .replaceAll(LOG_FILE, join(folder, `${format}.log`)),
      );
      const port = PORT + 2;
      const http = [
        ...formats,
        `access_log ${join(folder, "combined.log")} combined;`,
        formats[LOG_FORMATS.indexOf("json")]
          .replace(" escape=json", "")
          .replaceAll("json", "unescaped"),
        `server { listen 127.0.0.1:${port}; return 200 "ok"; }`,
      ];
      const requests = fc.sample(requestArb, 1500);
      await withNginx(nginxConfigFile(folder, http.join("\n")), port, async () => {
        for (const request of requests) {
          const socket = connect(port, "127.0.0.1").resume();
          socket.on("error", () => undefined).end(Buffer.from(request, "latin1"));
          await once(socket, "close");
        }
      });
      const [ltsv, json, combined, unescaped] = FORMATS.map(requestsIn);
      assert.ok(ltsv.length > 1000);
      assert.deepEqual(json, ltsv);
      assert.deepEqual(combined, ltsv);
      assert.deepEqual(unescaped, ltsv);
      const refused = ltsv.filter(({ status }) => status === 400).length;
      assert.ok(refused > 100 && refused < ltsv.length - 100, `${refused} were refused`);
      assert.ok(ltsv.some(({ path }) => path?.startsWith("http://example.com/")));
    });
  });
});

/** Text of which much means something to nginx, to JSON or to a log format. */
const PARTS = [
  ..."\" \\ \\x41 \\n ' { } [ ] , : ? = & + # - a / .. % %22 %5C %2e%2e %zz http://x".split(" "),
  ...["\x80", "\xff", "\xc3\xa9", "\x7f"],
];
const hostile = fc
  .array(fc.constantFrom(...PARTS), { maxLength: 8 })
  .map((parts) => parts.join(""));

const requestArb = fc
  .record({
    method: fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "PROPFIND", "get", 'G"T'),
    start: fc.constantFrom("/", "/", "http://example.com/"),
    target: hostile,
    protocol: fc.constantFrom(" HTTP/1.1", " HTTP/1.1", " HTTP/1.0", "", " XTTP"),
    agent: hostile,
    referer: hostile,
  })
  .map(
    ({ method, start, target, protocol, agent, referer }) =>
      `${method} ${start}${target}${protocol}\r\nHost: a\r\nUser-Agent: ${agent}\r\nReferer: ${referer}\r\nConnection: close\r\n\r\n`,
  );
