import assert from "node:assert/strict";
import { ListTablesCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DescribeManagedPrefixListsCommand,
  EC2Client,
  GetManagedPrefixListEntriesCommand,
} from "@aws-sdk/client-ec2";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLoggingCommand,
  ListBucketsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { reasonsIn, Stack, type StackConfig } from "../stack";
import { World } from "../world";
import { requestLine } from "../traffic/visitors";
import { empty, inSets, ship, tellTroubles, until } from "../aws";

const flood = (moreThan: number) => ({
  name: "flood",
  per: ["client"],
  count: "requests",
  moreThan,
  withinSeconds: 30,
  then: { blockSeconds: 3600 },
});

const S3_RULE = {
  name: "scraping",
  per: ["client", "bucket"],
  count: "requests",
  moreThan: 100,
  withinSeconds: 60,
  then: { alert: "high" },
};

const EVERYTHING: StackConfig = {
  s3AnomalyDetection: true,
  webTier: true,
  allow: ["203.0.113.0/28"],
  trust: ["alb", "cloudfront"],
  forwardedIp: "off",
  notifyEmails: ["oncall@example.com"],
  rules: [flood(20), S3_RULE],
};
const ATTACKER = "198.51.100.7";

describe("the program on the real engine", () => {
  let world: World;
  let dev: Stack;
  let deliveryStreamName: string;

  before(async () => {
    world = await World.open();
    dev = await Stack.init(world, "dev", EVERYTHING);
  });
  after(async function () {
    tellTroubles(world, this.test?.parent);
    await world.close();
  });

  it("previews and makes nothing", async () => {
    const text = await dev.preview();
    assert.match(text, /\+ \d+ to create/);
    assert.deepEqual(world.services.waf.sets.all(), []);
    assert.deepEqual(await leftOver(), []);
  });

  it("refuses a wrong configuration before anything is made", async () => {
    dev.configure({ ...EVERYTHING, scope: "EVERYWHERE" });
    const { code, text } = await dev.run("preview");
    assert.notEqual(code, 0);
    assert.match(text, /EVERYWHERE/);
    dev.configure(EVERYTHING);
  });

  it("comes up with both components and the web tier", async () => {
    await dev.up();
    const outputs = await dev.outputs();
    ({ deliveryStreamName } = outputs["intrusionPrevention"]);
    assert.match(deliveryStreamName, /^edge-logs-/);
    assert.match(outputs["webTier"] as unknown as string, /^http:/);
    const balancer = await dev.idOf("web-balancer");
    const verdict = world.services.waf.acls.judge(balancer, {
      address: ATTACKER,
      at: Date.now(),
    });
    assert.equal(verdict.action, "allow");
  });

  it("changes nothing the second time", () => dev.up("--expect-no-changes"));

  it("leaves blocks in force when a rule changes", async () => {
    const lines = Array.from({ length: 25 }, () => requestLine(ATTACKER, "/page/1"));
    await ship(world, deliveryStreamName, lines);
    await until("the attacker is blocked", 60, () =>
      inSets(world, "block").includes(`${ATTACKER}/32`),
    );
    dev.configure({ ...EVERYTHING, rules: [flood(30), S3_RULE] });
    let isGone = false;
    const watch = setInterval(() => {
      isGone ||= !inSets(world, "block").includes(`${ATTACKER}/32`);
    }, 20);
    const text = await dev.up();
    clearInterval(watch);
    assert.match(text, /~ \d+ updated/);
    assert.equal(isGone, false);
    const balancer = await dev.idOf("web-balancer");
    const request = { address: ATTACKER, at: Date.now() };
    const verdict = world.services.waf.acls.judge(balancer, request);
    assert.deepEqual(
      [verdict.action, verdict.rule, verdict.status],
      ["block", "edge-dev-block", 403],
    );
  });

  it("counts by the changed rule", async () => {
    const [below, above] = ["198.51.100.25", "198.51.100.35"];
    const of = (client: string, n: number): string[] =>
      Array.from({ length: n }, () => requestLine(client, "/page/1"));
    await ship(world, deliveryStreamName, [...of(below, 25), ...of(above, 35)]);
    await until("the second attacker is blocked", 60, () =>
      inSets(world, "block").includes(`${above}/32`),
    );
    assert.ok(!inSets(world, "block").includes(`${below}/32`));
  });

  it("takes the ranges that AWS lists for CloudFront for proxies, not for clients", async () => {
    const [edge, client] = [await cloudFrontEdge(), "198.51.100.45"];
    const lines = Array.from({ length: 35 }, () => requestLine(`${client}, ${edge}`, "/page/1"));
    await ship(world, deliveryStreamName, lines);
    await until("the client of the edge is blocked", 60, () =>
      inSets(world, "block").includes(`${client}/32`),
    );
    assert.ok(!inSets(world, "block").includes(`${edge}/32`));
  });

  it("refreshes, takes the functions' writing for no change, and blocks stay", async () => {
    await dev.refresh();
    await dev.up("--expect-no-changes");
    assert.ok(inSets(world, "block").includes(`${ATTACKER}/32`));
  });

  it("stands beside another stack that has one component only", async () => {
    const s3 = world.client(S3Client);
    for (const Bucket of ["given-logs", "photos"])
      await s3.send(new CreateBucketCommand({ Bucket }));
    const other = await Stack.init(world, "other", {
      intrusionPrevention: false,
      s3AnomalyDetection: true,
      logBucket: "given-logs",
      buckets: ["photos"],
      parquet: true,
      tracing: true,
    });
    await other.up();
    await other.up("--expect-no-changes");
    const { LoggingEnabled } = await s3.send(new GetBucketLoggingCommand({ Bucket: "photos" }));
    assert.equal(LoggingEnabled?.TargetBucket, "given-logs");
    const types = (await other.resources()).map(({ type }) => type);
    assert.ok(types.includes("floodgate:index:S3AnomalyDetection"));
    assert.ok(!types.includes("floodgate:index:IntrusionPrevention"));
    await dev.up("--expect-no-changes");
    await other.destroy();
    assert.deepEqual(await other.resources(), []);
    for (const Bucket of ["given-logs", "photos"])
      await s3.send(new DeleteBucketCommand({ Bucket }));
    await dev.up("--expect-no-changes");
  });

  it("goes as README says: the token first, then what buckets hold, then all of it", async () => {
    const lines = Array.from({ length: 35 }, () => requestLine("198.51.100.36", "/page/1"));
    await ship(world, deliveryStreamName, lines);
    await until("the functions have written since the refresh", 60, () =>
      inSets(world, "block").includes("198.51.100.36/32"),
    );
    const stale = await dev.run("destroy", "--yes", "--skip-preview");
    assert.notEqual(stale.code, 0);
    assert.match(reasonsIn(stale.text), /WAFOptimisticLockException|BucketNotEmpty/);
    const full = await dev.run("destroy", "--yes", "--skip-preview", "--refresh");
    assert.notEqual(full.code, 0);
    assert.match(reasonsIn(full.text), /edge-archive.*\n.*BucketNotEmpty/);
    const left = (await dev.resources()).filter(({ type }) => type === "aws:s3/bucket:Bucket");
    for (const { id } of left) await empty(world, id);
    await dev.destroy("--refresh");
    assert.deepEqual(await dev.resources(), []);
    assert.deepEqual(world.services.waf.sets.all(), []);
    assert.deepEqual(await leftOver(), []);
  });

  /** An address of those that connect to origins. */
  async function cloudFrontEdge(): Promise<string> {
    const ec2 = world.client(EC2Client);
    const Values = ["com.amazonaws.global.cloudfront.origin-facing"];
    const { PrefixLists } = await ec2.send(
      new DescribeManagedPrefixListsCommand({ Filters: [{ Name: "prefix-list-name", Values }] }),
    );
    const { Entries } = await ec2.send(
      new GetManagedPrefixListEntriesCommand({ PrefixListId: PrefixLists?.[0].PrefixListId }),
    );
    const [, network] = /^(.*\.)0\/24$/.exec(Entries?.[0].Cidr ?? "") ?? [];
    assert.ok(network);
    return `${network}9`;
  }

  /** What AWS would still bill. */
  async function leftOver(): Promise<unknown[]> {
    const [functions, buckets, queues, tables] = await Promise.all([
      world.client(LambdaClient).send(new ListFunctionsCommand({})),
      world.client(S3Client).send(new ListBucketsCommand({})),
      world.client(SQSClient).send(new ListQueuesCommand({})),
      world.client(DynamoDBClient).send(new ListTablesCommand({})),
    ]);
    return [
      ...(functions.Functions ?? []),
      ...(buckets.Buckets ?? []),
      ...(queues.QueueUrls ?? []),
      ...(tables.TableNames ?? []),
    ];
  }
});
