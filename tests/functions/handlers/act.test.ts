import assert from "node:assert/strict";
import type { Notice } from "../../../functions/acting/digest";
import { toMessage } from "../../../functions/counting/finding-message";
import type { Finding } from "../../../functions/counting/finding";
import { actOnFindings } from "../../../functions/handlers/act";
import { expireBlocks } from "../../../functions/handlers/expire";
import type { Rule } from "../../../functions/rules/rule";
import { FakeClock, FakeLedger, FakeReport, FakeWaf } from "../../support/fakes";
import { START } from "../../support/rows";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RULE: Rule = {
  name: "flood",
  per: ["client"],
  count: "requests",
  moreThan: 3,
  withinSeconds: 30,
  then: { blockSeconds: 3600 },
};

const finding = (client: string, change: Partial<Finding> = {}): Finding => ({
  rule: "flood",
  key: { client },
  count: 4,
  first: START - 3000,
  at: START - 1000,
  durationMs: 12,
  client,
  address: client,
  isBlockable: true,
  sample: {
    time: START - 1000,
    client,
    method: "GET",
    path: "/login",
    query: "",
    status: 200,
    bytes: 0,
    referer: "",
    userAgent: "test",
  },
  ...change,
});

class Setup {
  readonly clock = new FakeClock(START);
  readonly ledger = new FakeLedger();
  readonly waf = new FakeWaf(this.clock);
  readonly metrics = new FakeReport();
  readonly notices: Notice[] = [];
  readonly ports = {
    ledger: this.ledger,
    sets: [this.waf.set("block", "ipv4"), this.waf.set("block", "ipv6")],
    notify: (notice: Notice): Promise<void> => {
      this.notices.push(notice);
      return Promise.resolve();
    },
    report: this.metrics.report,
    now: this.clock.now,
    pause: this.clock.pause,
  };
  allow: readonly string[] = ["203.0.113.0/28"];
  maxBlocksPerMinute = 20_000;
  rules: readonly Rule[] = [RULE, { ...RULE, name: "watch", mode: "observe" }];

  act(...findings: readonly Finding[]): Promise<void> {
    return this.actOn(findings.map((one) => JSON.stringify(toMessage(one))));
  }

  actOn(texts: readonly string[], callback = this.container()): Promise<void> {
    const Records = texts.map((text) => ({
      kinesis: { data: Buffer.from(text).toString("base64") },
    }));
    return callback({ Records } as unknown as Parameters<typeof callback>[0]);
  }

  /** A fresh one: nothing is left in memory. */
  container(): ReturnType<typeof actOnFindings> {
    return actOnFindings(this.settings(), this.ports);
  }

  expire(): Promise<void> {
    return expireBlocks(this.settings(), this.ports)();
  }

  ipv4(): readonly string[] {
    return this.waf.contents.get("block-ipv4") ?? [];
  }

  private settings(): Parameters<typeof actOnFindings>[0] {
    const { allow, maxBlocksPerMinute, rules } = this;
    return {
      component: "edge",
      tableName: "t",
      indexName: "i",
      topicArn: "arn",
      scope: "REGIONAL",
      sets: [],
      rules,
      allow,
      maxBlocksPerMinute,
    };
  }
}

