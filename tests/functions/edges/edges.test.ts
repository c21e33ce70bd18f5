import assert from "node:assert/strict";
import { mock } from "node:test";
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { GetIPSetCommand, UpdateIPSetCommand, WAFV2Client } from "@aws-sdk/client-wafv2";
import { mockClient } from "aws-sdk-client-mock";
import type { Decision } from "../../../functions/acting/decision";
import { ipSets } from "../../../functions/edges/ip-set";
import { decisionsTable } from "../../../functions/edges/ledger";
import { embeddedMetrics } from "../../../functions/edges/metrics";
import { stream } from "../../../functions/edges/stream";
import { topic } from "../../../functions/edges/topic";
import { withoutWaiting } from "../../support/without-waiting";

const START = Date.UTC(2026, 10, 22, 1, 45, 0);

const errorNamed = (name: string, httpStatusCode: number): Error =>
  Object.assign(new Error("from AWS"), { name, $metadata: { httpStatusCode } });

describe("edges", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: START });
    process.env["AWS_REGION"] = "eu-west-1";
  });
  afterEach(() => {
    mock.timers.reset();
  });

  describe("stream", () => {
    const kinesis = mockClient(KinesisClient);
    const record = (text: string): { data: Buffer; partitionKey: string } => ({
      data: Buffer.from(text),
      partitionKey: text,
    });
    beforeEach(() => kinesis.reset());

    it("puts at most 500 records and 4 MB at once, under their hash keys", async () => {
      kinesis.on(PutRecordsCommand).resolves({ FailedRecordCount: 0, Records: [] });
      const put = stream("requests");
      await put(
        Array.from({ length: 1001 }, (_, i) => record(String(i))),
        START + 60_000,
      );
      const big = { data: Buffer.alloc(1_000_000), partitionKey: "lane-0", hashKey: "17" };
      await put([big, big, big, big, big], START + 60_000);
      const calls = kinesis.commandCalls(PutRecordsCommand).map(({ args }) => args[0].input);
      assert.deepEqual(
        calls.map(({ Records }) => Records?.length),
        [500, 500, 1, 3, 2],
      );
      assert.equal(calls[3].StreamName, "requests");
      assert.equal(calls[3].Records?.[0].ExplicitHashKey, "17");
      assert.equal(calls[3].Records?.[0].PartitionKey, "lane-0");
    });

    it("puts only what failed again, until it is through", async () => {
      const throttled = { ErrorCode: "ProvisionedThroughputExceededException" };
      kinesis
        .on(PutRecordsCommand)
        .resolvesOnce({ FailedRecordCount: 1, Records: [{}, throttled, {}] })
        .rejectsOnce(errorNamed("InternalFailure", 500))
        .resolves({ FailedRecordCount: 0, Records: [{}] });
      const result = await withoutWaiting(
        stream("s")([record("a"), record("b"), record("c")], START + 60_000),
      );
      assert.deepEqual(result, { failed: [], retries: 2, trouble: "InternalFailure" });
      assert.deepEqual(
        kinesis
          .commandCalls(PutRecordsCommand)
          .map(({ args }) => args[0].input.Records?.map((one) => one.PartitionKey)),
        [["a", "b", "c"], ["b"], ["b"]],
      );
    });

    it("gives up in time and says what failed", async () => {
      kinesis.on(PutRecordsCommand).rejects(errorNamed("ThrottlingException", 400));
      const records = [record("a")];
      const result = await withoutWaiting(stream("s")(records, START + 10_000));
      assert.deepEqual(result.failed, records);
      assert.equal(result.trouble, "ThrottlingException");
      assert.ok(Date.now() <= START + 10_000);
    });
  });

  describe("ipSets", () => {
    const waf = mockClient(WAFV2Client);
    const settings = {
      name: "edge-block-ipv4",
      id: "id",
      action: "block",
      family: "ipv4",
      description: "what it is",
    } as const;
    beforeEach(() => waf.reset());

    it("reads addresses and lock token, and replaces the list whole", async () => {
      waf.on(GetIPSetCommand).resolves({
        LockToken: "t",
        IPSet: {
          Name: "",
          Id: "",
          ARN: "",
          IPAddressVersion: "IPV4",
          Addresses: ["192.0.2.1/32"],
        },
      });
      waf.on(UpdateIPSetCommand).resolves({ NextLockToken: "u" });
      const [set] = ipSets("REGIONAL", [settings]);
      assert.deepEqual(await set.read(), { addresses: ["192.0.2.1/32"], lockToken: "t" });
      assert.equal(await set.write(["192.0.2.2/32"], "t"), "written");
      assert.deepEqual(waf.commandCalls(UpdateIPSetCommand)[0].args[0].input, {
        Name: "edge-block-ipv4",
        Id: "id",
        Scope: "REGIONAL",
        Description: "what it is",
        Addresses: ["192.0.2.2/32"],
        LockToken: "t",
      });
    });

    it("writes once in 1.1 s, all sets of a scope together", async () => {
      const times: number[] = [];
      waf.on(UpdateIPSetCommand).callsFake(() => {
        times.push(Date.now());
        return {};
      });
      const sets = ipSets("REGIONAL", [settings, { ...settings, family: "ipv6" }]);
      await withoutWaiting(
        (async () => {
          for (const set of [...sets, ...sets]) await set.write([], "t");
        })(),
      );
      assert.deepEqual(
        times.slice(1).map((time, i) => time - times[i] >= 1100),
        [true, true, true],
      );
    });

    for (const [name, status, outcome] of [
      ["WAFOptimisticLockException", 400, "conflict"],
      ["ThrottlingException", 400, "busy"],
      ["WAFInternalErrorException", 500, "busy"],
      ["ServiceUnavailable", 503, "busy"],
    ] as const) {
      it(`takes ${name} for ${outcome}`, async () => {
        waf.on(UpdateIPSetCommand).rejects(errorNamed(name, status));
        assert.equal(await ipSets("REGIONAL", [settings])[0].write([], "t"), outcome);
      });
    }

    it("throws what trying again cannot mend", async () => {
      waf.on(UpdateIPSetCommand).rejects(errorNamed("WAFNonexistentItemException", 400));
      await assert.rejects(ipSets("REGIONAL", [settings])[0].write([], "t"), {
        name: "WAFNonexistentItemException",
      });
    });
  });

  describe("decisionsTable", () => {
    const table = mockClient(DynamoDBClient);
    const decision: Decision = {
      client: "192.0.2.1/32",
      action: "block",
      from: START,
      until: START + 1500,
      rule: "flood",
      level: 0,
      evidence: "4 within 2 s",
      by: "rule",
      foundAt: START,
      decidedAt: START,
    };
    const item = {
      client: { S: "192.0.2.1/32" },
      action: { S: "block" },
      from: { N: String(START) },
      until: { N: String(START + 1500) },
      rule: { S: "flood" },
      level: { N: "0" },
      evidence: { S: "4 within 2 s" },
      by: { S: "rule" },
      foundAt: { N: String(START) },
      decidedAt: { N: String(START) },
    };
    const ledger = decisionsTable("decisions", "in-force");
    beforeEach(() => table.reset());

    it("writes a decision once, to be forgotten 90 days after its end", async () => {
      table.on(PutItemCommand).resolves({});
      await ledger.put(decision);
      assert.deepEqual(table.commandCalls(PutItemCommand)[0].args[0].input, {
        TableName: "decisions",
        Item: { ...item, expiresAt: { N: String(START / 1000 + 2 + 90 * 24 * 3600) } },
        ConditionExpression: "attribute_not_exists(#client)",
        ExpressionAttributeNames: { "#client": "client" },
      });
      table
        .on(PutItemCommand)
        .rejects(new ConditionalCheckFailedException({ message: "", $metadata: {} }));
      await ledger.put(decision);
      table.on(PutItemCommand).rejects(errorNamed("InternalServerError", 500));
      await assert.rejects(ledger.put(decision), { name: "InternalServerError" });
    });

    it("reads the newest decision on a client", async () => {
      table.on(QueryCommand).resolves({ Items: [{ ...item, expiresAt: { N: "1" } }] });
      assert.deepEqual(await ledger.newest("192.0.2.1/32"), { ...decision, expiresAt: 1 });
      const { input } = table.commandCalls(QueryCommand)[0].args[0];
      assert.equal(input.ScanIndexForward, false);
      assert.equal(input.Limit, 1);
      assert.deepEqual(input.ExpressionAttributeValues, { ":client": { S: "192.0.2.1/32" } });
      table.on(QueryCommand).resolves({ Items: [] });
      assert.equal(await ledger.newest("192.0.2.9/32"), undefined);
    });

    it("reads all pages of each action that is in force", async () => {
      table.on(QueryCommand).resolves({ Items: [] });
      table
        .on(QueryCommand, {
          ExpressionAttributeValues: { ":action": { S: "block" }, ":now": { N: "5" } },
        })
        .resolvesOnce({ Items: [item], LastEvaluatedKey: { client: { S: "x" } } })
        .resolves({ Items: [item] });
      assert.deepEqual(await ledger.inForce(5), [decision, decision]);
      assert.equal(table.commandCalls(QueryCommand).length, 5);
    });

    it("remembers the blocks of a minute and the last digest", async () => {
      table.on(GetItemCommand).resolves({});
      assert.equal(await ledger.blocksIn(START), 0);
      assert.deepEqual(await ledger.lastDigest(), { sentAt: 0, upTo: 0 });
      table.on(GetItemCommand).resolves({ Item: { blocks: { N: "7" }, sentAt: { N: "8" } } });
      assert.equal(await ledger.blocksIn(START), 7);
      assert.deepEqual(await ledger.lastDigest(), { sentAt: 8, upTo: 0 });
      table.on(PutItemCommand).resolves({});
      await ledger.putBlocksIn(START, 9);
      await ledger.putDigest({ sentAt: 1, upTo: 2 });
      assert.deepEqual(
        table.commandCalls(PutItemCommand).map(({ args }) => args[0].input.Item?.["client"]),
        [{ S: "#minute" }, { S: "#digest" }],
      );
    });
  });

  describe("topic", () => {
    it("publishes subject and message", async () => {
      const sns = mockClient(SNSClient);
      sns.on(PublishCommand).resolves({});
      await topic("arn:topic")({ subject: "s", message: "m" });
      assert.deepEqual(sns.commandCalls(PublishCommand)[0].args[0].input, {
        TopicArn: "arn:topic",
        Subject: "s",
        Message: "m",
      });
    });
  });

  describe("embeddedMetrics", () => {
    it("writes one line of JSON in embedded metric format", () => {
      const write = mock.method(process.stdout, "write", () => true);
      embeddedMetrics("edge")(
        { LinesRead: 2, LogDelayMs: 7, IpSetFillPercent: 1, Blocks: 0, DecisionsInForce: 0 },
        { note: "x" },
      );
      const [text] = write.mock.calls.map((call) => String(call.arguments[0]));
      write.mock.restore();
      assert.ok(text.endsWith("\n"));
      assert.deepEqual(JSON.parse(text), {
        _aws: {
          Timestamp: START,
          CloudWatchMetrics: [
            {
              Namespace: "Floodgate",
              Dimensions: [["Component"]],
              Metrics: [
                { Name: "LinesRead", Unit: "Count" },
                { Name: "LogDelayMs", Unit: "Milliseconds" },
                { Name: "IpSetFillPercent", Unit: "Percent" },
                { Name: "DecisionsInForce", Unit: "Count" },
              ],
            },
          ],
        },
        Component: "edge",
        LinesRead: 2,
        LogDelayMs: 7,
        IpSetFillPercent: 1,
        Blocks: 0,
        DecisionsInForce: 0,
        note: "x",
      });
    });
  });
});
