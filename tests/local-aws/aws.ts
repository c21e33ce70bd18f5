import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient, ScanCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Suite } from "mocha";
import ipaddr from "ipaddr.js";
import type { Decision } from "../../functions/acting/decision";
import { ACCOUNT, REGION, type World } from "./world";

/** Waits until something is so, and says what it was. */
export async function until<T>(
  what: string,
  seconds: number,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await pause(50);
  }
}

/** Hands lines to a delivery stream, as one record. */
export async function ship(
  world: World,
  deliveryStreamName: string,
  lines: readonly string[],
): Promise<void> {
  const Records = [{ Data: Buffer.from(lines.map((line) => `${line}\n`).join("")) }];
  await world
    .client(FirehoseClient)
    .send(new PutRecordBatchCommand({ DeliveryStreamName: deliveryStreamName, Records }));
}

/** For after a suite: what went wrong in the world, when a test did. */
export function tellTroubles(world: World, suite: Suite | undefined): void {
  if (suite?.tests.some(({ state }) => state === "failed") !== true) return;
  const { troubles, permissions } = world.services;
  console.log([...troubles.slice(-20), ...permissions.refused].join("\n"));
}

/** The addresses in the IP sets of an action, of one stack or all. */
export const inSets = (world: World, action: string): string[] =>
  world.services.waf.sets
    .all()
    .filter(({ Name }) => Name.includes(`-${action}-`))
    .flatMap(({ Addresses }) => Addresses);

/** Whether a CIDR block holds a client, which is one address or a block itself. */
export function covers(cidr: string, client: string): boolean {
  const [range, bits] = ipaddr.parseCIDR(cidr);
  const [address, length] = ipaddr.parseCIDR(client);
  return range.kind() === address.kind() && length >= bits && address.match(range, bits);
}

export async function keysIn(world: World, bucket: string, prefix = ""): Promise<string[]> {
  const s3 = world.client(S3Client);
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    );
    keys.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return keys;
}

/** A queue that hears what a topic says. */
export async function listen(world: World, topicArn: string): Promise<string> {
  const QueueName = `hears-${topicArn.split(":").pop() ?? ""}`;
  const sqs = world.client(SQSClient);
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName }));
  const Endpoint = `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}`;
  await world
    .client(SNSClient)
    .send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "sqs", Endpoint }));
  return QueueUrl;
}

/** What comes to a queue until nothing has come for a while. */
export async function hear(
  world: World,
  QueueUrl: string,
  quietSeconds: number,
): Promise<string[]> {
  const sqs = world.client(SQSClient);
  const heard: string[] = [];
  for (let heardAt = Date.now(); Date.now() - heardAt < quietSeconds * 1000;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }),
    );
    for (const { Body = "", ReceiptHandle } of Messages) {
      heard.push(Body);
      heardAt = Date.now();
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
  return heard;
}

/** Messages in all queues but some, taken or not. */
export async function messagesWaiting(world: World, but: readonly string[]): Promise<number> {
  const sqs = world.client(SQSClient);
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const counts = await Promise.all(
    QueueUrls.filter((url) => !but.includes(url)).map(async (QueueUrl) => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
      );
      return (
        Number(Attributes.ApproximateNumberOfMessages) +
        Number(Attributes.ApproximateNumberOfMessagesNotVisible)
      );
    }),
  );
  return counts.reduce((sum, n) => sum + n, 0);
}

/** All items of a table. */
export async function items(world: World, TableName: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await world
      .client(DynamoDBClient)
      .send(new ScanCommand({ TableName, ExclusiveStartKey }));
    found.push(...(page.Items ?? []).map((item) => unmarshall(item)));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return found;
}

/** The decisions table, without what else stands in it. */
export async function decisionsIn(world: World, tableName: string): Promise<Decision[]> {
  const all = await items(world, tableName);
  return all.filter(({ rule }) => rule !== undefined) as unknown as Decision[];
}

/** What is more often in one list than in the other: "+2 text" where it is missing twice. */
export function differences(found: readonly string[], expected: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const one of expected) counts.set(one, (counts.get(one) ?? 0) + 1);
  for (const one of found) counts.set(one, (counts.get(one) ?? 0) - 1);
  return [...counts].filter(([, n]) => n !== 0).map(([one, n]) => `${n > 0 ? "+" : ""}${n} ${one}`);
}

export async function read(world: World, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await world.client(S3Client).send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** What README tells people to do before they destroy a stack. */
export async function empty(world: World, bucket: string): Promise<void> {
  const keys = await keysIn(world, bucket);
  for (let i = 0; i < keys.length; i += 1000)
    await world.client(S3Client).send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: { Objects: keys.slice(i, i + 1000).map((Key) => ({ Key })) },
      }),
    );
}