describe("actOnFindings", () => {
  it("blocks whom a finding names, in the set of its family", async () => {
    const setup = new Setup();
    await setup.act(finding("192.0.2.1"), finding("2001:db8::/64"));
    assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
    assert.deepEqual(setup.waf.contents.get("block-ipv6"), ["2001:db8::/64"]);
    assert.deepEqual(setup.ledger.decisions.get("192.0.2.1/32 " + String(START - 1000)), {
      client: "192.0.2.1/32",
      action: "block",
      from: START - 1000,
      until: START - 1000 + HOUR,
      rule: "flood",
      level: 0,
      evidence: "4 within 2 s, the last one GET /login (200)",
      by: "rule",
      foundAt: START - 1000,
      decidedAt: START,
    });
    assert.equal(setup.metrics.last["Blocks"], 2);
    assert.equal(setup.metrics.last["DecisionDelayMs"], 1000 + setup.clock.time - START);
  });

  it("changes nothing when the same findings come again", async () => {
    const setup = new Setup();
    const batch = [finding("192.0.2.1"), finding("192.0.2.2")];
    await setup.act(...batch);
    const { size } = setup.ledger.decisions;
    const writes = [...setup.waf.writes];
    await setup.act(...batch);
    setup.clock.time += 2 * HOUR;
    await setup.act(...batch);
    assert.equal(setup.ledger.decisions.size, size);
    assert.deepEqual(setup.waf.writes, writes);
  });

  it("blocks a repeat offender for longer, from what the table remembers", async () => {
    const setup = new Setup();
    await setup.act(finding("192.0.2.1"));
    setup.clock.time = START + 2 * HOUR;
    await setup.act(finding("192.0.2.1", { at: START + 2 * HOUR }));
    const second = [...setup.ledger.decisions.values()][1];
    assert.equal(second.level, 1);
    assert.equal(second.until - second.from, 2 * HOUR);
  });

  for (const [what, client, change] of [
    ["an allowed address", "203.0.113.5", {}],
    ["the load balancer's own address", "10.0.0.9", { isBlockable: false }],
    ["nobody", undefined, {}],
    ["whom a rule found that is gone", "192.0.2.1", { rule: "gone" }],
  ] as const) {
    it(`spares ${what}, and says so`, async () => {
      const setup = new Setup();
      await setup.act({ ...finding(client ?? ""), client, ...change });
      assert.equal(setup.ledger.decisions.size, 0);
      assert.deepEqual(setup.waf.writes, []);
      assert.equal(setup.metrics.last["FindingsSpared"], 1);
    });
  }

  it("only writes down what a rule that observes finds", async () => {
    const setup = new Setup();
    await setup.act(finding("192.0.2.1", { rule: "watch" }));
    assert.equal([...setup.ledger.decisions.values()][0].action, "observe");
    assert.deepEqual(setup.waf.writes, []);
  });

  it("passes over what is no finding", async () => {
    const setup = new Setup();
    await setup.actOn(["no JSON", "null", "{}", JSON.stringify(toMessage(finding("192.0.2.1")))]);
    assert.equal(setup.ledger.decisions.size, 1);
  });

  it("blocks from now for the whole time when a web server's clock is an hour wrong", async () => {
    for (const wrong of [-HOUR, HOUR]) {
      const setup = new Setup();
      await setup.act(finding("192.0.2.1", { at: START + wrong, first: START + wrong }));
      const [decision] = [...setup.ledger.decisions.values()];
      assert.deepEqual([decision.from, decision.until], [START, START + HOUR]);
      assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
    }
  });

  it("counts only, past the limit of a minute, and sends one notice", async () => {
    const setup = new Setup();
    setup.maxBlocksPerMinute = 3;
    const crowd = (n: number): Finding[] =>
      Array.from({ length: 3 }, (_, i) => finding(`192.0.2.${10 * n + i}`));
    await setup.act(...crowd(1));
    await setup.act(...crowd(2));
    await setup.act(...crowd(3));
    const actions = [...setup.ledger.decisions.values()].map(({ action }) => action);
    assert.deepEqual(actions, [
      "block",
      "block",
      "block",
      "count",
      "count",
      "count",
      "count",
      "count",
      "count",
    ]);
    assert.equal(setup.metrics.sums["MassBlocks"], 1);
    assert.deepEqual(
      setup.notices.map(({ subject }) => subject),
      ["Floodgate edge: 3 block", "Floodgate edge: more than 3 new blocks in a minute"],
    );
  });

  it("sends a digest in ten minutes at most once, of all that was decided since", async () => {
    const setup = new Setup();
    await setup.act(finding("192.0.2.1"));
    setup.clock.time += 1;
    await setup.act(finding("192.0.2.2"));
    await setup.expire();
    assert.equal(setup.notices.length, 1);
    setup.clock.time += 10 * MINUTE;
    await setup.act(finding("192.0.2.3", { at: setup.clock.time }));
    await setup.expire();
    assert.equal(setup.notices.length, 2);
    assert.match(setup.notices[1].message, /192\.0\.2\.3\/32[^]*192\.0\.2\.2\/32/);
    assert.match(setup.notices[1].subject, /^[ -~]{1,99}$/);
  });

  it("fails the batch when the table cannot be written, and decides when it comes again", async () => {
    const setup = new Setup();
    setup.ledger.isDown = true;
    await assert.rejects(setup.act(finding("192.0.2.1")), /InternalServerError/);
    assert.deepEqual(setup.waf.writes, []);
    setup.ledger.isDown = false;
    await setup.act(finding("192.0.2.1"));
    assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
  });

  it("loses nobody when the table refuses a write in the middle of a batch", async () => {
    const setup = new Setup();
    const container = setup.container();
    const act = (...clients: string[]): Promise<void> =>
      setup.actOn(
        clients.map((client) => JSON.stringify(toMessage(finding(client)))),
        container,
      );
    await act("192.0.2.9");
    setup.ledger.refuses = "192.0.2.3/32";
    await assert.rejects(act("192.0.2.1", "192.0.2.3", "192.0.2.5"), /InternalServerError/);
    setup.ledger.refuses = undefined;
    await act("192.0.2.1", "192.0.2.3", "192.0.2.5");
    assert.deepEqual(setup.ipv4(), [
      "192.0.2.1/32",
      "192.0.2.3/32",
      "192.0.2.5/32",
      "192.0.2.9/32",
    ]);
    assert.equal(setup.ledger.decisions.size, 4);
  });

  it("reads and merges again when its lock token is stolen five times in a row", async () => {
    const setup = new Setup();
    let thefts = 0;
    setup.waf.trouble = () => {
      if (thefts < 5) setup.waf.edit("block-ipv4", [`192.0.2.${100 + thefts++}/32`]);
      return undefined;
    };
    await setup.act(finding("192.0.2.1"));
    assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
    assert.equal(setup.metrics.last["IpSetFailures"], 0);
  });

  it("leaves the rest to the next minute when WAF is throttled or broken for ten minutes", async () => {
    const setup = new Setup();
    setup.waf.trouble = () => (setup.clock.time < START + 10 * MINUTE ? "busy" : undefined);
    await setup.act(finding("192.0.2.1"));
    assert.equal(setup.ledger.decisions.size, 1);
    assert.equal(setup.metrics.last["IpSetFailures"], 1);
    for (let minute = 1; minute <= 9; minute++) {
      setup.clock.time = START + minute * MINUTE;
      await setup.expire();
      assert.ok(setup.clock.time < START + (minute + 1) * MINUTE);
      assert.equal(setup.metrics.last["IpSetFailures"], 1);
    }
    setup.clock.time = START + 10 * MINUTE;
    await setup.expire();
    assert.equal(setup.metrics.last["IpSetFailures"], 0);
    assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
  });
});

