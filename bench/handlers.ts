// Measures the callbacks in the form in which they are deployed, with AWS played by plain functions:
// lines a second of parse and count, time of act and expire, size and cold `require` of each bundle.
//
//   npm run bench:handlers [LINES]
import { execFileSync, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { createReadStream, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, type HandlerName } from "../infra/bundle";
import { NGINX_RULES } from "../functions/rules/nginx-rules";
import { DEFAULT_PREFIXES } from "../functions/parsing/address";
import type { Finding } from "../functions/counting/finding";
import { toMessage } from "../functions/counting/finding-message";
import type { EnforcePorts } from "../functions/handlers/enforce";
import type * as Act from "../functions/handlers/act";
import type * as Count from "../functions/handlers/count";
import type * as Expire from "../functions/handlers/expire";
import type * as Parse from "../functions/handlers/parse";
import type * as ParseAccesses from "../functions/handlers/parse-accesses";
import { FakeClock, FakeLedger, FakeWaf } from "../tests/support/fakes";

const LINES = Number(process.argv[2] ?? 300_000);
const LOG = ".bench/access-2000000.log";
const S3_LOG = ".bench/s3-500000.log";
const S3_LINES = 500_000;
const RUNS = 3;
const [RECORD_LINES, PARSE_LINES, COUNT_REQUESTS] = [500, 3000, 20_000];
const REPORT = (): void => undefined;

interface Measured {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

interface Bundles {
  readonly "parse-accesses": typeof ParseAccesses;
  readonly parse: typeof Parse;
  readonly count: typeof Count;
  readonly act: typeof Act;
  readonly expire: typeof Expire;
}

const load = <Name extends keyof Bundles>(name: Name): Bundles[Name] =>
  createRequire(__filename)(resolve(bundle(name))) as Bundles[Name];

/** The best of some runs, in seconds: what else runs on the machine only makes it slower. */
async function secondsOf(work: () => Promise<void>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await work();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}

function readLines(): string[] {
  if (!existsSync(LOG)) execFileSync(process.execPath, ["bench/generate-log.mjs", "2000000", LOG]);
  const bytes = Buffer.alloc(LINES * 400);
  const length = readSync(openSync(LOG, "r"), bytes, 0, bytes.length, 0);
  return bytes.toString("latin1", 0, length).split("\n").slice(0, LINES);
}

const chunksOf = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) =>
    list.slice(i * size, (i + 1) * size),
  );

async function measureParse(lines: readonly string[]): Promise<[Measured, Buffer[]]> {
  const { parseRecords } = load("parse");
  const events = chunksOf(lines, PARSE_LINES).map((batch, i) => ({
    invocationId: "",
    deliveryStreamArn: "",
    region: "",
    records: chunksOf(batch, RECORD_LINES).map((record, j) => ({
      recordId: `${i}-${j}`,
      approximateArrivalTimestamp: 0,
      data: Buffer.from(`${record.join("\n")}\n`, "latin1").toString("base64"),
    })),
  }));
  const packed: Buffer[] = [];
  const seconds = await secondsOf(async () => {
    packed.length = 0;
    const parse = parseRecords(
      { component: "", streamName: "", trust: ["alb"], prefixes: DEFAULT_PREFIXES, lanes: 8 },
      {
        forward: (records) => {
          packed.push(...records.map(({ data }) => Buffer.from(data)));
          return Promise.resolve({ failed: [], retries: 0, trouble: undefined });
        },
        report: REPORT,
        now: Date.now,
      },
    );
    for (const event of events) await parse(event, { getRemainingTimeInMillis: () => 60_000 });
  });
  return [{ what: "parse", value: lines.length / seconds, unit: "lines/s" }, packed];
}

async function measureCount(packed: readonly Buffer[], requests: number): Promise<Measured> {
  const { countWindow } = load("count");
  const perRecord = requests / packed.length;
  const events = chunksOf(packed, Math.round(COUNT_REQUESTS / perRecord)).map((records, i) => ({
    shardId: "shard-0",
    Records: records.map((data, j) => ({
      kinesis: { data: data.toString("base64"), sequenceNumber: `${i}-${j}` },
    })),
  }));
  const seconds = await secondsOf(async () => {
    const count = countWindow(
      {
        component: "",
        streamName: "",
        trust: ["alb"],
        prefixes: DEFAULT_PREFIXES,
        rules: NGINX_RULES,
      },
      {
        publish: () => Promise.resolve({ failed: [], retries: 0, trouble: undefined }),
        report: REPORT,
        now: Date.now,
      },
    );
    let state: Count.WindowEvent["state"];
    for (const event of events) {
      const whole = { ...event, ...(state && { state }) } as unknown as Count.WindowEvent;
      ({ state } = await count(whole));
    }
  });
  return { what: "count", value: requests / seconds, unit: "requests/s" };
}

