import assert from "node:assert/strict";
import fc from "fast-check";
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
    [{ where: { status: "499-400" } }, "where.status", /a number, or a range/],
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

  const HIDDEN: readonly (readonly [rule: object, fields: readonly string[]])[] = [
    [
      { per: ["client", "colour"], count: { distinct: "colour" }, moreThan: -1 },
      ["moreThan", "per.1", "count.distinct"],
    ],
    [
      { where: { status: "9x", colour: [], path: { not: [] }, client: "office" }, per: [] },
      ["where.colour", "where.path.not", "per", "where.status", "where.colour", "where.client"],
    ],
    [{ unusual: { factor: 4, atLeast: 10 }, count: { sum: "path" } }, ["unusual", "count.sum"]],
    [{ then: {}, where: { bucket: "b", key: "k", path: "/" } }, ["then", "where.path"]],
    [{ then: {}, where: { bucket: "b", method: "GET", path: "/" } }, ["then", "where.bucket"]],
    [{ then: { alert: "loud" }, per: ["client", "path"] }, ["then", "per.1"]],
    [{ where: ["status"], moreThan: -1 }, ["where", "moreThan"]],
  ];
  for (const [change, fields] of HIDDEN) {
    it(`names every mistake in ${JSON.stringify(change)}`, () => {
      const checked = checkRules([{ ...GOOD, ...change }]);
      assert.deepEqual(checked.ok ? [] : checked.mistakes.map(({ field }) => field), fields);
    });
  }

  it("says in its own words what is allowed, whatever stands in a rule", () => {
    const rule = {
      ...GOOD,
      description: "d",
      where: { status: ["400-499"], path: { is: "/a", not: ["/b"] } },
      unusual: { factor: 4, atLeast: 10 },
      mode: "block",
      other: 1,
    };
    const places = ["where.status", "where.path.is", "where.path.not", "count.distinct"].concat(
      ["count.sum", "then.blockSeconds", "then.maxBlockSeconds", "then.alert", "unusual.factor"],
      ["unusual.atLeast", "per.0", ...Object.keys(rule)],
    );
    const changeArb = fc.tuple(fc.constantFrom(...places), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(changeArb, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = structuredClone(rule) as Record<string, unknown>;
        for (const [place, value] of changes) {
          const [part, ...rest] = place.split(".");
          const [inner, innermost] = rest;
          if (inner === undefined) changed[part] = value;
          else if (innermost === undefined) changed[part] = { [inner]: value };
          else changed[part] = { [inner]: { [innermost]: value } };
        }
        const checked = checkRules([changed]);
        if (checked.ok) return;
        for (const mistake of checked.mistakes)
          assert.doesNotMatch(describeMistake(mistake), /invalid|too |expected|unrecognized/i);
      }),
      { numRuns: 2000 },
    );
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
      trust: ["alb", "2"],
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
          allow: ["office", 5],
          trust: ["elb", true],
          mode: "ban",
          ipv6Prefix: 8,
          rules: [{}],
        }),
      (error: Error) =>
        ["allow.0", "allow.1", "trust.0", "trust.1", "mode", "ipv6Prefix", "rule 1"].every((part) =>
          error.message.includes(part),
        ) && !/invalid|expected/i.test(error.message),
    );
  });
});
