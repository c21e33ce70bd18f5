import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import type { ReplayJson } from "../../cli/replay/json";

const START = Date.UTC(2026, 10, 22, 1, 45, 0);

function floodgate(
  args: readonly string[],
  options: { input?: string | Buffer; cwd?: string } = {},
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(process.cwd(), "dist/cli/floodgate.js"), ...args],
    {
      encoding: "utf8",
      maxBuffer: 1 << 28,
      ...options,
    },
  );
  return { status, stdout, stderr };
}

const replay = (args: readonly string[], input?: string | Buffer): ReplayJson => {
  const { stdout, stderr } = floodgate(
    ["replay", "--json", "--quiet", ...args],
    input === undefined ? {} : { input },
  );
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as ReplayJson;
};

const at = (second: number): string =>
  new Date(START + second * 1000).toISOString().replace(".000Z", "+00:00");
const line = (second: number, client: string, path: string, status = 200): string =>
  `${client} - - [${at(second)}] "GET ${path} HTTP/1.1" ${status} 10 "-" "test"`;

describe("floodgate replay", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "floodgate-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
    return path;
  };

  it("finds a flood at the request that crosses the line and says what a block would have stopped", () => {
    const lines = Array.from({ length: 40 }, (_, i) => line(i / 2, "198.51.100.9", "/same"));
    lines.push(line(15, "192.0.2.1", "/"), "garbage");

    const json = replay(["-"], `${lines.join("\n")}\n`);

    assert.deepEqual([json.lines, json.parsed, json.unparsed, json.clients], [42, 41, 1, 2]);
    assert.deepEqual(json.unparsedByReason, { "unknown-format": 1 });
    assert.deepEqual(json.formats, { combined: 41 });
    assert.equal(json.from, "2026-11-22T01:45:00.000Z");
    assert.equal(json.to, "2026-11-22T01:45:19.500Z");
    assert.deepEqual(json.findings, [
      {
        rule: "same-page-flood",
        key: { client: "198.51.100.9", path: "/same", userAgent: "test" },
        count: 21,
        at: "2026-11-22T01:45:10.000Z",
        first: "2026-11-22T01:45:00.000Z",
        requestsBefore: 21,
      },
    ]);
    assert.deepEqual(json.decisions, [
      {
        client: "198.51.100.9/32",
        action: "block",
        from: "2026-11-22T01:45:10.000Z",
        until: "2026-11-22T02:45:10.000Z",
        rule: "same-page-flood",
        level: 0,
      },
    ]);
    assert.deepEqual(json.enforcement, {
      requestsBlocked: 19,
      clientsBlocked: 1,
      requestsBlockedShare: 19 / 41,
    });
  });

  it("merges logs of several servers by event time, plain and gzip, from a folder", () => {
    const all = Array.from({ length: 44 }, (_, i) => line(i, "198.51.100.9", "/same"));
    const half = (n: number): string => `${all.filter((_, i) => i % 2 === n).join("\n")}\n`;
    file("merge/a.log", half(0));
    file("merge/b.log.gz", gzipSync(half(1)));

    const json = replay([join(folder, "merge")]);

    assert.equal(json.lines, 44);
    assert.deepEqual(
      json.findings.map(({ at: time, requestsBefore }) => [time, requestsBefore]),
      [["2026-11-22T01:45:20.000Z", 21]],
    );
  });

  it("gives the same with several jobs", () => {
    const samples = "samples/logs";
    assert.deepEqual(replay([samples, "--jobs", "3"]), replay([samples]));
  });

  it("counts the same clients with several jobs: no proxy, and nobody from before --from", () => {
    const lines = Array.from({ length: 60 }, (_, i) => {
      const isProxied = i % 2 === 0;
      const usual = `- - [22/Nov/2026:01:45:${String(i).padStart(2, "0")} +0000] "GET /${i} HTTP/1.1" 200 10 "-" "test"`;
      return isProxied ? `10.0.0.1 ${usual} "198.51.100.${i}"` : `2001:db8:${i}::7 ${usual}`;
    });
    const path = file("clients.log", lines.join("\n"));
    for (const from of [[], ["--from", "2026-11-22T01:45:30Z"]]) {
      const alone = replay([path, ...from]);
      assert.equal(alone.clients, from.length === 0 ? 60 : 30);
      assert.deepEqual(replay([path, ...from, "--jobs", "2"]), alone);
    }
  });

  it("accounts for each line once, whichever of several jobs reads it", () => {
    const path = file(
      "jobs.log",
      Array.from({ length: 2000 }, (_, i) => {
        const second = String(i >> 6).padStart(2, "0");
        const usual = `198.51.100.${i % 40} - - [22/Nov/2026:01:45:${second} +0000] "GET /${i % 40 < 3 ? "" : i} HTTP/1.1" 200 10 "-" "test"`;
        if (i % 7 === 0) return usual.replace(" 200 ", " two ");
        if (i % 11 === 0) return usual.replace("Nov", "Nox");
        if (i % 13 === 0) return usual.replace(" - - ", " - somebody ");
        if (i % 17 === 0) return usual.replace("198.51.100.", "10.0.0.");
        return i % 19 === 0 ? "no access log line" : usual;
      }).join("\n"),
    );
    const alone = replay([path]);
    assert.ok(Object.keys(alone.unparsedByReason).length > 2);
    assert.ok(alone.findings.length > 0);
    for (const trust of [[], ["--trust", "1"], ["--trust", "198.51.100.0/28"]]) {
      const [shared, single] = [replay([path, ...trust, "--jobs", "3"]), replay([path, ...trust])];
      assert.equal(JSON.stringify(shared), JSON.stringify(single));
    }
  });

  it("reads standard input as it reads a file, gzip too", () => {
    const path = "samples/behind-alb.log.gz";
    assert.deepEqual(
      replay(["-", "--trust", "alb"], readFileSync(path)),
      replay([path, "--trust", "alb"]),
    );
  });

  it("reads pipes as it reads files, gzip too, and merges them", () => {
    const path = "samples/behind-alb.log.gz";
    const cli = join(process.cwd(), "dist/cli/floodgate.js");
    const replayed = (...inputs: string[]): ReplayJson => {
      const command = `'${process.execPath}' '${cli}' replay --json --quiet --jobs 2 ${inputs.join(" ")}`;
      const { stdout, stderr } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
      assert.equal(stderr, "");
      return JSON.parse(stdout) as ReplayJson;
    };
    assert.deepEqual(replayed(`<(cat ${path})`), replay([path]));
    assert.deepEqual(replayed(`<(gunzip -c ${path})`), replay([path]));
    const { parsed, decisions } = replayed(`<(gunzip -c ${path})`, path);
    assert.equal(parsed, 2 * replay([path]).parsed);
    assert.ok(decisions.length > 0);
    const many = Array.from({ length: 12 }, () => `<(cat ${path})`);
    assert.equal(replayed(...many).parsed, 12 * replay([path]).parsed);
  });

  it("ends at Ctrl-C with what was read, though the pipe stays open and silent", async () => {
    const cli = join(process.cwd(), "dist/cli/floodgate.js");
    const child = spawn(process.execPath, [cli, "replay", "--json", "--quiet", "-"]);
    const printed = text(child.stdout);
    // More than any pipe holds: when it is written, the replay has begun to read.
    const lines = `${line(0, "192.0.2.1", "/")}\n`.repeat(50_000);
    await new Promise((resolve) => child.stdin.write(lines, resolve));
    child.kill("SIGINT");
    const [status] = (await once(child, "exit")) as [number | null];
    child.stdin.destroy();
    assert.equal(status, 130);
    assert.ok((JSON.parse(await printed) as ReplayJson).parsed > 0);
  });

  it("opens no further pipe after Ctrl-C", async () => {
    const [first, second] = ["first", "second"].map((name) => join(folder, name));
    spawnSync("mkfifo", [first, second]);
    const silent = await open(second, "r+");
    const cli = join(process.cwd(), "dist/cli/floodgate.js");
    const child = spawn(process.execPath, [cli, "replay", "--json", "--quiet", first, second]);
    // Returns when the replay has opened the other end.
    const writer = await open(first, "w");
    child.kill("SIGINT");
    const [status] = (await once(child, "exit")) as [number | null];
    await Promise.all([writer.close(), silent.close()]);
    assert.equal(status, 130);
  });

  const NOT_READ: readonly (readonly [name: string, first: string, converter: string])[] = [
    ["bzip2", "BZh91AY&SY", "bzcat"],
    ["xz", "\xfd7zXZ\0\0\x04", "xzcat"],
    ["zstd", "\x28\xb5\x2f\xfd\x04\x58", "zstdcat"],
    ["zip", "PK\x03\x04\x14\0", "unzip -p"],
    ["UTF-16", "\xff\xfe1\0", "iconv -f UTF-16 -t UTF-8"],
  ];
  for (const [name, first, converter] of NOT_READ) {
    it(`says how to read ${name}`, () => {
      const bytes = Buffer.from(`${first} and more`, "latin1");
      const path = file(`log.${name}`, bytes);
      for (const { status, stderr } of [
        floodgate(["replay", "--json", path]),
        floodgate(["replay", "--json", "-"], { input: bytes }),
      ]) {
        assert.equal(status, 1);
        assert.match(stderr, new RegExp(`: is ${name}, .* as in ${converter} FILE`));
      }
    });
  }

  it("agrees on who is found, behind a load balancer and without one", () => {
    const direct = replay(["samples/logs/access.log.gz"]);
    const behind = replay(["samples/behind-alb.log.gz", "--trust", "alb"]);
    const clients = (json: ReplayJson): string[] =>
      [...new Set(json.decisions.map(({ client }) => client))].sort();
    assert.deepEqual(clients(behind), clients(direct));
    assert.deepEqual(replay(["samples/behind-alb.log.gz"]).decisions, behind.decisions);
  });

  it("finds every attack tool of the samples and nobody else", () => {
    const json = replay(["samples/logs/access.log.gz"]);
    const attackers = [11, 12, 13, 14, 15, 16, 17, 18, 20].map((n) => `198.51.100.${n}/32`);
    const blocked = json.decisions
      .filter(({ action }) => action === "block")
      .map(({ client }) => client);
    assert.deepEqual([...new Set(blocked)].sort(), [...attackers, "2001:db8:66::/64"].sort());
  });

  it("sends one alert for each anomaly of the S3 samples", () => {
    const json = replay(["samples/logs/s3"]);
    assert.deepEqual(
      json.alerts.map(({ rule, client, severity }) => [rule, client, severity]),
      [
        ["bucket-scraping", "198.51.100.23", "high"],
        ["access-denied-burst", "198.51.100.77", "high"],
        ["key-enumeration", "198.51.100.77", "critical"],
        ["mass-download", "2001:db8:5::/64", "medium"],
      ],
    );
    assert.deepEqual(json.decisions, []);
  });

  it("counts only from --from until before --to", () => {
    const path = file(
      "window.log",
      `${[0, 10, 20, 30].map((s) => line(s, "192.0.2.1", "/")).join("\n")}\n`,
    );
    const json = replay([path, "--from", "2026-11-22T01:45:10Z", "--to", "2026-11-22T01:45:30Z"]);
    assert.deepEqual(
      [json.lines, json.from, json.to],
      [4, "2026-11-22T01:45:10.000Z", "2026-11-22T01:45:20.000Z"],
    );
  });

  it("judges by a rules file, compares with another, and spares who is allowed", () => {
    const rule = {
      name: "two",
      per: ["client"],
      count: "requests",
      moreThan: 1,
      withinSeconds: 60,
      then: { blockSeconds: 60 },
    };
    const rules = file("rules.json", JSON.stringify([rule]));
    const strict = file("strict.yaml", `rules:\n  - ${JSON.stringify({ ...rule, moreThan: 0 })}\n`);
    const log = file(
      "compare.log",
      `${[line(0, "192.0.2.1", "/"), line(1, "192.0.2.1", "/"), line(2, "192.0.2.2", "/")].join("\n")}\n`,
    );

    const json = replay([log, "--rules", rules, "--compare", strict]);
    assert.deepEqual(
      json.decisions.map(({ client }) => client),
      ["192.0.2.1/32"],
    );
    assert.deepEqual(json.compare?.newlyBlocked, ["192.0.2.2/32"]);
    assert.deepEqual(json.compare?.noLongerBlocked, []);
    assert.deepEqual(replay([log, "--rules", rules, "--allow", "192.0.2.0/24"]).decisions, []);
  });

  it("says when a stack has no pipeline for such a log", () => {
    const of = (path: string): string =>
      floodgate(["replay", "--no-report", path, "--stack", "dev"]).stderr;
    assert.match(of("samples/logs/s3"), /Note: floodgate:s3AnomalyDetection is false/);
    assert.doesNotMatch(of("samples/logs/access.log.gz"), /Note/);
  });

  it("reads the stack file: dev only observes", () => {
    const json = replay(["samples/behind-alb.log.gz", "--stack", "dev"]);
    assert.ok(json.decisions.length > 0);
    assert.ok(json.decisions.every(({ action }) => action === "observe"));
    assert.equal(json.enforcement.requestsBlocked, 0);
  });

  it("replays what it can read, says what it cannot, and exits with 1", () => {
    const good = file("good.log", `${line(0, "192.0.2.1", "/")}\n`);
    const cut = file(
      "cut.log.gz",
      gzipSync(
        Array.from({ length: 9999 }, (_, i) => line(i % 50, "192.0.2.1", `/${i}`)).join("\n"),
      ).subarray(0, 3000),
    );
    const { status, stdout, stderr } = floodgate([
      "replay",
      "--json",
      "--quiet",
      good,
      cut,
      join(folder, "missing.log"),
    ]);
    const json = JSON.parse(stdout) as ReplayJson;
    assert.equal(status, 1);
    assert.ok(json.lines > 1);
    assert.match(stderr, /cut\.log\.gz: the gzip data ends too early/);
    assert.match(stderr, /missing\.log: no such file/);
    assert.equal(json.problems.length, 2);
  });

  it("reads the same from one big file, many small ones, gzip and standard input", () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => {
      const client = `198.51.100.${String(i % 200)}`;
      return `${line(i / 10, client, `/page-${String(i % 37)}`)} "${"x".repeat(i % 150)}"\n`;
    });
    assert.ok(lines.join("").length > 3_000_000);
    for (let from = 0; from < lines.length; from += 100)
      file(`parts/${String(from).padStart(6, "0")}.log`, lines.slice(from, from + 100).join(""));

    const json = replay([file("big.log", lines.join(""))]);

    assert.deepEqual([json.lines, json.parsed, json.clients], [40_000, 40_000, 200]);
    assert.deepEqual(replay([join(folder, "parts")]), json);
    assert.deepEqual(replay([file("big.gz", gzipSync(lines.join("")))]), json);
    assert.deepEqual(replay(["-"], lines.join("")), json);
  });

  it("has nothing to say about an empty file, and survives a line without end", () => {
    assert.equal(replay([file("empty.log", "")]).lines, 0);
    assert.equal(floodgate(["replay", "--no-report", join(folder, "empty.log")]).status, 0);
    const long = Buffer.concat([
      Buffer.alloc(20_000_000, "x"),
      Buffer.from(`\n${line(0, "192.0.2.1", "/")}`),
    ]);
    const json = replay([file("long.log", long)]);
    assert.deepEqual([json.lines, json.parsed, json.unparsedByReason], [2, 1, { "too-long": 1 }]);
  });

  it("refuses wrong use with exit status 2 and says what is allowed", () => {
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["replay", "--bogus"], /unknown option '--bogus'/],
      [["replay", "--format", "apache", "x"], /Allowed choices are auto, nginx, s3/],
      [["replay", "--from", "soon", "x"], /--from "soon": allowed is a time such as/],
      [["replay", "--trust", "elb", "x"], /--trust "elb": allowed is a CIDR block/],
      [
        ["replay", "--allow", "office", "x"],
        /--allow "office": allowed is an address or CIDR block/,
      ],
      [["replay", "--jobs", "0", "x"], /whole number from 1 to 64/],
      [["replay", "--stack", "nowhere", "x"], /Pulumi\.nowhere\.yaml: cannot be read/],
      [["replay", "--rules", "nowhere.yaml", "x"], /nowhere\.yaml: cannot be read/],
      [["nonsense"], /unknown command/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = floodgate(args);
      assert.equal(status, 2, args.join(" "));
      assert.match(stderr, message);
    }
  });

  it("says how many requests name no client", () => {
    const lines = ["a.example.com", "192.0.2.1", "b.example.com"].map((who) => line(0, who, "/"));
    const { stdout } = floodgate(["replay", "--no-report", file("names.log", lines.join("\n"))]);
    assert.match(stdout, /Note: 2 requests name no client address/);
    const [first] = lines;
    const alone = floodgate(["replay", "--no-report", file("name.log", first)]);
    assert.match(alone.stdout, /Note: 1 request names no client address/);
  });

  it("writes a report that holds no markup of the log", () => {
    const report = join(folder, "report.html");
    const log = file(
      "hostile.log",
      `${line(0, "198.51.100.9", "/?q=<script>alert(1)</script>")}\n<img src=x onerror=alert(2)>\n`,
    );
    const { stdout } = floodgate(["replay", log, "--report", report]);
    const html = readFileSync(report, "utf8");
    assert.ok(stdout.includes(`Report: ${report}`));
    assert.ok(!html.includes("<script>alert") && !html.includes("<img src"));
    assert.ok(html.includes("&lt;img src=x"));
  });
});

