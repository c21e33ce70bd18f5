import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { S3AnomalyDetection } from "../../infra/s3-anomaly-detection";
import { register, unpack } from "../support/mocks";

const run = promisify(execFile);
const LOGS = resolve("samples/logs/s3");

interface Outcome {
  readonly failures: readonly unknown[];
  readonly lines: number;
  readonly alerts: readonly {
    readonly subject: string;
    readonly document: Readonly<Record<string, unknown>>;
  }[];
  readonly incidents: readonly {
    readonly rule: string;
    readonly client: string;
    readonly bucket: string;
    readonly from: number;
    readonly to: number;
    readonly windows: Readonly<Record<string, number>>;
  }[];
}

interface Replayed {
  readonly parsed: number;
  readonly alerts: readonly {
    readonly subject: string;
    readonly rule: string;
    readonly client: string;
    readonly bucket: string;
    readonly from: string;
    readonly to: string;
    readonly count: number;
  }[];
}

describe("the deployed archives of the S3 pipeline", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "floodgate-"));
    const seen = await register((opts) => new S3AnomalyDetection("audit", {}, opts));
    for (const name of ["parse", "count"]) {
      const fn = seen.find((one) => one.name === `audit-${name}`);
      assert.ok(fn);
      assert.deepEqual(await unpack(fn, join(folder, name)), [
        "__index.js",
        `dist/floodgate/${name}-accesses.js`,
      ]);
    }
  });
  after(() => rm(folder, { recursive: true }));

  it("alert as the replay does, once, though every notification comes twice", async () => {
    const script = join(folder, "run-audit.mjs");
    for (const file of ["run-audit.mjs", "play-aws.mjs"])
      await copyFile(`tests/support/${file}`, join(folder, file));
    const logs = readdirSync(LOGS).map((name) => join(LOGS, name));
    const env = { PATH: process.env["PATH"] };
    const { stdout } = await run(process.execPath, [script, folder, ...logs], {
      env,
      maxBuffer: 1 << 26,
    });
    const outcome = JSON.parse(stdout) as Outcome;
    const replay = await run(
      process.execPath,
      ["dist/cli/floodgate.js", "replay", "--json", "--quiet", LOGS],
      { maxBuffer: 1 << 28 },
    ).catch((error: unknown) => error as { stdout: string });
    const expected = JSON.parse(replay.stdout) as Replayed;

    assert.deepEqual(outcome.failures, []);
    assert.equal(outcome.lines, expected.parsed);
    const inOrder = (rows: unknown[][]): unknown[][] =>
      rows.sort((a, b) => (String(a) < String(b) ? -1 : 1));
    assert.deepEqual(
      inOrder(
        outcome.incidents.map(({ rule, client, bucket, from, to, windows }) => [
          rule,
          client,
          bucket,
          new Date(from).toISOString(),
          new Date(to).toISOString(),
          Object.values(windows).reduce((sum, n) => sum + n, 0),
        ]),
      ),
      inOrder(
        expected.alerts.map(({ rule, client, bucket, from, to, count }) => [
          rule,
          client,
          bucket,
          from,
          to,
          count,
        ]),
      ),
    );
    assert.deepEqual(
      new Set(outcome.alerts.map(({ subject }) => subject)),
      new Set(expected.alerts.map(({ subject }) => subject)),
    );
  });
});