describe("expireBlocks", () => {
  it("lets a block end when it says that it ends", async () => {
    const setup = new Setup();
    await setup.act(finding("192.0.2.1"));
    setup.clock.time = START - 1000 + HOUR - 1;
    await setup.expire();
    assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
    setup.clock.time += 1;
    await setup.expire();
    assert.deepEqual(setup.ipv4(), []);
    assert.equal(setup.metrics.last["DecisionsInForce"], 0);
  });

  for (const [what, addresses] of [
    ["an emptied set", []],
    ["an address that was added by hand", ["192.0.2.1/32", "198.51.100.1/32"]],
    ["addresses of blocks that have ended", ["198.51.100.1/32"]],
  ] as const) {
    it(`puts right ${what}`, async () => {
      const setup = new Setup();
      await setup.act(finding("192.0.2.1"));
      setup.waf.edit("block-ipv4", addresses);
      setup.clock.time += MINUTE;
      await setup.expire();
      assert.deepEqual(setup.ipv4(), ["192.0.2.1/32"]);
    });
  }

  it("writes nothing when the sets are as they should be, however WAF writes its addresses", async () => {
    const setup = new Setup();
    await setup.act(finding("2001:db8::/64"));
    setup.waf.edit("block-ipv6", ["2001:0db8:0000:0000:0000:0000:0000:0000/64"]);
    const writes = [...setup.waf.writes];
    setup.clock.time += MINUTE;
    await setup.expire();
    assert.deepEqual(setup.waf.writes, writes);
  });

  it("frees an address that is allowed while it is blocked, with its neighbours left in", async () => {
    const setup = new Setup();
    await setup.act(finding("192.0.2.0/30"));
    setup.allow = ["192.0.2.1"];
    setup.clock.time += MINUTE;
    await setup.expire();
    assert.deepEqual(setup.ipv4(), ["192.0.2.0/32", "192.0.2.2/31"]);
  });

  it("keeps the newest of 10,001 blocked addresses and says how full the set is", async () => {
    const setup = new Setup();
    const clients = Array.from(
      { length: 10_001 },
      (_, i) => `198.${18 + (i >> 15)}.${(i >> 7) & 255}.${(2 * i) & 255}`,
    );
    const findings = clients.map((client, i) => finding(client, { at: START - 20_000 + i }));
    for (let i = 0; i < findings.length; i += 1000) await setup.act(...findings.slice(i, i + 1000));
    setup.clock.time += MINUTE;
    await setup.expire();
    assert.equal(setup.ipv4().length, 10_000);
    assert.ok(!setup.ipv4().includes(`${clients[0]}/32`));
    assert.equal(setup.metrics.last["IpSetFillPercent"], 100);
    assert.equal(setup.metrics.last["ClientsLeftOut"], 1);
  });
});
