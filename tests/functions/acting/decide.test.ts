import assert from "node:assert/strict";
import { Decider, type DecideSettings } from "../../../functions/acting/decide";
import type { Decision } from "../../../functions/acting/decision";
import type { Finding } from "../../../functions/counting/finding";
import type { Mode, Rule } from "../../../functions/rules/rule";
import { START } from "../../support/rows";

const rule = (name: string, mode: Mode, then: Rule["then"] = { blockSeconds: 600 }): Rule => ({
  name,
  per: ["client"],
  count: "requests",
  moreThan: 1,
  withinSeconds: 10,
  then,
  mode,
});
const RULES = [
  rule("block", "block"),
  rule("count", "count"),
  rule("capped", "block", { blockSeconds: 600, maxBlockSeconds: 1000 }),
];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const finding = (change: Partial<Finding>): Finding => ({
  rule: "block",
  key: { client: "192.0.2.1" },
  count: 2,
  first: START,
  at: START,
  durationMs: 0,
  client: "192.0.2.1",
  address: "192.0.2.1",
  isBlockable: true,
  sample: {
    time: START,
    client: "192.0.2.1",
    method: "GET",
    path: "/x",
    query: "secret=1",
    status: 200,
    bytes: 1,
    referer: "",
    userAgent: "",
  },
  ...change,
});
const decider = (change: Partial<DecideSettings> = {}): Decider =>
  new Decider({ rules: RULES, ...change });

describe("Decider", () => {
  it("blocks from the finding on for the rule's time", () => {
    const outcome = decider().decide(finding({ at: START + 5 }));
    assert.deepEqual(outcome, {
      kind: "decided",
      decision: {
        client: "192.0.2.1/32",
        action: "block",
        from: START + 5,
        until: START + 5 + 600_000,
        rule: "block",
        level: 0,
        evidence: "2 within 0 s, the last one GET /x (200)",
        by: "rule",
        foundAt: START + 5,
        decidedAt: START + 5,
      },
    });
  });

  it("folds further findings of a client into the decision in force", () => {
    const one = decider();
    one.decide(finding({}));
    assert.equal(one.decide(finding({ at: START + 599_999 })).kind, "folded");
    assert.equal(one.decide(finding({ at: START + 1, rule: "count" })).kind, "folded");
    assert.equal(one.decide(finding({ at: START + 600_000 })).kind, "decided");
  });

  it("lets a more severe rule take over", () => {
    const one = decider();
    one.decide(finding({ rule: "count" }));
    const outcome = one.decide(finding({ at: START + 1 }));
    assert.equal(outcome.kind === "decided" && outcome.decision.action, "block");
    assert.equal(outcome.kind === "decided" && outcome.decision.level, 0);
  });

  it("doubles the time of a repeat offender up to the cap", () => {
    const lengths = (name: string): number[] => {
      const one = decider();
      let at = START;
      return [0, 1, 2].map(() => {
        const outcome = one.decide(finding({ rule: name, at }));
        assert.equal(outcome.kind, "decided");
        if (outcome.kind !== "decided") return 0;
        at = outcome.decision.until;
        return (outcome.decision.until - outcome.decision.from) / 1000;
      });
    };
    assert.deepEqual(lengths("block"), [600, 1200, 2400]);
    assert.deepEqual(lengths("capped"), [600, 1000, 1000]);
  });

  it("forgives a level for each day without a block", () => {
    const one = decider();
    const levelAt = (at: number): number => {
      const outcome = one.decide(finding({ at }));
      return outcome.kind === "decided" ? outcome.decision.level : -1;
    };
    assert.equal(levelAt(START), 0);
    assert.equal(levelAt(START + HOUR), 1);
    assert.equal(levelAt(START + 2 * HOUR), 2);
    assert.equal(levelAt(START + 27 * HOUR), 2);
    assert.equal(levelAt(START + 200 * HOUR), 0);
  });

  it("spares allowed clients, ranges that hold one, proxies, and findings without a client", () => {
    const one = decider({ allow: ["192.0.2.0/24", "2001:db8::7"] });
    const reasonOf = (change: Partial<Finding>): string => {
      const outcome = one.decide(finding(change));
      return outcome.kind === "spared" ? outcome.reason : outcome.kind;
    };
    assert.equal(reasonOf({}), "allowed");
    assert.equal(reasonOf({ client: "2001:db8::/64" }), "allowed");
    assert.equal(reasonOf({ client: "2001:db8:0:1::/64" }), "decided");
    assert.equal(reasonOf({ client: "198.51.100.1", isBlockable: false }), "not blockable");
    assert.equal(reasonOf({ client: undefined }), "no client");
  });

  it("goes no further than the ceiling", () => {
    const outcome = decider({ ceiling: "observe" }).decide(finding({}));
    assert.equal(outcome.kind === "decided" && outcome.decision.action, "observe");
  });

  it("only counts what is beyond the limit of a minute, and says so once", () => {
    const one = decider({ maxBlocksPerMinute: 3 });
    const actions = [1, 2, 3, 4, 5].map((i) => {
      const outcome = one.decide(finding({ client: `192.0.2.${String(i)}` }));
      return outcome.kind === "decided" ? outcome.decision.action : outcome.kind;
    });
    assert.deepEqual(actions, ["block", "block", "block", "count", "count"]);
    assert.deepEqual(one.massBlocks, [Math.floor(START / MINUTE) * MINUTE]);
    const later = one.decide(finding({ client: "192.0.2.5", at: START + MINUTE }));
    assert.equal(later.kind === "decided" && later.decision.action, "block");
  });

  it("spares whom a rule found that is gone", () => {
    assert.deepEqual(decider().decide(finding({ rule: "other" })), {
      kind: "spared",
      reason: "unknown rule",
    });
  });

  it("blocks a single IPv6 address where clients are counted so", () => {
    const outcome = decider().decide(finding({ client: "2001:db8::1" }));
    assert.equal(outcome.kind === "decided" && outcome.decision.client, "2001:db8::1/128");
  });

  it("goes on from the newest decision on a client, in whatever order they are recalled", () => {
    const made = (at: number): Decision => {
      const outcome = decider().decide(finding({ at }));
      assert.equal(outcome.kind, "decided");
      return outcome.decision;
    };
    const [older, newer] = [made(START), made(START + HOUR)];
    for (const order of [
      [older, newer],
      [newer, older],
    ]) {
      const one = decider();
      for (const decision of order) one.recall(decision);
      assert.deepEqual(one.decide(finding({ at: START + HOUR + 1 })), {
        kind: "folded",
        decision: newer,
      });
    }
  });

  it("refuses to begin with something in `allow` that is no address", () => {
    assert.throws(() => decider({ allow: ["the office"] }), /ipaddr/);
  });
});
