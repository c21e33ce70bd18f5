import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftOutBy, readStack } from "../../cli/stack-file";
import { UsageError } from "../../cli/usage-error";
import { DEFAULT_SETTINGS } from "../../functions/rules/stack-settings";

describe("readStack", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "floodgate-stack-"))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, lines: readonly string[]): void => {
    writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(""));
  };
  const stackOf = (...config: string[]): void => {
    write("Pulumi.dev.yaml", ["config:", ...config.map((line) => `  ${line}`)]);
  };

  it("reads what `pulumi config set` writes: every number as text", () => {
    stackOf('floodgate:ipv6Prefix: "56"', 'floodgate:maxBlocksPerMinute: "5"');
    const { prefixes, maxBlocksPerMinute } = readStack("dev", folder);
    assert.deepEqual([prefixes.ipv6Prefix, maxBlocksPerMinute], [56, 5]);
  });

  it("takes a key without a project's name for one of this project", () => {
    stackOf("allow: [192.0.2.1]", "other:mode: none", "aws:region: eu-west-1");
    assert.deepEqual(readStack("dev", folder).allow, ["192.0.2.1"]);
  });

  it("takes it for another's in a project of another name", () => {
    write("Pulumi.yaml", ["name: shop"]);
    stackOf("allow: [192.0.2.1]", "floodgate:mode: count");
    const { allow, mode } = readStack("dev", folder);
    assert.deepEqual([allow, mode], [[], "count"]);
  });

  it("takes the project's default for what the stack leaves out", () => {
    write("Pulumi.yaml", [
      "name: floodgate",
      "config:",
      "  floodgate:mode: { type: string, default: challenge }",
      "  floodgate:allow: { type: array, items: { type: string }, default: [192.0.2.1] }",
      "  maxBlocksPerMinute: { value: 7 }",
      "  ipv4Prefix: 24",
    ]);
    stackOf("floodgate:allow: [192.0.2.2]");
    const settings = readStack("dev", folder);
    assert.deepEqual(settings, {
      ...DEFAULT_SETTINGS,
      mode: "challenge",
      allow: ["192.0.2.2"],
      maxBlocksPerMinute: 7,
      prefixes: { ...settings.prefixes, ipv4Prefix: 24 },
    });
  });

  it("says which pipelines a stack leaves out", () => {
    stackOf("floodgate:mode: count");
    assert.deepEqual([...leftOutBy("dev", folder)], [["s3", "s3AnomalyDetection"]]);
    stackOf('floodgate:s3AnomalyDetection: "true"', "floodgate:intrusionPrevention: false");
    assert.deepEqual([...leftOutBy("dev", folder)], [["nginx", "intrusionPrevention"]]);
  });

  it("names every mistake, and the file", () => {
    stackOf("floodgate:mode: ban", 'floodgate:ipv6Prefix: "5x"');
    assert.throws(
      () => readStack("dev", folder),
      (error) =>
        error instanceof UsageError &&
        /Pulumi\.dev\.yaml:\n"mode": got "ban", .*\n"ipv6Prefix": got "5x", allowed is a whole number from 16 to 128$/.test(
          error.message,
        ),
    );
  });

  it("refuses a number of hops that Pulumi would refuse for being no text", () => {
    stackOf("floodgate:trust: [2]");
    assert.throws(() => readStack("dev", folder), /"trust\.0": got 2, allowed is a text: .* hops/);
    stackOf('floodgate:trust: ["2"]');
    assert.deepEqual(readStack("dev", folder).trust, ["2"]);
  });

  it("refuses files that are not there, or no YAML", () => {
    assert.throws(() => readStack("dev", folder), /Pulumi\.dev\.yaml: cannot be read/);
    stackOf("- [");
    assert.throws(() => readStack("dev", folder), /Pulumi\.dev\.yaml: is neither YAML nor JSON/);
  });
});
