import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { datedPrefix, DeliveryStream, type DeliverySettings } from "./delivery-stream";

interface Event {
  readonly records: readonly { recordId: string; data: string }[];
}
type Answer = { records: { recordId: string; result: string; data?: string }[] };

const DESTINATION = {
  RoleARN: "arn:role",
  BucketARN: "arn:aws:s3:::archive",
  Prefix: "lines/!{timestamp:yyyy}/",
  ErrorOutputPrefix: "errors/!{firehose:error-output-type}/",
  CompressionFormat: "GZIP",
  FileExtension: ".json.gz",
  BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 300 },
} satisfies DeliverySettings["destination"];

const WITH_FUNCTION = {
  ...DESTINATION,
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: "Lambda",
        Parameters: [
          { ParameterName: "LambdaArn", ParameterValue: "arn:function" },
          { ParameterName: "BufferIntervalInSeconds", ParameterValue: "2" },
        ],
      },
    ],
  },
} satisfies DeliverySettings["destination"];

/** A stream whose time is the test's. */
function play(
  destination: DeliverySettings["destination"],
  fn: (event: Event) => unknown = same,
  refuse: () => void = () => undefined,
) {
  const clock = { now: Date.UTC(2026, 10, 20, 12, 0, 0) };
  const timers: { at: number; call: () => void }[] = [];
  const calls: Event[] = [];
  const objects: { key: string; text: string }[] = [];
  const settings = {
    name: "logs",
    arn: "arn:stream",
    region: "eu-west-1",
    destination,
    longestBuffer: 300,
  };
  const stream = new DeliveryStream(settings, {
    invoke: (_, event) => {
      calls.push(event as Event);
      return new Promise((resolve) => {
        resolve(fn(event as Event));
      });
    },
    put: (_, key, body) => {
      refuse();
      objects.push({ key, text: (key.endsWith(".gz") ? gunzipSync(body) : body).toString() });
      return Promise.resolve();
    },
    now: () => clock.now,
    later: (ms, call) => timers.push({ at: clock.now + ms, call }),
    pause: () => Promise.resolve(),
  });
  const pass = async (seconds: number): Promise<void> => {
    clock.now += seconds * 1000;
    for (const timer of timers.splice(0)) {
      if (timer.at <= clock.now) timer.call();
      else timers.push(timer);
    }
    for (let i = 0; i < 100; i++) await Promise.resolve();
  };
  const put = (...texts: string[]): string[] => stream.put(texts.map((text) => Buffer.from(text)));
  return { stream, calls, objects, pass, put };
}

const same = ({ records }: Event): Answer => ({
  records: records.map(({ recordId, data }) => ({ recordId, result: "Ok", data })),
});
const textOf = (data: string): string => Buffer.from(data, "base64").toString();

describe("the front's delivery stream", () => {
  it("gathers for the interval, and writes one object of what came", async () => {
    const { objects, pass, put, stream } = play(DESTINATION);
    put("a\n");
    await pass(200);
    put("b\n");
    await pass(99);
    assert.equal(objects.length, 0);
    await pass(1);
    assert.deepEqual(
      objects.map(({ text }) => text),
      ["a\nb\n"],
    );
    assert.match(
      objects[0].key,
      /^lines\/2026\/logs-1-2026-11-20-12-00-00-[\da-f-]{36}\.json\.gz$/,
    );
    assert.equal(stream.waiting, 0);
  });

  it("writes at once when the buffer is full", async () => {
    const { objects, pass, put } = play(DESTINATION);
    put("x".repeat(1024 * 1024));
    await pass(0);
    assert.equal(objects.length, 1);
  });

  it("transforms all that came within the buffer in one call", async () => {
    const { calls, objects, pass, put } = play(WITH_FUNCTION, ({ records }) => ({
      records: records.map(({ recordId, data }) => ({
        recordId,
        result: "Ok",
        data: Buffer.from(textOf(data).toUpperCase()).toString("base64"),
      })),
    }));
    put("a\n", "b\n");
    await pass(1);
    put("c\n");
    await pass(1);
    assert.deepEqual(
      calls.map(({ records }) => records.map(({ data }) => textOf(data))),
      [["a\n", "b\n", "c\n"]],
    );
    await pass(300);
    assert.equal(objects[0].text, "A\nB\nC\n");
  });

  it("leaves out what is dropped, and puts what failed to the error prefix", async () => {
    const { objects, pass, put } = play(WITH_FUNCTION, ({ records }) => ({
      records: records.map(({ recordId, data }, i) => ({
        recordId,
        result: ["Ok", "Dropped", "ProcessingFailed"][i],
        data,
      })),
    }));
    put("a\n", "b\n", "c\n");
    await pass(2);
    await pass(300);
    assert.match(objects[0].key, /^errors\/processing-failed\//);
    const failed = JSON.parse(objects[0].text) as Record<string, string>;
    assert.equal(textOf(failed["rawData"]), "c\n");
    assert.equal(failed["errorCode"], "Lambda.ProcessingFailedStatus");
    assert.equal(objects[1].text, "a\n");
  });

  for (const [what, fn] of [
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["forgets a record", ({ records }: Event) => ({ records: same({ records }).records.slice(1) })],
    ["answers nonsense", () => "what?"],
  ] as const)
    it(`tries four times when the function ${what}, and loses nothing`, async () => {
      const { calls, objects, pass, put } = play(WITH_FUNCTION, fn);
      put("a\n", "b\n");
      await pass(2);
      assert.equal(calls.length, 4);
      const failed = objects[0].text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, string>);
      assert.deepEqual(
        failed.map(({ rawData }) => textOf(rawData)),
        ["a\n", "b\n"],
      );
      assert.equal(failed[0]["errorCode"], "Lambda.FunctionError");
    });

  it("gives up an object that nobody takes when it is stopped", async () => {
    let tries = 0;
    const { pass, put, stream } = play(DESTINATION, same, () => {
      if (++tries === 3) stream.stop();
      throw new Error("the bucket is gone");
    });
    put("a\n");
    await pass(300);
    await pass(300);
    assert.equal(tries, 3);
  });

  it("names objects by the time that their first record came", () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5);
    const prefix = "x/year=!{timestamp:yyyy}/month=!{timestamp:MM}/!{timestamp:dd/HH}/";
    assert.equal(datedPrefix(prefix, at), "x/year=2026/month=01/02/03/");
  });
});
