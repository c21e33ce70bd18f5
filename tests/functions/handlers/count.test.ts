import assert from "node:assert/strict";
import type { ShardState } from "../../../functions/counting/count-records";
import type { FindingMessage } from "../../../functions/counting/finding-message";
import { countWindow, type WindowAnswer } from "../../../functions/handlers/count";
import { DEFAULT_PREFIXES } from "../../../functions/parsing/address";
import { LineParser } from "../../../functions/parsing/line-parser";
import { PackedRequests } from "../../../functions/parsing/packed-requests";
import type { Rule } from "../../../functions/rules/rule";
import { FakeClock, FakeReport, FakeStream } from "../../support/fakes";
import { ltsvOf, START, type TestRequest } from "../../support/rows";

const RULE: Rule = {
  name: "flood",
  per: ["client", "path"],
  count: "requests",
  moreThan: 3,
  withinSeconds: 30,
  then: { blockSeconds: 60 },
};

function packed(id: string, requests: readonly TestRequest[]): Buffer {
  const parser = new LineParser("nginx");
  const lines = new PackedRequests();
  for (const request of requests) {
    assert.equal(parser.parseText(ltsvOf(request)), undefined);
    lines.add(parser.row);
  }
  return lines.take(id);
}

const request = (second: number, client = "192.0.2.1"): TestRequest => ({
  time: START + second * 1000,
  client,
  path: "/login?token=secret",
});
const one = (id: string, second: number): Buffer => packed(id, [request(second)]);

/** Stands for a record that breaks counting. */
const BROKEN = "broken";

class Setup {
  readonly stream = new FakeStream();
  readonly metrics = new FakeReport();
  private sequence = 0;
  private callback = this.fresh();

  /** A new container: nothing is left in memory. */
  restart(): void {
    this.callback = this.fresh();
  }

  async count(
    state: ShardState | undefined,
    records: readonly (Buffer | typeof BROKEN)[],
    shardId = "shard-0",
  ): Promise<WindowAnswer> {
    const event = {
      shardId,
      eventSourceARN: "arn",
      window: { start: "", end: "" },
      isFinalInvokeForWindow: false,
      isWindowTerminatedEarly: false,
      ...(state === undefined ? {} : { state: JSON.parse(JSON.stringify(state)) as ShardState }),
      Records: records.map((data) => ({
        kinesis: {
          get data() {
            if (data === BROKEN) throw new Error("broken");
            return data.toString("base64");
          },
          sequenceNumber: String(++this.sequence),
        },
      })),
    };
    return this.callback(event as unknown as Parameters<typeof this.callback>[0]);
  }

  findings(): FindingMessage[] {
    return this.stream.records.map(
      ({ data }) => JSON.parse(Buffer.from(data).toString()) as FindingMessage,
    );
  }

  private fresh(): ReturnType<typeof countWindow> {
    return countWindow(
      {
        component: "edge",
        streamName: "findings",
        rules: [RULE],
        trust: [],
        prefixes: DEFAULT_PREFIXES,
      },
      { publish: this.stream.put, report: this.metrics.report, now: new FakeClock(START).now },
    );
  }
}

