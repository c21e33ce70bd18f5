// Traffic and random faults for some minutes; then the faults stop, and everything must be true:
// the IP sets equal the ledger, the ledger equals what a replay of the same log says, every line is
// in the archive, and nothing waits in a queue.
//
//   npm run soak [-- MINUTES [SEED]]
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import type { Decision } from "../../functions/acting/decision";
import { archivedIn, archiveKey, logKey } from "./archive";
import { covers, decisionsIn, differences, inSets, messagesWaiting, until } from "./aws";
import { Faults, type FaultRule } from "./front/faults";
import { CHECKOUT } from "./paths";
import { Stack } from "./stack";
import { Agent } from "./traffic/agent";
import { Visitors } from "./traffic/visitors";
import { Trouble } from "./trouble";
import { World } from "./world";

const run = promisify(execFile);

/** How long one kind of misfortune lasts. */
const SPELL_MS = 15_000;
const CALM_MS = 5000;
const BLOCK_SECONDS = 90;
/** The schedule looks once a minute, and WAF takes one write a second. */
const SETTLE_SECONDS = 180;

const CONFIG = {
  mode: "block",
  allow: ["192.0.2.1/32"],
  maxBlocksPerMinute: 10_000,
  rules: [
    {
      name: "flood",
      per: ["client", "path"],
      count: "requests",
      moreThan: 20,
      withinSeconds: 30,
      then: { blockSeconds: BLOCK_SECONDS },
    },
  ],
};

interface Spell {
  readonly name: string;
  readonly rules: readonly FaultRule[];
  readonly duplicates?: number;
}

const stopped = (service: string): Spell => ({
  name: `${service} is out of order`,
  rules: [{ fault: "error", service, share: 1 }],
});

const SPELLS: readonly Spell[] = [
  { name: "throttling", rules: [{ fault: "throttle", share: 0.3 }] },
  { name: "errors", rules: [{ fault: "error", share: 0.2 }] },
  { name: "lost answers", rules: [{ fault: "lost-answer", share: 0.1 }] },
  { name: "silence", rules: [{ fault: "silence", share: 0.05 }] },
  { name: "functions killed in the middle", rules: [{ fault: "kill", share: 0.1 }] },
  {
    name: "lost lock tokens",
    rules: [{ fault: "lost-token", service: "wafv2", action: "UpdateIPSet", share: 0.5 }],
  },
  { name: "everything delivered twice", rules: [], duplicates: 0.5 },
  stopped("kinesis"),
  stopped("dynamodb"),
  stopped("wafv2"),
  stopped("sns"),
];

