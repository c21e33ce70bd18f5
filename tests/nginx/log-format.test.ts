import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOG_FILE, LOG_FORMATS, nginxConfig } from "../../infra/log-formats";
import { LineParser } from "../../functions/parsing/line-parser";

const PORT = 18_080;

/** A whole configuration around ours, in a folder of its own. */
function configIn(folder: string, part: string): string {
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `error_log ${folder}/error.log;
pid ${folder}/nginx.pid;
daemon off;
events {}
http {
  ${part.replaceAll(LOG_FILE, join(folder, "access.log"))}
  server { listen 127.0.0.1:${PORT}; return 200 "ok"; }
}
`,
  );
  return file;
}

describe("nginx", () => {
  for (const format of LOG_FORMATS) {
    describe(`with the ${format} format`, () => {
      let folder: string;
      before(() => (folder = mkdtempSync(join(tmpdir(), "floodgate-nginx-"))));
      after(() => {
        rmSync(folder, { recursive: true });
      });

      it("accepts the configuration", () => {
        const file = configIn(folder, nginxConfig(format));
        const { status, stderr } = spawnSync("nginx", ["-t", "-c", file], { encoding: "utf8" });
        assert.equal(status, 0, stderr);
      });

      it("writes lines that are parsed whole", async () => {
        const nginx = spawn("nginx", ["-c", configIn(folder, nginxConfig(format))]);
        try {
          const url = `http://127.0.0.1:${PORT}/a%22?b=c`;
          const headers = { "user-agent": 'a "quoted"\tname', "x-forwarded-for": "192.0.2.7" };
          for (let tries = 0; ; tries++) {
            try {
              await fetch(url, { headers });
              break;
            } catch (error) {
              if (tries > 50) throw error;
              await new Promise((resolve) => setTimeout(resolve, 100));
            }
          }
        } finally {
          nginx.kill("SIGQUIT");
          await new Promise((resolve) => nginx.once("exit", resolve));
        }
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
});