describe("floodgate explain", () => {
  it("explains each line of standard input as JSON", () => {
    const input = `${line(0, "10.0.0.7", "/.env", 404)} "203.0.113.66, 198.51.100.4"\nnonsense\n`;
    const { stdout, status } = floodgate(["explain", "--json", "--trust", "alb"], { input });
    const [first, second] = stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as Record<string, never>);
    assert.equal(status, 0);
    const { format, fields, request, client, rules, unparsed } = first as unknown as {
      format: string;
      fields: Record<string, string>;
      request: { client: string; path: string };
      client: { address: string; hops: { text: string; trusted: boolean }[] };
      rules: { name: string; matched: boolean; failed: { field: string } | null }[];
      unparsed: string | null;
    };
    assert.equal(format, "combined");
    assert.equal(fields["request_uri"], "/.env");
    assert.deepEqual([request.client, request.path], ["198.51.100.4", "/.env"]);
    assert.deepEqual(
      client.hops.map(({ text, trusted }) => [text, trusted]),
      [
        ["10.0.0.7", true],
        ["198.51.100.4", false],
      ],
    );
    assert.deepEqual(
      rules.filter(({ matched }) => matched).map(({ name }) => name),
      ["same-page-flood", "path-probing", "page-flood", "changing-user-agent", "known-probe"],
    );
    assert.equal(rules.find(({ name }) => name === "failed-logins")?.failed?.field, "status");
    assert.equal(unparsed, null);
    assert.equal((second as unknown as { unparsed: string }).unparsed, "unknown-format");
  });

  it("takes for a line what the replay takes for one", () => {
    const input = `${line(0, "192.0.2.1", "/a")} "x\ry"\r\n\n${line(1, "192.0.2.1", "/b")} "\u2028"`;
    const { stdout } = floodgate(["explain", "--json"], { input });
    const documents = stdout.trim().split("\n");
    assert.deepEqual(
      documents.map((text) => (JSON.parse(text) as { request: { path: string } }).request.path),
      ["/a", "/b"],
    );
    const cut = gzipSync(input).subarray(0, -9);
    const { stdout: begun, stderr, status } = floodgate(["explain", "--json"], { input: cut });
    assert.equal(begun, `${documents[0]}\n`);
    assert.match(stderr, /^floodgate: standard input: the gzip data ends too early/);
    assert.equal(status, 1);
  });

  it("explains one line for people", () => {
    const { stdout } = floodgate(["explain", line(0, "2001:db8::1", "/")]);
    assert.match(stdout, /Format: combined/);
    assert.match(stdout, /Client: 2001:db8::1, counted as 2001:db8::\/64/);
    assert.match(stdout, /scanner-agent: no, "userAgent" is "test", wanted is @scanner-agents/);
  });
});