async function measureActing(): Promise<Measured[]> {
  const { actOnFindings } = load("act");
  const { expireBlocks } = load("expire");
  const settings = {
    component: "",
    tableName: "",
    indexName: "",
    topicArn: "",
    scope: "REGIONAL" as const,
    sets: [],
    allow: ["203.0.113.0/28"],
    rules: NGINX_RULES,
    maxBlocksPerMinute: 10_000,
  };
  const now = Date.UTC(2026, 10, 22);
  const findings = Array.from({ length: 10_000 }, (_, i): Finding => {
    const client = `198.${18 + (i >> 15)}.${(i >> 7) & 255}.${(2 * i) & 255}`;
    const sample = {
      time: now,
      client,
      method: "GET",
      path: "/",
      query: "",
      status: 200,
      bytes: 0,
      referer: "",
      userAgent: "",
    };
    return {
      rule: "same-page-flood",
      key: { client },
      count: 21,
      first: now,
      at: now,
      durationMs: 0,
      client,
      address: client,
      isBlockable: true,
      sample,
    };
  });
  const events = chunksOf(findings, 100).map((batch) => ({
    Records: batch.map((finding) => ({
      kinesis: { data: Buffer.from(JSON.stringify(toMessage(finding))).toString("base64") },
    })),
  }));
  let ports = portsAt(now);
  const acting = await secondsOf(async () => {
    ports = portsAt(now);
    const act = actOnFindings(settings, ports);
    for (const event of events.slice(0, 1))
      await act(event as unknown as Parameters<typeof act>[0]);
  });
  for (const event of events) {
    const act = actOnFindings(settings, ports);
    await act(event as unknown as Parameters<typeof act>[0]);
  }
  const expiring = await secondsOf(async () => {
    ports.waf.edit("block-ipv4", []);
    await expireBlocks(settings, ports)();
  });
  return [
    { what: "act, 100 new blocks", value: acting * 1000, unit: "ms" },
    { what: "expire, refilling 10,000 entries", value: expiring * 1000, unit: "ms" },
  ];
}

/** One log object of 275 MB, read from the disk in pieces as from S3. */
async function measureParseAccesses(): Promise<Measured[]> {
  if (!existsSync(S3_LOG))
    execFileSync(process.execPath, ["bench/generate-s3-log.mjs", String(S3_LINES), S3_LOG]);
  const { parseAccesses } = load("parse-accesses");
  const before = process.memoryUsage.rss();
  let peak = before;
  const s3 = { bucket: { name: "logs" }, object: { key: "log" } };
  const body = JSON.stringify({ Records: [{ eventName: "ObjectCreated:Put", s3 }] });
  const seconds = await secondsOf(async () => {
    const parse = parseAccesses(
      { component: "", deliveryStreamName: "", quarantine: { bucket: "", prefix: "" } },
      {
        objects: {
          open: () => Promise.resolve(createReadStream(S3_LOG) as AsyncIterable<Buffer>),
          put: () => Promise.resolve(),
        },
        deliver: (records) => {
          // The client would turn each into base64.
          for (const record of records) Buffer.from(record).toString("base64");
          peak = Math.max(peak, process.memoryUsage.rss());
          return Promise.resolve({ failed: [], retries: 0, trouble: undefined });
        },
        report: REPORT,
        now: Date.now,
      },
    );
    const event = { Records: [{ messageId: "m", body }] } as Parameters<typeof parse>[0];
    await parse(event, { getRemainingTimeInMillis: () => 900_000 });
  });
  return [
    { what: "parse-accesses, 275 MB", value: S3_LINES / seconds, unit: "lines/s" },
    { what: "parse-accesses, memory on top", value: (peak - before) / 1e6, unit: "MB" },
  ];
}

function portsAt(now: number): EnforcePorts & { readonly waf: FakeWaf } {
  const clock = new FakeClock(now);
  const waf = new FakeWaf(clock);
  return {
    waf,
    ledger: new FakeLedger(),
    sets: [waf.set("block", "ipv4"), waf.set("block", "ipv6")],
    notify: () => Promise.resolve(),
    report: REPORT,
    now: clock.now,
    pause: clock.pause,
  };
}

function measureBundle(name: HandlerName): Measured[] {
  const path = resolve(bundle(name));
  const script = `const t = performance.now(); require(${JSON.stringify(path)}); console.log(performance.now() - t);`;
  const times = Array.from({ length: RUNS }, () =>
    Number(spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout),
  );
  return [
    { what: `${name}, zipped`, value: gzipSync(readFileSync(path)).length / 1000, unit: "KB" },
    { what: `${name}, cold require`, value: Math.min(...times), unit: "ms" },
  ];
}

async function main(): Promise<void> {
  const lines = readLines();
  const [parse, packed] = await measureParse(lines);
  const rows = [
    parse,
    await measureCount(packed, lines.length),
    ...(await measureActing()),
    ...(await measureParseAccesses()),
    ...(["parse", "count", "act", "expire", "parse-accesses", "count-accesses"] as const).flatMap(
      measureBundle,
    ),
  ];
  for (const { what, value, unit } of rows)
    console.log(`${what.padEnd(34)}${Math.round(value).toLocaleString("en").padStart(10)} ${unit}`);
}

void main();