const say = (text: string): void => {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${text}`);
};

type Decided = Pick<Decision, "client" | "rule" | "level" | "from" | "until">;

async function main(minutes: number, seed: number): Promise<boolean> {
  const world = await World.open({ seed });
  try {
    say(`deploying; ${minutes} minutes with seed ${seed} follow`);
    const stack = await Stack.init(world, "soak", CONFIG);
    await stack.up();
    const { deliveryStreamName, archiveBucketName, decisionsTableName } = (await stack.outputs())[
      "intrusionPrevention"
    ];
    const luck = new Faults(seed + 1);
    const log = join(world.folder, "access.log");
    const visitors = new Visitors(log, () => luck.random());
    const agent = new Agent(world.client(FirehoseClient), log, deliveryStreamName);
    await misfortunes(world, seed, minutes * 60_000, () => visitors.lines);
    await visitors.stop();
    await agent.stop();
    say(`faults that struck: ${JSON.stringify(world.services.faults.struck)}`);
    say(`waiting until ${visitors.lines} lines are through`);
    await settle(world);

    const ledger = await decisionsIn(world, decisionsTableName);
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    const archived = await archivedIn(world, archiveBucketName);
    const checks: readonly (readonly [string, readonly string[]])[] = [
      [
        `the ledger's ${ledger.length} decisions are the replay's`,
        differences(ledger.map(textOf), await replay(stack.folder, log)),
      ],
      ["the IP sets are the ledger's", setsAgainst(world, ledger)],
      [
        `the archive has each of ${lines.length} lines exactly once`,
        differences(archived.map(archiveKey), lines.map(logKey)),
      ],
      ["nothing waits in a queue", await queued(world)],
      ["nothing was done that is not allowed", world.services.permissions.refused],
    ];
    for (const [what, wrong] of checks) {
      say(`${wrong.length === 0 ? "true " : "FALSE"}  ${what}`);
      for (const one of wrong.slice(0, 10)) say(`       ${one}`);
    }
    const isTrue = checks.every(([, wrong]) => wrong.length === 0);
    if (!isTrue) for (const one of world.services.troubles.slice(-20)) say(`       ${one}`);
    return isTrue;
  } finally {
    await world.close();
  }
}

/** One spell after the other, with a calm between, until the time is over. */
async function misfortunes(
  world: World,
  seed: number,
  ms: number,
  lines: () => number,
): Promise<void> {
  const luck = new Faults(seed);
  const end = Date.now() + ms;
  let deck: Spell[] = [];
  while (Date.now() < end) {
    await pause(Math.min(CALM_MS, Math.max(0, end - Date.now())));
    // Each in turn, in an order that only the seed knows.
    if (deck.length === 0) deck = [...SPELLS];
    const [spell] = deck.splice(Math.floor(luck.random() * deck.length), 1);
    const { name, rules, duplicates = 0 } = spell;
    say(`${String(lines()).padStart(6)} lines, ${inSets(world, "block").length} blocks; ${name}`);
    world.services.faults.set(rules, { duplicates });
    await pause(Math.min(SPELL_MS, Math.max(0, end - Date.now())));
    world.services.faults.clear();
  }
}

/** Until nothing is on its way, and the schedule has looked at it once more. */
async function settle(world: World): Promise<void> {
  let quietSince = Date.now();
  await until("everything is through", SETTLE_SECONDS, () => {
    const { firehose, mappings } = world.services;
    if (firehose.waiting > 0 || mappings.waiting > 0) quietSince = Date.now();
    return Date.now() - quietSince > 75_000;
  });
}

/** What differs between the sets and the decisions that are in force. */
function setsAgainst(world: World, ledger: readonly Decision[]): string[] {
  const now = Date.now();
  const there = inSets(world, "block");
  const isThere = (client: string): boolean => there.some((cidr) => covers(cidr, client));
  const clientsUntil = (least: number): string[] =>
    ledger.filter(({ until: end }) => end > least).map(({ client }) => client);
  const must = clientsUntil(now);
  // One that ended within the last minute may still stand there.
  const may = new Set(clientsUntil(now - 75_000));
  const ended = ledger.map(({ client }) => client).filter((client) => !may.has(client));
  return [
    ...must.filter((client) => !isThere(client)).map((client) => `missing: ${client}`),
    ...[...new Set(ended)].filter(isThere).map((client) => `still there: ${client}`),
    ...there
      .filter((cidr) => !ledger.some(({ client }) => covers(cidr, client)))
      .map((cidr) => `nobody decided on it: ${cidr}`),
  ];
}

async function queued(world: World): Promise<string[]> {
  const messages = await messagesWaiting(world, []);
  return messages === 0 ? [] : [`${messages} messages`];
}

/** What the command line makes of the same log with the same stack file. */
async function replay(program: string, log: string): Promise<string[]> {
  const cli = join(CHECKOUT, "dist/cli/floodgate.js");
  const { stdout } = await run("node", [cli, "replay", log, "--stack", "soak", "--json"], {
    cwd: program,
    maxBuffer: 1e9,
  });
  const { decisions } = JSON.parse(stdout) as {
    decisions: (Omit<Decided, "from" | "until"> & { from: string; until: string })[];
  };
  return decisions.map(({ from, until: end, ...rest }) =>
    textOf({ ...rest, from: Date.parse(from), until: Date.parse(end) }),
  );
}

const textOf = ({ client, rule, level, from, until: end }: Decided): string =>
  `${client} ${rule} level ${level} ${new Date(from).toISOString()} to ${new Date(end).toISOString()}`;

const [minutes, seed] = process.argv.slice(2).map(Number);
main(minutes ?? 10, seed ?? 1).then(
  (isTrue) => {
    process.exitCode = isTrue ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Trouble ? error.message : error);
    process.exitCode = 1;
  },
);