describe("floodgate rules", () => {
  let path = "";
  before(() => {
    path = join(mkdtempSync(join(tmpdir(), "floodgate-")), "rules.yaml");
  });
  after(() => {
    rmSync(dirname(path), { recursive: true });
  });
  const check = (rules: string): { stdout: string; status: number | null } => {
    writeFileSync(path, rules);
    return floodgate(["rules", "check", path]);
  };

  it("prints default rules that it finds valid", () => {
    const { stdout, status } = check(floodgate(["rules", "print"]).stdout);
    assert.equal(stdout, `${path}: valid, 15 rules\n`);
    assert.equal(status, 0);
  });

  it("names every mistake and exits with 1", () => {
    const { stdout, status } = check(
      "- name: x\n  per: [client]\n  count: requests\n  moreThan: 1\n  withinSeconds: 0\n  then: {blockSeconds: 60}\n  mode: ban\n",
    );
    assert.equal(status, 1);
    assert.match(
      stdout,
      /rule "x", "withinSeconds": got 0, allowed is a whole number from 1 to 3,600/,
    );
    assert.match(
      stdout,
      /rule "x", "mode": got "ban", allowed is one of observe, count, challenge, block/,
    );
  });

  it("notes a rule that means to block and names no client", () => {
    const { stdout, status } = check(
      "- name: x\n  per: [path]\n  count: requests\n  moreThan: 1\n  withinSeconds: 9\n  then: {blockSeconds: 60}\n",
    );
    assert.match(stdout, /valid, 1 rule\n.*note: rule "x" .* blocks nobody/);
    assert.equal(status, 0);
  });
});
