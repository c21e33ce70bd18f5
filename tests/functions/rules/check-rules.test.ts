import assert from "node:assert/strict";
import { checkRules, describeMistake } from "../../../functions/rules/check-rules";
import { DEFAULT_RULES, readStackSettings } from "../../../functions/rules/stack-settings";

const GOOD = {
  name: "good",
  per: ["client"],
  count: "requests",
  moreThan: 5,
  withinSeconds: 30,
  then: { blockSeconds: 600 },
};

describe("checkRules", () => {
  it("accepts the default rules", () => {
    assert.equal(checkRules(JSON.parse(JSON.stringify(DEFAULT_RULES))).ok, true);
  });

  const cases: readonly (readonly [
    change: Readonly<Record<string, unknown>>,
    field: string,
    allowed: RegExp,
  ])[] = [
    [{ name: "Not Good" }, "name", /lower-case letters/],
    [{ withinSeconds: 0 }, "withinSeconds", /from 1 to 3,600/],
    [{ withinSeconds: 3601 }, "withinSeconds", /from 1 to 3,600/],
    [{ moreThan: -1 }, "moreThan", /from 0 to/],
    [{ moreThan: 1.5 }, "moreThan", /whole number/],
    [{ moreThan: "5" }, "moreThan", /whole number/],
    [{ per: [] }, "per", /1 to 8 fields/],
    [{ per: ["status"] }, "per.0", /one of client, method/],
    [{ per: ["client", "client"] }, "per", /each field once/],
    [{ count: "request" }, "count", /"requests", \{ distinct/],
    [{ count: { distinct: "colour" } }, "count.distinct", /one of client/],
    [{ count: { sum: "path" } }, "count.sum", /bytes/],
    [{ count: { distinct: "path" }, moreThan: 5000 }, "moreThan", /at most 2,000/],
    [{ then: { blockSeconds: 0 } }, "then.blockSeconds", /1 to 2,592,000/],
    [{ then: { alert: "loud" } }, "then", /low \| medium/],
    [
      { then: { blockSeconds: 600, maxBlockSeconds: 60 } },
      "then.maxBlockSeconds",
      /at least blockSeconds/,
    ],
    [{ unusual: { factor: 4, atLeast: 10 } }, "unusual", /only for rules on S3/],
    [{ unusual: { factor: 1, atLeast: 10 } }, "unusual.factor", /1.5 to 1,000/],
    [{ unusual: { factor: 4 } }, "unusual.atLeast", /from 1 to/],
    [{ mode: "ban" }, "mode", /observe, count, challenge, block/],
    [{ where: { colour: "red" } }, "where.colour", /a field of nginx logs: client, method/],
    [{ where: { status: "4xx" } }, "where.status", /a number, or a range/],
    [{ where: { client: "office" } }, "where.client", /CIDR block/],
    [{ where: { decodedUrl: "@nothing" } }, "where.decodedUrl", /@probe-paths/],
    [{ where: { path: { no: ["/x"] } } }, "where.path.no", /"is" and "not"/],
    [{ wihtinSeconds: 30 }, "wihtinSeconds", /no such field here/],
  ];
  for (const [change, field, allowed] of cases) {
    it(`names ${field} in ${JSON.stringify(change)}`, () => {
      const checked = checkRules([{ ...GOOD, ...change }]);
      assert.equal(checked.ok, false);
      const mistake = checked.ok ? undefined : checked.mistakes.find((one) => one.field === field);
      assert.ok(mistake, JSON.stringify(checked));
      assert.match(mistake.allowed, allowed);
    });
  }

  it("reports every mistake of every rule, by name or place", () => {
    const checked = checkRules([
      { ...GOOD, moreThan: -1, withinSeconds: 0 },
      { ...GOOD, name: undefined },
      7,
    ]);
    assert.equal(checked.ok, false);
    if (checked.ok) return;
    assert.deepEqual(
      checked.mistakes.map(({ rule, field }) => `${rule} ${field}`),
      ["good moreThan", "good withinSeconds", "rule 2 name", "rule 3 "],
    );
    assert.equal(
      describeMistake(checked.mistakes[1]),
      'rule "good", "withinSeconds": got 0, allowed is a whole number from 1 to 3,600',
    );
    assert.match(describeMistake(checked.mistakes[2]), /"name": is missing/);
  });

  it("refuses two rules of one name, and what is no list", () => {
    assert.equal(checkRules([GOOD, GOOD]).ok, false);
    assert.equal(checkRules({}).ok, false);
  });
});

describe("readStackSettings", () => {
  it("has defaults for everything", () => {
    assert.deepEqual(readStackSettings({}), {
      rules: DEFAULT_RULES,
      allow: [],
      trust: ["alb"],
      mode: "block",
      prefixes: { ipv4Prefix: 32, ipv6Prefix: 64 },
      exempt: [],
      maxBlocksPerMinute: 100,
    });
  });

  it("takes an empty list of rules for the default rules", () => {
    assert.deepEqual(readStackSettings({ rules: [] }).rules, DEFAULT_RULES);
  });

  it("reads what a stack says", () => {
    const settings = readStackSettings({
      rules: [GOOD],
      allow: ["192.0.2.0/24"],
      trust: ["alb", 2],
      mode: "count",
      ipv6Prefix: 56,
    });
    assert.deepEqual(
      settings.rules.map(({ name }) => name),
      ["good"],
    );
    assert.deepEqual(settings.trust, ["alb", "2"]);
    assert.equal(settings.prefixes.ipv6Prefix, 56);
  });

  it("names every wrong key", () => {
    assert.throws(
      () =>
        readStackSettings({
          allow: ["office"],
          trust: ["elb"],
          mode: "ban",
          ipv6Prefix: 8,
          rules: [{}],
        }),
      (error: Error) =>
        ["allow.0", "trust.0", "mode", "ipv6Prefix", "rule 1"].every((part) =>
          error.message.includes(part),
        ),
    );
  });
});
