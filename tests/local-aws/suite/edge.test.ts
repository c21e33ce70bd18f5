import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { NGINX_RULES } from "../../../functions/rules/nginx-rules";
import { Stack } from "../stack";
import { Agent } from "../traffic/agent";
import { Nginx } from "../traffic/nginx";
import { BALANCER, World } from "../world";
import { archivedIn, archiveKey, logKey } from "../archive";
import { decisionsIn, differences, hear, keysIn, listen, tellTroubles, until } from "../aws";

const run = promisify(execFile);

const PORT = 18_100;
const POLITE = "192.0.2.10";
const ALLOWED = "203.0.113.9";
const ATTACKERS = Array.from({ length: 24 }, (_, i) => `198.51.100.${i + 1}`);
/** The default rules, but a flood is blocked for a time that a test can wait for. */
const BLOCK_SECONDS = 60;
const RULES = NGINX_RULES.map((rule) =>
  rule.name === "same-page-flood" ? { ...rule, then: { blockSeconds: BLOCK_SECONDS } } : rule,
);

describe("nginx traffic through the deployed stack", () => {
  let world: World;
  let nginx: Nginx;
  let agent: Agent;
  let outputs: Record<string, string>;
  let queueUrl: string;
  const polite = { asked: 0, refused: 0, isEnough: false };

  before(async () => {
    world = await World.open();
    const stack = await Stack.init(world, "dev", {
      mode: "block",
      allow: [`${ALLOWED}/32`],
      protect: [BALANCER],
      rules: RULES,
    });
    await stack.up();
    outputs = (await stack.outputs())["intrusionPrevention"];
    const { nginx: part } = outputs["agents"] as unknown as { nginx: string };
    nginx = await Nginx.start(world.folder, PORT, part);
    const firehose = world.client(FirehoseClient);
    agent = new Agent(firehose, nginx.logFile, outputs["deliveryStreamName"]);
    queueUrl = await listen(world, outputs["topicArn"]);
    void browsePolitely();
  });
  after(async function () {
    tellTroubles(world, this.test?.parent);
    polite.isEnough = true;
    await agent.stop();
    await nginx.stop();
    await world.close();
  });

  it("blocks each of 24 attackers, and says how fast", async () => {
    // One after the other, but nobody waits for the one before.
    const seconds = await Promise.all(
      ATTACKERS.map(async (attacker, i) => {
        await pause(i * 1500);
        await attack(attacker);
        const crossed = Date.now();
        await until(`${attacker} is blocked`, 30, () => verdictOn(attacker) === "block");
        return (Date.now() - crossed) / 1000;
      }),
    );
    // The first call of each function starts a process.
    const sorted = seconds.slice().sort((a, b) => a - b);
    const at = (share: number): string => sorted[Math.ceil(share * sorted.length) - 1].toFixed(1);
    console.log(
      `      from the last request of ab to the IP set, ${sorted.length} attackers: p50 ${at(0.5)} s, p95 ${at(0.95)} s, most ${at(1)} s`,
    );
  });

  it("blocks IPv6 clients by their /64", async () => {
    await attack("2001:db8:1:2::77");
    await until("the prefix is blocked", 30, () => verdictOn("2001:db8:1:2::99") === "block");
    assert.equal(verdictOn("2001:db8:1:3::77"), "allow");
  });

  it("blocks wrk and gobuster, by the rules that fit", async () => {
    const words = join(world.folder, "words.txt");
    writeFileSync(words, Array.from({ length: 40 }, (_, i) => `word-${i}`).join("\n"));
    const header = (ip: string): string[] => ["-H", `X-Forwarded-For: ${ip}`];
    await run("wrk", ["-t1", "-c1", "-d1s", ...header("192.0.2.201"), `${nginx.url}/page/9`]);
    await run("gobuster", [
      "dir",
      "-q",
      ...["-t", "1", "-w", words, "-u", nginx.url],
      ...header("192.0.2.202"),
    ]);
    for (const attacker of ["192.0.2.201", "192.0.2.202"])
      await until(`${attacker} is blocked`, 30, () => verdictOn(attacker) === "block");
    const rules = new Map((await decisions()).map(({ client, rule }) => [client, rule]));
    assert.equal(rules.get("192.0.2.201/32"), "same-page-flood");
    assert.notEqual(rules.get("192.0.2.202/32"), undefined);
  });

  it("never blocks an allowed address", async () => {
    await attack(ALLOWED);
    await attack("198.51.100.200");
    await until("the one beside it is blocked", 30, () => verdictOn("198.51.100.200") === "block");
    assert.equal(verdictOn(ALLOWED), "allow");
    assert.ok((await decisions()).every(({ client }) => client !== `${ALLOWED}/32`));
  });

  it("tells people by a message", async () => {
    const [message] = await hear(world, queueUrl, 5);
    assert.match(message, /198\.51\.100\.1/);
  });

  it("ends each block when it should", async () => {
    await attack("198.51.100.222");
    await until("the attacker is blocked", 30, () => verdictOn("198.51.100.222") === "block");
    const decision = (await decisions()).find(({ client }) => client === "198.51.100.222/32");
    assert.ok(decision);
    const ended = await until("the block ends", BLOCK_SECONDS + 90, () =>
      verdictOn("198.51.100.222") === "allow" ? Date.now() : undefined,
    );
    const late = (ended - decision.until) / 1000;
    assert.ok(late >= 0 && late <= 75, `${late} s after its end`);
    console.log(`      ended ${late.toFixed(1)} s after its end; the schedule looks once a minute`);
  });

  it("never touched the polite client", () => {
    assert.ok(polite.asked > 50, String(polite.asked));
    assert.equal(polite.refused, 0);
  });

  it("archives every line exactly once", async () => {
    polite.isEnough = true;
    await pause(1500);
    await agent.stop();
    await nginx.stop();
    await until("everything is delivered", 60, () => world.services.firehose.waiting === 0);
    const archived = await archivedIn(world, outputs["archiveBucketName"]);
    const lines = nginx.lines().map(logKey);
    assert.deepEqual(differences(archived.map(archiveKey), lines).slice(0, 5), []);
    console.log(`      ${lines.length} lines`);
    assert.deepEqual(await keysIn(world, outputs["archiveBucketName"], "errors/"), []);
  });

  it("was allowed all that it did", () => {
    assert.deepEqual(world.services.permissions.refused, []);
  });

  /** 25 requests for one page, by ab; the line is crossed at the 21st. */
  async function attack(client: string): Promise<void> {
    const header = `X-Forwarded-For: ${client}`;
    await run("ab", ["-q", "-n", "25", "-c", "1", "-H", header, `${nginx.url}/page/1`]);
  }

  const verdictOn = (address: string): string =>
    world.services.waf.acls.judge(BALANCER, { address, at: Date.now() }).action;

  async function browsePolitely(): Promise<void> {
    while (!polite.isEnough) {
      polite.asked++;
      const path = `/page/${polite.asked % 7}`;
      if (verdictOn(POLITE) !== "allow") polite.refused++;
      await fetch(`${nginx.url}${path}`, { headers: { "x-forwarded-for": POLITE } }).catch(
        () => undefined,
      );
      await pause(1000);
    }
  }

  const decisions = () => decisionsIn(world, outputs["decisionsTableName"]);
});
