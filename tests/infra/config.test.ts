import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { readConfig } from "../../infra/config";
import { settle } from "../../infra/intrusion-prevention-args";
import { settingsFrom } from "../../cli/settings";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import { logOf } from "../../functions/rules/rule";
import { DEFAULT_SETTINGS, readStackSettings } from "../../functions/rules/stack-settings";

/** What Pulumi hands to the program in a stack that says nothing. */
function declaredDefaults(): Record<string, string> {
  const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
    config: Record<string, { default: unknown }>;
  };
  return Object.fromEntries(
    Object.entries(config).map(([key, { default: value }]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

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

    const { intrusionPrevention, hasWebTier } = readConfig();
    const replayed = settingsFrom({ stack: "dev" });

    assert.ok(intrusionPrevention);
    assert.equal(hasWebTier, false);
    const { rules, mode, allow, trust, ipv4Prefix, ipv6Prefix, maxBlocksPerMinute } =
      intrusionPrevention;
    assert.equal(mode, "observe");
    assert.deepEqual(rules, NGINX_RULES);
    assert.deepEqual(
      { mode, allow, trust, maxBlocksPerMinute, prefixes: { ipv4Prefix, ipv6Prefix } },
      {
        mode: replayed.mode,
        allow: replayed.allow,
        trust: replayed.trust,
        maxBlocksPerMinute: replayed.maxBlocksPerMinute,
        prefixes: replayed.prefixes,
      },
    );
    assert.deepEqual(
      replayed.rules.filter((rule) => logOf(rule) === "nginx"),
      rules,
    );
  });

  it("makes what the component makes by itself, when a stack says nothing", () => {
    pulumi.runtime.setAllConfig(declaredDefaults());
    const { intrusionPrevention, hasWebTier } = readConfig();
    assert.ok(intrusionPrevention);
    assert.deepEqual(settle(intrusionPrevention), settle({}));
    assert.equal(hasWebTier, false);
  });

  it("makes only what a stack wants", () => {
    pulumi.runtime.setAllConfig({
      ...declaredDefaults(),
      "floodgate:intrusionPrevention": "false",
    });
    assert.equal(readConfig().intrusionPrevention, undefined);
  });

  for (const [key, text, expected] of [
    ["rateLimit", "100/300", { rateLimit: { requests: 100, perSeconds: 300 } }],
    ["rateLimit", "off", { rateLimit: false }],
    [
      "forwardedIp",
      "X-Real-IP FIRST",
      { forwardedIp: { headerName: "X-Real-IP", position: "FIRST" }, rateLimit: false },
    ],
    ["forwardedIp", "off", { forwardedIp: undefined }],
    ["stream", "ON_DEMAND", { stream: "ON_DEMAND" }],
    ["stream", "4", { stream: 4 }],
    ["blockBody", "go away", { blockResponse: { status: 403, body: "go away" } }],
    [
      "notifyTopic",
      "arn:aws:sns:eu-west-1:123456789012:a",
      { topicArn: "arn:aws:sns:eu-west-1:123456789012:a" },
    ],
  ] as const) {
    it(`reads ${key}: ${text}`, () => {
      pulumi.runtime.setAllConfig({ ...declaredDefaults(), [`floodgate:${key}`]: text });
      const { intrusionPrevention } = readConfig();
      assert.ok(intrusionPrevention);
      assert.deepEqual(settle(intrusionPrevention), { ...settle({}), ...expected });
    });
  }

  for (const [key, text] of [
    ["rateLimit", "lots"],
    ["forwardedIp", "X-Forwarded-For"],
  ] as const) {
    it(`refuses ${key}: ${text}`, () => {
      pulumi.runtime.setAllConfig({ ...declaredDefaults(), [`floodgate:${key}`]: text });
      assert.throws(() => readConfig(), new RegExp(`"${key}": got "${text}", allowed is`));
    });
  }

  it("names what is wrong", () => {
    pulumi.runtime.setAllConfig({ "floodgate:allow": '["office"]' });
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

  it("has every key in the README's table of arguments", () => {
    const readme = readFileSync("README.md", "utf8");
    for (const key of Object.keys(declaredDefaults()))
      assert.ok(
        readme.includes(`\`${key.replace("floodgate:", "")}\``) || readme.includes(key),
        key,
      );
  });
});
