import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { DynamoDBClient, PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Stack } from "../stack";
import { World } from "../world";
import { hear, items, keysIn, listen, messagesWaiting, read, tellTroubles, until } from "../aws";

const RULE = {
  name: "scraping",
  per: ["client", "bucket"],
  count: "requests",
  moreThan: 100,
  withinSeconds: 60,
  // Nothing is known of the past yet, so the fixed line counts.
  unusual: { factor: 3, atLeast: 50 },
  then: { alert: "high" },
};
const MINUTE = 60_000;
/** Three hours ago: S3 delivers its logs late. */
const START = Math.floor((Date.now() - 3 * 60 * MINUTE) / MINUTE) * MINUTE;
const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

interface Access {
  readonly at: number;
  readonly client: string;
  readonly bucket: string;
  readonly key: string;
}

/** Ordinary readers over five minutes, and one who reads 150 objects within one. */
function makeAccesses(): Access[] {
  const accesses: Access[] = [];
  for (let i = 0; i < 600; i++)
    accesses.push({
      at: START + (i % 300) * 1000,
      client: `192.0.2.${1 + (i % 12)}`,
      bucket: i % 3 === 0 ? "reports" : "photos",
      key: `item-${i}.jpg`,
    });
  for (let i = 0; i < 150; i++)
    accesses.push({
      at: START + 2 * MINUTE + (i % 60) * 1000,
      client: "198.51.100.66",
      bucket: "photos",
      key: `taken-${i}.jpg`,
    });
  return accesses;
}

function lineOf({ at, client, bucket, key }: Access): string {
  const [date, clock] = new Date(at).toISOString().split(/[T.]/);
  const [year, month, day] = date.split("-");
  const time = `${day}/${MONTHS[Number(month) - 1]}/${year}:${clock} +0000`;
  return (
    `${OWNER} ${bucket} [${time}] ${client} - 3E57427F3EXAMPLE REST.GET.OBJECT ${key} "GET /${key} HTTP/1.1" 200 - 1000 1000 70 10 ` +
    `"-" "curl/8.5" - hostid= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader ${bucket}.s3.eu-west-1.amazonaws.com TLSv1.3 - - eu-west-1`
  );
}

