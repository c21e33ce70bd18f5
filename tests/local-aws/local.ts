// Brings everything up on this machine and leaves it running for a person, until Ctrl-C.
//
//   npm run local [-- --port 4566 --web-port 8080]
import { setTimeout as pause } from "node:timers/promises";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { Command, InvalidArgumentError } from "commander";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import { S3_RULES } from "../../functions/rules/s3-rules";
import { decisionsIn, hear, inSets, listen } from "./aws";
import { Stack } from "./stack";
import { Agent } from "./traffic/agent";
import { checkPort, Nginx } from "./traffic/nginx";
import { Trouble } from "./trouble";
import { ACCOUNT, BALANCER, REGION, World } from "./world";

interface Options {
  readonly port: number;
  readonly webPort: number;
}

/** Long enough to look at, short enough to see it end. */
const BLOCK_SECONDS = 120;
const RULES = [
  ...NGINX_RULES.map((rule) => ({ ...rule, then: { blockSeconds: BLOCK_SECONDS } })),
  ...S3_RULES,
];

const clock = (at = Date.now()): string => new Date(at).toTimeString().slice(0, 8);
const say = (text: string): void => {
  console.log(`${clock()}  ${text}`);
};

const toPort = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("a port is a whole number from 1 to 65535");
};

async function main({ port, webPort }: Options): Promise<void> {
  // Ctrl-C is how it ends; the world clears up after itself whenever the process does.
  process.once("SIGINT", () => process.exit(0));
  await checkPort(webPort);
  const world = await World.open({ port, longestBuffer: 10 });
  try {
    say("AWS is up on this machine; the program is being deployed, which takes half a minute");
    const stack = await Stack.init(world, "local", {
      mode: "block",
      protect: [BALANCER],
      s3AnomalyDetection: true,
      rules: RULES,
    });
    await stack.up();
    const { intrusionPrevention: edge, s3AnomalyDetection: audit } = await stack.outputs();
    const { nginx: part } = edge["agents"] as unknown as { nginx: string };
    const nginx = await Nginx.start(world.folder, webPort, part);
    const agent = new Agent(
      world.client(FirehoseClient),
      nginx.logFile,
      edge["deliveryStreamName"],
    );
    console.log(`
  nginx            ${nginx.url}, its log goes to the delivery stream ${edge["deliveryStreamName"]}
  AWS's endpoint   ${world.endpoint}, region ${REGION}, access key ${ACCOUNT}, any secret key
  S3 logs go to    s3://${audit["logBucketName"]}/s3/

  Be an attacker:  for i in $(seq 30); do curl -s -H 'X-Forwarded-For: 198.51.100.7' ${nginx.url}/page/1; done
  Ask the ledger:  AWS_ACCESS_KEY_ID=${ACCOUNT} AWS_SECRET_ACCESS_KEY=x aws --region ${REGION} --endpoint-url ${world.endpoint} \\
                     dynamodb scan --table-name ${edge["decisionsTableName"]}
  Ctrl-C ends everything and leaves nothing behind.
`);
    void tellMessages(world, [edge["topicArn"], audit["topicArn"]]);
    await watch(world, { table: edge["decisionsTableName"], agent });
  } catch (error) {
    await world.close();
    throw error;
  }
}

/** Says what arrives, who is decided on and why, and what the IP sets make of it. */
async function watch(
  world: World,
  { table, agent }: { table: string; agent: Agent },
): Promise<void> {
  const known = new Set<string>();
  let blocked = new Set<string>();
  let lines = 0;
  for (;;) {
    if (agent.sent > lines) say(`${agent.sent - lines} lines shipped`);
    lines = agent.sent;
    for (const { client, action, rule, evidence, until } of await decisionsIn(world, table)) {
      const name = `${client} ${until}`;
      if (known.has(name)) continue;
      known.add(name);
      say(`${action} ${client} until ${clock(until)} by ${rule}: ${evidence}`);
    }
    const now = new Set(inSets(world, "block"));
    for (const cidr of now) if (!blocked.has(cidr)) say(`${cidr} is in the IP set: WAF blocks it`);
    for (const cidr of blocked) if (!now.has(cidr)) say(`${cidr} has left the IP set`);
    blocked = now;
    await pause(500);
  }
}

/** What people would get by mail. */
async function tellMessages(world: World, topicArns: readonly string[]): Promise<void> {
  for (const topicArn of topicArns) {
    const queueUrl = await listen(world, topicArn);
    void (async () => {
      for (;;)
        for (const body of await hear(world, queueUrl, 1)) {
          const { Subject } = JSON.parse(body) as { Subject?: string };
          say(`a message to people: ${Subject ?? body}`);
        }
    })().catch(() => undefined);
  }
}

const command = new Command("local")
  .description("Runs Floodgate on this machine, against AWS's API but without an AWS account.")
  .option("--port <n>", "where AWS's endpoint listens", toPort, 4566)
  .option("--web-port <n>", "where nginx listens", toPort, 8080)
  .parse();

main(command.opts<Options>()).catch((error: unknown) => {
  console.error(error instanceof Trouble ? error.message : error);
  process.exitCode = 1;
});
