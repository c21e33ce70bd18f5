import assert from "node:assert/strict";
import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";
import { ShardReader, type StreamRecord } from "./shard-reader";

interface Event {
  readonly Records: readonly { kinesis: { sequenceNumber: string; data: string } }[];
  readonly state?: unknown;
  readonly window?: { start: string; end: string };
  readonly isFinalInvokeForWindow?: boolean;
  readonly isWindowTerminatedEarly?: boolean;
}

type Failure = {
  requestContext: Record<string, unknown>;
  KinesisBatchInfo: Record<string, unknown>;
};

/** A reader whose function is played by the test, in the test's time. */
function play(mapping: EventSourceMappingConfiguration, fn: (event: Event) => unknown) {
  const clock = { now: Date.UTC(2026, 10, 20, 12, 0, 0) };
  const calls: Event[] = [];
  const failures: Failure[] = [];
  const settings = {
    mapping: { EventSourceArn: "arn:stream", FunctionArn: "arn:function", ...mapping },
    shardId: "shardId-000000000000",
    region: "eu-west-1",
  };
  const reader = new ShardReader(settings, {
    invoke: (event) => {
      calls.push(event as Event);

      return new Promise((resolve) => {
        resolve(fn(event as Event));
      });
    },
    fail: (message) => {
      failures.push(message as Failure);
      return Promise.resolve();
    },
    now: () => clock.now,
    pause: (ms) => {
      clock.now += ms;
      return Promise.resolve();
    },
  });
  const records = (...names: string[]): StreamRecord[] =>
    names.map((name) => ({
      sequenceNumber: name,
      partitionKey: "lane-0",
      data: Buffer.from(name).toString("base64"),
      arrivedAt: clock.now,
    }));
  const seen = (): string[] =>
    calls.map(({ Records }) => Records.map(({ kinesis }) => kinesis.sequenceNumber).join(""));
  return { clock, calls, failures, reader, records, seen };
}

const fails = (): never => {
  throw new Error("no");
};
const has = ({ Records }: Event, name: string): boolean =>
  Records.some(({ kinesis }) => kinesis.sequenceNumber === name);

