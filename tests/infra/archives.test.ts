import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { IntrusionPrevention } from "../../infra/intrusion-prevention";
import { register, unpack } from "../support/mocks";

const run = promisify(execFile);
const NAMES = ["parse", "count", "act", "expire"] as const;
const LOG = resolve("samples/logs/access.log.gz");

interface Decided {
  readonly client: string;
  readonly action: string;
  readonly from: number;
  readonly until: number;
  readonly rule: string;
  readonly level: number;
}

interface Outcome {
  readonly lines: number;
  readonly archived: number;
  readonly decisions: readonly Decided[];
  readonly inForce: Readonly<Record<string, readonly string[]>>;
  readonly atTheEnd: Readonly<Record<string, readonly string[]>>;
  readonly notices: readonly { readonly subject: string }[];
  readonly metrics: readonly string[];
}

const inOrder = (decisions: readonly Decided[]): Decided[] =>
  [...decisions].sort((a, b) => a.from - b.from || (a.client < b.client ? -1 : 1));

describe("the deployed archives", () => {
  let folder: string;
  const paths = new Map<string, string[]>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "floodgate-"));
    const seen = await register((opts) => new IntrusionPrevention("edge", {}, opts));
    for (const name of NAMES) {
      const fn = seen.find((one) => one.name === `edge-${name}`);
      assert.ok(fn);
      paths.set(name, await unpack(fn, join(folder, name)));
    }
  });
  after(() => rm(folder, { recursive: true }));

  for (const name of NAMES) {
    it(`${name}: holds the callback and its bundle, and is small`, async () => {
      assert.deepEqual(paths.get(name), ["__index.js", `dist/floodgate/${name}.js`]);
      const bundled = join(folder, name, `dist/floodgate/${name}.js`);
      assert.ok((await stat(join(folder, name, "__index.js"))).size < 20_000);
      assert.ok(gzipSync(readFileSync(bundled)).length < 400_000);
    });
  }

  it("decide as the replay does, end every block, and send one digest", async () => {
    const script = join(folder, "run-archives.mjs");
    for (const file of ["run-archives.mjs", "play-aws.mjs"])
      await copyFile(`tests/support/${file}`, join(folder, file));
    const env = {
      PATH: process.env["PATH"],
      REQUESTS: "edge-requests-name",
      FINDINGS: "edge-findings-name",
    };
    const { stdout } = await run(process.execPath, [script, folder, LOG], {
      env,
      maxBuffer: 1 << 26,
    });
    const outcome = JSON.parse(stdout) as Outcome;
    const replay = await run(
      process.execPath,
      ["dist/cli/floodgate.js", "replay", "--json", "--quiet", "--trust", "alb", LOG],
      { maxBuffer: 1 << 28 },
    );
    const expected = JSON.parse(replay.stdout) as {
      lines: number;
      decisions: (Omit<Decided, "from" | "until"> & { from: string; until: string })[];
    };
    assert.equal(outcome.archived, expected.lines);
    assert.ok(outcome.decisions.length > 0);
    assert.deepEqual(
      inOrder(outcome.decisions),
      inOrder(
        expected.decisions.map((one) => ({
          ...one,
          from: Date.parse(one.from),
          until: Date.parse(one.until),
        })),
      ),
    );
    assert.ok(Object.values(outcome.inForce).flat().length > 0);
    assert.deepEqual(Object.values(outcome.atTheEnd).flat(), []);
    assert.ok(outcome.notices.length > 0);
    assert.ok(outcome.metrics.includes("LinesRead"));
  });
});
