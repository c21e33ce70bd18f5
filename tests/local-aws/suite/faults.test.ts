import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { covers, decisionsIn, hear, inSets, ship, tellTroubles, until } from "../aws";
import type { FaultRule } from "../front/faults";
import { Stack } from "../stack";
import { requestLine } from "../traffic/visitors";
import { World } from "../world";

/** The three writes on the way of a block. */
const WRITES = [
  { service: "kinesis", action: "PutRecords" },
  { service: "dynamodb", action: "PutItem" },
  { service: "wafv2", action: "UpdateIPSet" },
];
const atEachWrite = (fault: FaultRule["fault"], times: number): FaultRule[] =>
  WRITES.map((write) => ({ ...write, fault, share: 1, times }));

const RULE = {
  name: "flood",
  per: ["client"],
  count: "requests",
  moreThan: 20,
  withinSeconds: 30,
  then: { blockSeconds: 3600 },
};

/** What strikes, how often at least, and whether batches come twice. */
const CASES: readonly (readonly [string, readonly FaultRule[], number, boolean?])[] = [
  ["calls are refused for coming too often", atEachWrite("throttle", 2), 6],
  ["services answer with 500", atEachWrite("error", 2), 6],
  ["a call is never answered", [{ ...WRITES[1], fault: "silence", share: 1, times: 1 }], 1],
  ["answers get lost", atEachWrite("lost-answer", 1), 3],
  ["functions are killed in the middle", atEachWrite("kill", 1), 3],
  ["lock tokens are lost", [{ ...WRITES[2], fault: "lost-token", share: 1, times: 3 }], 3],
  ["everything is delivered twice", [], 1, true],
];

describe("a block comes all the same when", () => {
  let world: World;
  let outputs: Record<string, string>;
  let failuresUrl: string;
  const attackers: string[] = [];

  before(async () => {
    world = await World.open();
    const stack = await Stack.init(world, "dev", { mode: "block", rules: [RULE] });
    await stack.up();
    outputs = (await stack.outputs())["intrusionPrevention"];
    failuresUrl = await stack.idOf("edge-failures");
  });
  after(async function () {
    tellTroubles(world, this.test?.parent);
    await world.close();
  });
  afterEach(() => {
    world.services.faults.clear();
  });

  for (const [what, rules, least, isTwice = false] of CASES)
    it(what, async () => {
      world.services.faults.set(rules, { duplicates: isTwice ? 1 : 0 });
      const struckBefore = struck();
      await attackAndSeeBlocked(120);
      assert.ok(struck() - struckBefore >= least, JSON.stringify(world.services.faults.struck));
    });

  for (const [service, seconds] of [
    ["kinesis", 20],
    ["dynamodb", 120],
    ["wafv2", 20],
  ] as const)
    it(`${service} is out of order for ${seconds} seconds`, async () => {
      world.services.faults.set([{ fault: "error", service, share: 1 }]);
      const mend = pause(seconds * 1000).then(() => {
        world.services.faults.clear();
      });
      await attackAndSeeBlocked(seconds + 90);
      await mend;
    });

  it("and every attacker was decided on once", async () => {
    const decisions = await decisionsIn(world, outputs["decisionsTableName"]);
    const clients = decisions.map(({ client }) => client);
    assert.deepEqual(clients.sort(), attackers.map((one) => `${one}/32`).sort());
    assert.deepEqual(await hear(world, failuresUrl, 2), []);
  });

  it("but what can never be published is given up to the failures queue, and the next one is blocked", async () => {
    world.services.faults.set([{ fault: "error", service: "kinesis", caller: "-count", share: 1 }]);
    await attack("198.51.100.99");
    const [message] = await until("it is given up", 200, async () => {
      const messages = await hear(world, failuresUrl, 1);
      return messages.length > 0 && messages;
    });
    const { requestContext, KinesisBatchInfo } = JSON.parse(message) as Record<
      string,
      Record<string, unknown>
    >;
    assert.equal(requestContext["condition"], "RetryAttemptsExhausted");
    assert.equal(KinesisBatchInfo["batchSize"], 1);
    world.services.faults.clear();
    await attackAndSeeBlocked(60);
  });

  async function attackAndSeeBlocked(seconds: number): Promise<void> {
    const attacker = `198.51.100.${attackers.length + 1}`;
    attackers.push(attacker);
    await attack(attacker);
    await until(`${attacker} is blocked`, seconds, () =>
      inSets(world, "block").some((cidr) => covers(cidr, `${attacker}/32`)),
    );
  }

  const attack = (attacker: string): Promise<void> =>
    ship(
      world,
      outputs["deliveryStreamName"],
      Array.from({ length: 25 }, () => requestLine(attacker, "/page/1")),
    );

  const struck = (): number =>
    Object.values(world.services.faults.struck).reduce((sum, n) => sum + n, 0);
});