describe("the front's reader of a shard", () => {
  it("makes batches by number", async () => {
    const { reader, records, seen } = play({ BatchSize: 2 }, () => undefined);
    await reader.take(records("a", "b", "c", "d", "e"));
    assert.deepEqual(seen(), ["ab", "cd", "e"]);
    assert.equal(reader.waiting, 0);
  });

  it("waits for the batching window", async () => {
    const mapping = { BatchSize: 10, MaximumBatchingWindowInSeconds: 1 };
    const { clock, reader, records, seen } = play(mapping, () => undefined);
    await reader.take(records("a"));
    clock.now += 900;
    await reader.take(records("b"));
    assert.deepEqual(seen(), []);
    clock.now += 100;
    await reader.take([]);
    assert.deepEqual(seen(), ["ab"]);
  });

  it("carries the state of a window, and calls last of all without records", async () => {
    const mapping = { BatchSize: 1, TumblingWindowInSeconds: 60 };
    const { clock, calls, reader, records } = play(mapping, ({ state, Records }) => ({
      state: { n: ((state as { n?: number }).n ?? 0) + Records.length },
    }));
    await reader.take(records("a", "b"));
    clock.now += 60_000;
    await reader.take(records("c"));
    assert.deepEqual(
      calls.map(({ Records, state, isFinalInvokeForWindow }) => [
        Records.length,
        state,
        isFinalInvokeForWindow,
      ]),
      [
        [1, {}, false],
        [1, { n: 1 }, false],
        [0, { n: 2 }, true],
        [1, {}, false],
      ],
    );
    assert.deepEqual(calls[0].window, {
      start: "2026-11-20T12:00:00.000Z",
      end: "2026-11-20T12:01:00.000Z",
    });
  });

  it("ends a window two minutes late when nothing newer comes", async () => {
    const mapping = { TumblingWindowInSeconds: 60 };
    const { clock, calls, reader, records } = play(mapping, () => ({ state: {} }));
    await reader.take(records("a"));
    clock.now += 60_000 + 119_000;
    await reader.take([]);
    assert.equal(calls.length, 1);
    clock.now += 2000;
    await reader.take([]);
    assert.equal(calls[1].isFinalInvokeForWindow, true);
  });

  it("never puts records of two windows into one batch", async () => {
    const mapping = { TumblingWindowInSeconds: 60 };
    const { clock, reader, records, seen } = play(mapping, () => ({ state: {} }));
    const before = records("a", "b");
    clock.now += 60_000;
    await reader.take([...before, ...records("c")]);
    assert.deepEqual(seen(), ["ab", "", "c"]);
  });

  it("ends a window early above 1 MB of state", async () => {
    const large = "x".repeat(1024 * 1024);
    const mapping = { BatchSize: 1, TumblingWindowInSeconds: 60 };
    const { calls, reader, records } = play(mapping, (event) => ({
      state: has(event, "a") ? { large } : { small: 1 },
    }));
    await reader.take(records("a", "b", "c"));
    assert.deepEqual(
      calls.map(({ state, isWindowTerminatedEarly }) => [state, isWindowTerminatedEarly]),
      [
        [{}, false],
        [{}, true],
        [{ small: 1 }, false],
      ],
    );
  });

  it("takes an answer without state for a failure, inside a window", async () => {
    const mapping = { TumblingWindowInSeconds: 60, MaximumRetryAttempts: 1 };
    const { calls, failures, reader, records } = play(mapping, () => ({}));
    await reader.take(records("a"));
    assert.equal(calls.length, 2);
    assert.equal(failures.length, 1);
  });

  it("halves a failing batch until the record is alone, and gives that one up", async () => {
    const mapping = { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 2 };
    const { failures, reader, records, seen } = play(mapping, (event) =>
      has(event, "c") ? fails() : undefined,
    );
    await reader.take(records("a", "b", "c", "d"));
    assert.deepEqual(seen(), ["abcd", "ab", "cd", "c", "c", "c", "d"]);
    assert.equal(failures.length, 1);
    assert.deepEqual(failures[0].requestContext, {
      functionArn: "arn:function",
      condition: "RetryAttemptsExhausted",
      approximateInvokeCount: 3,
    });
    assert.equal(failures[0].KinesisBatchInfo["startSequenceNumber"], "c");
    assert.equal(failures[0].KinesisBatchInfo["batchSize"], 1);
  });

  it("gives up a record that is too old, however many tries are left", async () => {
    const mapping = { MaximumRecordAgeInSeconds: 2 };
    const { calls, failures, reader, records } = play(mapping, fails);
    await reader.take(records("a"));
    assert.equal(failures[0].requestContext["condition"], "RecordAgeExceeded");
    assert.equal(calls.length, 6);
  });

  it("goes on from the lowest record that the function reports", async () => {
    const mapping = { FunctionResponseTypes: ["ReportBatchItemFailures" as const] };
    let isFirst = true;
    const { reader, records, seen } = play(mapping, () => {
      const failed = isFirst ? ["d", "c"] : [];
      isFirst = false;
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    });
    await reader.take(records("a", "b", "c", "d"));
    assert.deepEqual(seen(), ["abcd", "cd"]);
  });

  it("ignores reports where the mapping does not ask for them", async () => {
    const { reader, records, seen } = play({}, () => ({
      batchItemFailures: [{ itemIdentifier: "a" }],
    }));
    await reader.take(records("a", "b"));
    assert.deepEqual(seen(), ["ab"]);
  });

  it("takes a report on a record that it does not know for a failure of all", async () => {
    const mapping = {
      FunctionResponseTypes: ["ReportBatchItemFailures" as const],
      MaximumRetryAttempts: 0,
    };
    const { failures, reader, records } = play(mapping, () => ({
      batchItemFailures: [{ itemIdentifier: "z" }],
    }));
    await reader.take(records("a", "b"));
    assert.equal(failures[0].KinesisBatchInfo["batchSize"], 2);
  });
});