describe("S3 access logs through the deployed stack", () => {
  let world: World;
  let stack: Stack;
  let outputs: Record<string, string>;
  let queueUrl: string;
  const accesses = makeAccesses();
  /** Eight log objects; the accesses lie across them in no order. */
  const objects = Array.from({ length: 8 }, (_, n) => ({
    name: `s3/123456789012/eu-west-1/photos/2026/11/22/log-${n}`,
    accesses: accesses.filter((_access, i) => (i * 7) % 8 === n),
  }));

  before(async () => {
    world = await World.open();
    stack = await Stack.init(world, "dev", {
      intrusionPrevention: false,
      s3AnomalyDetection: true,
      rules: [RULE],
    });
    await stack.up();
    outputs = (await stack.outputs())["s3AnomalyDetection"];
    queueUrl = await listen(world, outputs["topicArn"]);
  });
  after(async function () {
    tellTroubles(world, this.test?.parent);
    await world.close();
  });

  it("takes log objects in any order, and twice", async () => {
    for (const n of [5, 2, 7, 0, 3, 6, 2, 5]) await put(n);
    await settled();
  });

  it("takes log objects that come late", async () => {
    for (const n of [4, 1, 0]) await put(n);
    await settled();
  });

  it("archives each line", async () => {
    const archived = new Map<string, string>();
    for (const key of await keysIn(world, outputs["archiveBucketName"], "accesses/")) {
      const text = gunzipSync(await read(world, outputs["archiveBucketName"], key)).toString();
      for (const line of text.trimEnd().split("\n")) {
        const {
          batch,
          line: place,
          bucket_name,
          key_name,
          remote_ip,
        } = JSON.parse(line) as Record<string, string>;
        archived.set(`${batch} ${place}`, `${remote_ip} ${bucket_name} ${key_name}`);
      }
    }
    const expected = accesses.map(({ client, bucket, key }) => `${client} ${bucket} ${key}`);
    assert.deepEqual([...archived.values()].sort(), expected.sort());
  });

  it("counts as a plain count does", async () => {
    const plain = new Map<string, number>();
    for (const { at, client, bucket } of accesses) {
      const window = Math.floor(at / MINUTE) * MINUTE;
      const name = JSON.stringify(["client+bucket/60", window, client, bucket]);
      plain.set(name, (plain.get(name) ?? 0) + 1);
    }
    const counted = (await items(world, await stack.idOf("audit-counters")))
      .filter((item) => "total:scraping" in item)
      .map((item) => [item["window"] as string, item["total:scraping"] as number] as const);
    assert.deepEqual(new Map(counted.sort()), new Map([...plain].sort()));
  });

  it("sends one alert", async () => {
    const alerts = await hear(world, queueUrl, 10);
    assert.equal(alerts.length, 1, JSON.stringify(alerts));
    assert.match(alerts[0], /198\.51\.100\.66/);
    assert.match(alerts[0], /photos/);
  });

  it("tells people when the incident is over", async () => {
    // Four hours pass: the incident has been quiet for long enough.
    const TableName = outputs["incidentsTableName"];
    const dynamo = world.client(DynamoDBClient);
    const [Item] = (await dynamo.send(new ScanCommand({ TableName }))).Items ?? [];
    const seen = JSON.parse(Item["document"].S ?? "") as { seenAt: number };
    const document = { S: JSON.stringify({ ...seen, seenAt: seen.seenAt - 4 * 3_600_000 }) };
    await dynamo.send(new PutItemCommand({ TableName, Item: { ...Item, document } }));
    // The schedule asks every fifteen minutes; nobody waits for it here.
    const FunctionName = await stack.idOf("audit-watch");
    await world.client(LambdaClient).send(new InvokeCommand({ FunctionName }));
    const [message] = await hear(world, queueUrl, 5);
    assert.match(message, /198\.51\.100\.66/);
    const [incident] = await items(world, outputs["incidentsTableName"]);
    assert.equal(incident["status"], undefined);
  });

  it("puts lines that nobody can read where people find them", async () => {
    const Key = "s3/123456789012/eu-west-1/photos/2026/11/22/strange";
    await world
      .client(S3Client)
      .send(
        new PutObjectCommand({ Bucket: outputs["logBucketName"], Key, Body: "what is this?\n" }),
      );
    const [found] = await until("they lie in quarantine", 60, async () => {
      const keys = await keysIn(world, outputs["archiveBucketName"], "errors/quarantine/");
      return keys.length > 0 && keys;
    });
    assert.match(
      (await read(world, outputs["archiveBucketName"], found)).toString(),
      /what is this/,
    );
  });

  it("passes over objects that are gone", async () => {
    for (const [bucket, key, queue] of [
      ["logBucketName", "s3/gone", "audit-objects"],
      ["archiveBucketName", "accesses/gone", "audit-archived"],
    ]) {
      const s3 = { bucket: { name: outputs[bucket] }, object: { key, size: 1 } };
      const Records = [{ eventSource: "aws:s3", eventName: "ObjectCreated:Put", s3 }];
      const message = {
        QueueUrl: await stack.idOf(queue),
        MessageBody: JSON.stringify({ Records }),
      };
      await world.client(SQSClient).send(new SendMessageCommand(message));
    }
    await settled();
  });

  it("was allowed all that it did", () => {
    assert.deepEqual(world.services.permissions.refused, []);
  });

  async function put(n: number): Promise<void> {
    const { name: Key, accesses: some } = objects[n];
    const Body = some.map((access) => `${lineOf(access)}\n`).join("");
    await world
      .client(S3Client)
      .send(new PutObjectCommand({ Bucket: outputs["logBucketName"], Key, Body }));
  }

  /** Nothing is on its way any more. */
  async function settled(): Promise<void> {
    let quiet = 0;
    await until("everything is counted", 120, async () => {
      const isQuiet =
        world.services.firehose.waiting === 0 && (await messagesWaiting(world, [queueUrl])) === 0;
      quiet = isQuiet ? quiet + 1 : 0;
      return quiet > 60;
    });
  }
});
