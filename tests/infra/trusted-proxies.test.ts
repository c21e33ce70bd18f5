import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make } from "../support/intrusion-prevention";
import { LISTED_RANGES, unpack, type Registered } from "../support/mocks";

describe("trusted proxies", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "floodgate-"));
  });
  after(() => rm(folder, { recursive: true }));

  /** What a deployed function was given. */
  async function trustedBy(seen: readonly Registered[], name: string): Promise<unknown> {
    const fn = seen.find((one) => one.name === `edge-${name}`);
    assert.ok(fn);
    await unpack(fn, join(folder, name));
    const code = await readFile(join(folder, name, "__index.js"), "utf8");
    const [, list] = /trust = (\[.*\]);/.exec(code) ?? [];
    assert.ok(list, code);
    return JSON.parse(list);
  }

  it("are those that AWS lists for CloudFront today, beside those that are named", async () => {
    const seen = await make({ trust: ["alb", "cloudfront"] });
    for (const name of ["parse", "count"])
      assert.deepEqual(await trustedBy(seen, name), ["alb", "cloudfront", ...LISTED_RANGES]);
  });

  it("are those that are named, where none of them is CloudFront", async () => {
    const seen = await make({ trust: ["alb", "192.0.2.0/24"] });
    for (const name of ["parse", "count"])
      assert.deepEqual(await trustedBy(seen, name), ["alb", "192.0.2.0/24"]);
  });
});
