import assert from "node:assert/strict";
import { mock } from "node:test";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import {
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
  type GetObjectCommandOutput,
} from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { mockClient } from "aws-sdk-client-mock";
import type { StoredIncident } from "../../../functions/acting/stored-incident";
import type { WindowCounts } from "../../../functions/counting/access-counts";
import { countersTable } from "../../../functions/edges/counters";
import { deliveryStream } from "../../../functions/edges/delivery-stream";
import { exemptionsTable } from "../../../functions/edges/exemptions-table";
import { heartbeats } from "../../../functions/edges/heartbeats";
import { incidentsTable } from "../../../functions/edges/incidents-table";
import { objects } from "../../../functions/edges/objects";
import { pastTable } from "../../../functions/edges/past";
import { alertTopic } from "../../../functions/edges/topic";
import { withoutWaiting } from "../../support/without-waiting";

const START = Date.UTC(2026, 10, 22, 1, 45, 0);

describe("edges of the S3 pipeline", () => {
  before(() => {
    process.env["AWS_REGION"] = "eu-west-1";
  });

  describe("deliveryStream", () => {
    it("puts again the 497 of 500 records that Firehose did not accept", async () => {
      mock.timers.enable({ apis: ["setTimeout", "Date"], now: START });
      const firehose = mockClient(FirehoseClient);
      const refused = { ErrorCode: "ServiceUnavailableException" };
      firehose
        .on(PutRecordBatchCommand)
        .resolvesOnce({
          FailedPutCount: 497,
          RequestResponses: Array.from({ length: 500 }, (_, i) => (i < 3 ? {} : refused)),
        })
        .resolves({ FailedPutCount: 0, RequestResponses: [] });
      const records = Array.from({ length: 500 }, (_, i) => Buffer.from(String(i)));
      const result = await withoutWaiting(deliveryStream("accesses")(records, START + 60_000));
      mock.timers.reset();
      assert.deepEqual(result, { failed: [], retries: 1, trouble: "ServiceUnavailableException" });
      const calls = firehose.commandCalls(PutRecordBatchCommand).map(({ args }) => args[0].input);
      assert.deepEqual(
        calls.map(({ Records }) => Records?.length),
        [500, 497],
      );
      assert.equal(calls[1].DeliveryStreamName, "accesses");
      assert.deepEqual(calls[1].Records?.[0].Data, records[3]);
    });
  });

  describe("objects", () => {
    const s3 = mockClient(S3Client);
    const opened = (...pieces: readonly Buffer[]): Promise<Buffer[]> => {
      s3.on(GetObjectCommand).resolves({
        Body: Readable.from(pieces) as unknown as NonNullable<GetObjectCommandOutput["Body"]>,
      });
      return read();
    };
    const read = async (): Promise<Buffer[]> => {
      const source = await objects().open({ bucket: "logs", key: "a b" });
      const read: Buffer[] = [];
      if (source !== undefined) for await (const piece of source) read.push(piece);
      return read;
    };
    beforeEach(() => s3.reset());

    it("reads an object piece by piece, gzip or not", async () => {
      const text = Buffer.from("line\n".repeat(1000));
      const packed = gzipSync(text);
      assert.deepEqual(Buffer.concat(await opened(text.subarray(0, 7), text.subarray(7))), text);
      assert.deepEqual(
        Buffer.concat(await opened(packed.subarray(0, 30), packed.subarray(30))),
        text,
      );
      assert.deepEqual(await opened(), []);
      assert.deepEqual(s3.commandCalls(GetObjectCommand)[0].args[0].input, {
        Bucket: "logs",
        Key: "a b",
      });
    });

    it("fails on a gzip that ends too early", async () => {
      await assert.rejects(opened(gzipSync("x".repeat(1000)).subarray(0, 20)), /unexpected end/);
    });

    it("says of an object that is gone that there is none, and fails on anything else", async () => {
      s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: "", $metadata: {} }));
      assert.deepEqual(await read(), []);
      s3.on(GetObjectCommand).rejects(new Error("AccessDenied"));
      await assert.rejects(read(), /AccessDenied/);
    });

    it("writes an object", async () => {
      s3.on(PutObjectCommand).resolves({});
      await objects().put({ bucket: "archive", key: "k" }, Buffer.from("body"));
      const { Bucket, Key, Body } = s3.commandCalls(PutObjectCommand)[0].args[0].input;
      assert.deepEqual([Bucket, Key, Body], ["archive", "k", Buffer.from("body")]);
    });
  });

  describe("countersTable", () => {
    const table = mockClient(DynamoDBClient);
    const counts: WindowCounts = {
      id: "w",
      key: { client: "192.0.2.1" },
      windowStart: START,
      withinSeconds: 60,
      counts: [
        { rule: "scraping", amount: 3 },
        { rule: "keys", values: [7, 9] },
      ],
      first: START,
      last: START,
      accesses: [],
    };
    beforeEach(() => table.reset());

    it("adds a record under the condition that it was not added before", async () => {
      table.on(UpdateItemCommand).resolves({});
      const totals = await countersTable("counters", 24).add(counts, "b1");
      assert.deepEqual(
        [...totals],
        [
          ["scraping", 3],
          ["keys", 2],
        ],
      );
      assert.deepEqual(table.commandCalls(UpdateItemCommand)[0].args[0].input, {
        TableName: "counters",
        Key: { window: { S: "w" } },
        UpdateExpression: "SET expiresAt = :expiresAt ADD #0 :0, #1 :1, batches :batches",
        ConditionExpression: "NOT contains(batches, :batch)",
        ExpressionAttributeNames: { "#0": "total:scraping", "#1": "values:keys" },
        ExpressionAttributeValues: {
          ":0": { N: "3" },
          ":1": { NS: ["7", "9"] },
          ":batch": { S: "b1" },
          ":batches": { SS: ["b1"] },
          ":expiresAt": { N: String(START / 1000 + 48 * 3600) },
        },
        ReturnValues: "ALL_OLD",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
    });

    it("gives the totals with what was there before", async () => {
      table.on(UpdateItemCommand).resolves({
        Attributes: { "total:scraping": { N: "10" }, "values:keys": { NS: ["7", "8"] } },
      });
      const totals = await countersTable("counters", 24).add(counts, "b1");
      assert.deepEqual(
        [...totals],
        [
          ["scraping", 13],
          ["keys", 3],
        ],
      );
    });

    it("gives the totals as they are when the record was added before", async () => {
      table.on(UpdateItemCommand).rejects(
        new ConditionalCheckFailedException({
          message: "",
          $metadata: {},
          Item: { "total:scraping": { N: "10" }, "values:keys": { NS: ["7", "8"] } },
        }),
      );
      const totals = await countersTable("counters", 24).add(counts, "b1");
      assert.deepEqual(
        [...totals],
        [
          ["scraping", 10],
          ["keys", 2],
        ],
      );
      table.on(UpdateItemCommand).rejects(new Error("ProvisionedThroughputExceededException"));
      await assert.rejects(countersTable("counters", 24).add(counts, "b1"), /Provisioned/);
    });
  });

  describe("incidentsTable", () => {
    const table = mockClient(DynamoDBClient);
    const incident = { opened: START, to: START + 500, rule: "r" } as StoredIncident;
    const store = incidentsTable("incidents");
    beforeEach(() => table.reset());

    it("reads the newest incident of a name with its version", async () => {
      table.on(QueryCommand).resolves({
        Items: [{ document: { S: JSON.stringify(incident) }, version: { N: "4" } }],
      });
      assert.deepEqual(await store.newest("n"), { incident, version: 4 });
      assert.equal(table.commandCalls(QueryCommand)[0].args[0].input.ScanIndexForward, false);
      table.on(QueryCommand).resolves({ Items: [] });
      assert.equal(await store.newest("n"), undefined);
    });

    it("reads all pages of those that are open, and takes closed ones out", async () => {
      const item = {
        name: { S: "n" },
        document: { S: JSON.stringify(incident) },
        version: { N: "4" },
      };
      table
        .on(QueryCommand)
        .resolvesOnce({ Items: [item], LastEvaluatedKey: { name: { S: "n" } } })
        .resolves({ Items: [item] });
      const named = { name: "n", incident, version: 4 };
      assert.deepEqual(await store.open(), [named, named]);
      assert.equal(table.commandCalls(QueryCommand)[0].args[0].input.IndexName, "open");
      table.on(PutItemCommand).resolves({});
      await store.save("n", { ...incident, isClosed: true }, 4);
      await store.save("n", { ...incident, isClosed: false }, 4);
      assert.deepEqual(
        table.commandCalls(PutItemCommand).map(({ args }) => args[0].input.Item?.["status"]),
        [undefined, { S: "open" }],
      );
    });

    it("writes over the version that was read, and over no other", async () => {
      table.on(PutItemCommand).resolves({});
      assert.equal(await store.save("n", incident, 4), true);
      const { Item, ExpressionAttributeValues } =
        table.commandCalls(PutItemCommand)[0].args[0].input;
      assert.deepEqual(Item?.["version"], { N: "5" });
      assert.deepEqual(Item?.["opened"], { N: String(START) });
      assert.deepEqual(ExpressionAttributeValues, { ":version": { N: "4" } });
      table
        .on(PutItemCommand)
        .rejects(new ConditionalCheckFailedException({ message: "", $metadata: {} }));
      assert.equal(await store.save("n", incident, 4), false);
      table.on(PutItemCommand).rejects(new Error("InternalServerError"));
      await assert.rejects(store.save("n", incident, 4), /InternalServerError/);
    });
  });

  describe("heartbeats", () => {
    it("keeps when a bucket was last heard of", async () => {
      const table = mockClient(DynamoDBClient);
      table.on(PutItemCommand).resolves({});
      table
        .on(GetItemCommand)
        .resolvesOnce({})
        .resolves({ Item: { seenAt: { N: "5" } } });
      const hearts = heartbeats("counters");
      assert.equal(await hearts.last("photos"), undefined);
      await hearts.beat("photos", 5);
      assert.equal(await hearts.last("photos"), 5);
      assert.deepEqual(table.commandCalls(PutItemCommand)[0].args[0].input.Item, {
        window: { S: "#heartbeat photos" },
        seenAt: { N: "5" },
      });
    });
  });

  describe("pastTable", () => {
    const table = mockClient(DynamoDBClient);
    beforeEach(() => table.reset());

    it("keeps the highest window of an hour for five weeks", async () => {
      table.on(UpdateItemCommand).resolves({});
      await pastTable("counters").note("k", 1000, 7);
      const { Key, ConditionExpression, ExpressionAttributeValues } =
        table.commandCalls(UpdateItemCommand)[0].args[0].input;
      assert.deepEqual(Key, { window: { S: "#past 1000 k" } });
      assert.equal(ConditionExpression, "attribute_not_exists(highest) OR highest < :total");
      assert.deepEqual(ExpressionAttributeValues, {
        ":total": { N: "7" },
        ":expiresAt": { N: String((1000 + 5 * 168) * 3600) },
      });
      table
        .on(UpdateItemCommand)
        .rejects(new ConditionalCheckFailedException({ message: "", $metadata: {} }));
      await pastTable("counters").note("k", 1000, 7);
      table.on(UpdateItemCommand).rejects(new Error("InternalServerError"));
      await assert.rejects(pastTable("counters").note("k", 1000, 7), /InternalServerError/);
    });

    it("asks the same hour of four weeks what is usual", async () => {
      table.on(GetItemCommand).resolves({});
      table
        .on(GetItemCommand, { TableName: "counters", Key: { window: { S: "#past 832 k" } } })
        .resolves({ Item: { highest: { N: "8" } } });
      table
        .on(GetItemCommand, { TableName: "counters", Key: { window: { S: "#past 664 k" } } })
        .resolves({ Item: { highest: { N: "2" } } });
      assert.equal(await pastTable("counters").expected("k", 1000), 6);
      assert.equal(table.commandCalls(GetItemCommand).length, 4);
      assert.equal(await pastTable("counters").expected("other", 1), undefined);
    });
  });

  describe("exemptionsTable", () => {
    it("reads all pages, and leaves the id out", async () => {
      const table = mockClient(DynamoDBClient);
      const item = (id: string): Record<string, AttributeValue> => ({
        id: { S: id },
        where: { M: { bucket: { L: [{ S: "photos" }] } } },
        reason: { S: "r" },
      });
      table
        .on(ScanCommand)
        .resolvesOnce({ Items: [item("1")], LastEvaluatedKey: { id: { S: "1" } } })
        .resolves({ Items: [item("2")] });
      const exemption = { where: { bucket: ["photos"] }, reason: "r" };
      assert.deepEqual(await exemptionsTable("exemptions")(), [exemption, exemption]);
      assert.deepEqual(table.commandCalls(ScanCommand)[1].args[0].input.ExclusiveStartKey, {
        id: { S: "1" },
      });
    });
  });

  describe("alertTopic", () => {
    it("sends text to people, JSON to machines, and attributes to filter by", async () => {
      const sns = mockClient(SNSClient);
      sns.on(PublishCommand).resolves({});
      await alertTopic("arn:topic")({
        severity: "high",
        subject: "s",
        message: "text",
        document: '{"rule":"r"}',
        attributes: { severity: "high", bucket: "b", rule: "r" },
      });
      const { Message, ...input } = sns.commandCalls(PublishCommand)[0].args[0].input;
      assert.deepEqual(JSON.parse(Message ?? ""), {
        default: "text",
        lambda: '{"rule":"r"}',
        sqs: '{"rule":"r"}',
        http: '{"rule":"r"}',
        https: '{"rule":"r"}',
        firehose: '{"rule":"r"}',
      });
      assert.deepEqual(input, {
        TopicArn: "arn:topic",
        Subject: "s",
        MessageStructure: "json",
        MessageAttributes: {
          severity: { DataType: "String", StringValue: "high" },
          bucket: { DataType: "String", StringValue: "b" },
          rule: { DataType: "String", StringValue: "r" },
        },
      });
    });
  });
});
