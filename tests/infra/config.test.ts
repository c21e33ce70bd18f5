import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { readConfig } from "../../infra/config";
import { settingsFrom } from "../../cli/settings";
import {
  DEFAULT_RULES,
  DEFAULT_SETTINGS,
  readStackSettings,
} from "../../functions/rules/stack-settings";

describe("readConfig", () => {
  before(async () => {
    await pulumi.runtime.setMocks(
      { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
      "floodgate",
      "dev",
      true,
    );
  });

  it("reads Pulumi.dev.yaml as the command line does", () => {
    const { config } = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as {
      config: Record<string, unknown>;
    };
    for (const [key, value] of Object.entries(config)) {
      pulumi.runtime.setConfig(key, typeof value === "string" ? value : JSON.stringify(value));
    }

    const settings = readConfig();

    assert.equal(settings.mode, "observe");
    assert.deepEqual(settings.trust, ["alb"]);
    assert.deepEqual(settings.rules, DEFAULT_RULES);
    assert.deepEqual(settings, settingsFrom({ stack: "dev" }));
  });

  it("names what is wrong", () => {
    pulumi.runtime.setConfig("floodgate:allow", '["office"]');
    assert.throws(
      () => readConfig(),
      /"allow.0": got "office", allowed is an address or CIDR block/,
    );
  });

  it("needs no key: Pulumi.yaml describes each and gives it a default", () => {
    const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
      config: Record<string, { type: string; description: string; default: unknown }>;
    };
    for (const [key, declared] of Object.entries(config)) {
      assert.ok(declared.default !== undefined, `Pulumi would demand ${key}`);
      assert.ok(declared.description.length > 20);
    }
    const defaults = Object.entries(config).map(
      ([key, declared]) => [key.replace("floodgate:", ""), declared.default] as const,
    );
    assert.deepEqual(readStackSettings(Object.fromEntries(defaults)), DEFAULT_SETTINGS);
  });
});