describe("countWindow", () => {
  it("publishes a finding with the fields of the classic pipeline, and no query", async () => {
    const setup = new Setup();
    await setup.count(undefined, [
      packed(
        "a",
        [0, 1, 2, 3].map((second) => request(second)),
      ),
    ]);
    assert.deepEqual(setup.findings(), [
      {
        rule: "flood",
        key: { client: "192.0.2.1", path: "/login" },
        client: "192.0.2.1",
        address: "192.0.2.1",
        isBlockable: true,
        requestCount: 4,
        requestTotalTime: 0,
        firstTime: "2026-11-22T01:45:00.000Z",
        time: "2026-11-22T01:45:03.000Z",
        method: "GET",
        path: "/login",
        status: 200,
        userAgent: "test",
      },
    ]);
  });

  it("carries its counts in the state, through a restart after every record", async () => {
    const setup = new Setup();
    let state: ShardState | undefined;
    for (let i = 0; i < 4; i++) {
      ({ state } = await setup.count(state, [one(`id-${i}`, i)]));
      setup.restart();
    }
    assert.equal(setup.findings().length, 1);
  });

  it("counts the same batch once, however often it comes", async () => {
    const setup = new Setup();
    const batch = [one("a", 0), one("b", 1)];
    const { state } = await setup.count(undefined, batch);
    const again = await setup.count(state, batch);
    setup.restart();
    const third = await setup.count(again.state, batch);
    await setup.count(third.state, [one("c", 2)]);
    assert.equal(setup.findings().length, 0);
    assert.equal(setup.metrics.sums["RequestsCounted"], 3);
  });

  it("finds the same whether batches come in order or not", async () => {
    const setup = new Setup();
    const { state } = await setup.count(undefined, [one("c", 9), one("d", 14)]);
    await setup.count(state, [one("a", 0), one("b", 1)]);
    assert.equal(setup.findings()[0].requestCount, 4);
    assert.equal(setup.findings()[0].time, "2026-11-22T01:45:14.000Z");
  });

  it("keeps shards apart that share a container", async () => {
    const setup = new Setup();
    const first = await setup.count(undefined, [one("a", 0), one("b", 1)], "shard-0");
    await setup.count(undefined, [one("c", 2), one("d", 3)], "shard-1");
    await setup.count(first.state, [one("e", 4)], "shard-0");
    assert.equal(setup.findings().length, 0);
  });

  it("goes on counting where a window ends and the next begins without state", async () => {
    const setup = new Setup();
    await setup.count(undefined, [one("a", 0), one("b", 1)]);
    await setup.count(undefined, [one("c", 2), one("d", 3)]);
    assert.equal(setup.findings().length, 1);
  });

  it("misses and never invents when the state is lost with the container", async () => {
    const setup = new Setup();
    await setup.count(undefined, [one("a", 0), one("b", 1)]);
    setup.restart();
    await setup.count(undefined, [one("c", 2), one("d", 3)]);
    assert.equal(setup.findings().length, 0);
  });

  it("passes over a record that it cannot read, and says so", async () => {
    const setup = new Setup();
    const answer = await setup.count(undefined, [Buffer.from("poison"), one("a", 0)]);
    assert.deepEqual(answer.batchItemFailures, []);
    assert.equal(setup.metrics.sums["RecordsFailed"], 1);
    assert.equal(setup.metrics.sums["RequestsCounted"], 1);
  });

  it("fails the batch when findings cannot be published, and finds them again", async () => {
    const setup = new Setup();
    const { state } = await setup.count(undefined, [one("a", 0), one("b", 1)]);
    const batch = [one("c", 2), one("d", 3)];
    setup.stream.failing = () => true;
    await assert.rejects(setup.count(state, batch), /1 of 1 findings not published/);
    setup.stream.failing = () => false;
    await setup.count(state, batch);
    assert.equal(setup.findings().length, 1);
  });

  it("reports the record at which counting broke, and counts what came before it once", async () => {
    const setup = new Setup();
    const answer = await setup.count(undefined, [one("a", 0), one("b", 1), BROKEN, one("d", 3)]);
    assert.deepEqual(answer.batchItemFailures, [{ itemIdentifier: "3" }]);
    assert.equal(setup.metrics.sums["RequestsCounted"], 2);
    await setup.count(answer.state, [one("c", 2), one("d", 3)]);
    assert.deepEqual(
      setup.findings().map(({ requestCount }) => requestCount),
      [4],
    );
  });

  it("finds a flood although another web server's clock is an hour ahead or behind", async () => {
    for (const wrong of [-3600, 3600]) {
      const setup = new Setup();
      const { state } = await setup.count(undefined, [one("wrong", wrong)]);
      await setup.count(state, [one("a", 0), one("b", 1), one("c", 2), one("d", 3)]);
      assert.deepEqual(
        setup.findings().map(({ requestCount, time }) => [requestCount, time]),
        [[4, "2026-11-22T01:45:03.000Z"]],
      );
    }
  });

  it("keeps its state under 900 KB with 100,000 clients, the nearest to their line first", async () => {
    const setup = new Setup();
    const near = [0, 1, 2].map((second) => request(second, "203.0.113.9"));
    const crowd = Array.from({ length: 100_000 }, (_, i) =>
      request(5, `198.51.${(i >> 8) & 255}.${i & 255}`.replace("198.51", `198.${51 + (i >> 16)}`)),
    );
    const records = Array.from({ length: 100 }, (_, i) =>
      packed(`crowd-${i}`, crowd.slice(i * 1000, (i + 1) * 1000)),
    );
    const { state } = await setup.count(undefined, [packed("near", near), ...records]);
    assert.ok(JSON.stringify(state).length < 900_000);
    assert.ok(setup.metrics.sums["KeysForgotten"] > 50_000);
    setup.restart();
    await setup.count(state, [packed("last", [request(6, "203.0.113.9")])]);
    assert.equal(setup.findings().length, 1);
  });
});
