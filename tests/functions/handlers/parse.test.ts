import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { parseRecords } from "../../../functions/handlers/parse";
import { DEFAULT_PREFIXES } from "../../../functions/parsing/address";
import { PackedReader } from "../../../functions/parsing/packed-requests";
import { FakeClock, FakeReport, FakeStream } from "../../support/fakes";
import { ltsvOf, START } from "../../support/rows";

const CONTEXT = { getRemainingTimeInMillis: () => 60_000 };
const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

interface Archived {
  readonly [name: string]: unknown;
}

class Setup {
  readonly stream = new FakeStream();
  readonly metrics = new FakeReport();
  private readonly callback;

  constructor(lanes = 4, trust: readonly string[] = []) {
    this.callback = parseRecords(
      { component: "edge", streamName: "requests", lanes, trust, prefixes: DEFAULT_PREFIXES },
      {
        forward: this.stream.put,
        report: this.metrics.report,
        now: new FakeClock(START + 2000).now,
      },
    );
  }

  async parse(...texts: readonly (string | Buffer)[]): ReturnType<typeof this.callback> {
    return this.parseData(...texts.map(base64));
  }

  async parseData(...data: readonly string[]): ReturnType<typeof this.callback> {
    const records = data.map((one, i) => ({
      recordId: `id-${i}`,
      approximateArrivalTimestamp: START,
      data: one,
    }));
    const event = { invocationId: "i", deliveryStreamArn: "d", region: "eu-west-1", records };
    return this.callback(event, CONTEXT);
  }

  /** The paths in the requests stream, by record. */
  forwarded(): string[][] {
    return this.stream.records.map(({ data }) => {
      const reader = new PackedReader();
      assert.ok(reader.load(Buffer.from(data)));
      const paths: string[] = [];
      while (reader.next()) paths.push(reader.row.text(21) ?? "");
      return paths;
    });
  }
}

const archived = (data: string | undefined): Archived[] =>
  Buffer.from(data ?? "", "base64")
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Archived);

const line = (path: string, client = "192.0.2.1"): string =>
  ltsvOf({ time: START, path, client, status: 404 });

describe("parseRecords", () => {
  it("archives a request as one JSON line", async () => {
    const { records } = await new Setup().parse(
      `time:2026-11-22T01:45:34+00:00\tremote_addr:192.0.2.1\trequest_method:GET\trequest_uri:/a?b=\\x22\tstatus:200` +
        `\tbody_bytes_sent:12\trequest_time:0.034\thttp_user_agent:caf\\xC3\\xA9\tuser_id:7\tbytes_sent:99\n`,
    );
    assert.equal(records[0].result, "Ok");
    assert.deepEqual(archived(records[0].data), [
      {
        time: "2026-11-22T01:45:34.000Z",
        client: "192.0.2.1",
        method: "GET",
        path: "/a",
        query: 'b="',
        userAgent: "café",
        peer: "192.0.2.1",
        status: 200,
        bytes: 12,
        durationMs: 34,
        extra: { bytes_sent: "99", user_id: "7" },
      },
    ]);
  });

  it("answers every record once, under its id and in its order", async () => {
    const { records } = await new Setup().parse(line("/a"), "", "\n\r\n", "garbage", line("/b"));
    assert.deepEqual(
      records.map(({ recordId, result }) => [recordId, result]),
      [
        ["id-0", "Ok"],
        ["id-1", "Dropped"],
        ["id-2", "Dropped"],
        ["id-3", "Ok"],
        ["id-4", "Ok"],
      ],
    );
  });

  it("keeps a line that it cannot parse, with the reason", async () => {
    const setup = new Setup();
    const { records } = await setup.parse(`${line("/a")}\ngarbage "here"\n${line("/b")}\n`);
    assert.deepEqual(archived(records[0].data)[1], {
      unparsed: "unknown-format",
      raw: 'garbage "here"',
    });
    assert.deepEqual(setup.metrics.sums, {
      LinesRead: 3,
      LinesUnparsed: 1,
      RequestsUnforwarded: 0,
      LogDelayMs: 2000,
    });
  });

  it("loses no byte of what is not UTF-8", async () => {
    const garbage = Buffer.from([0xff, 0xfe, 0x41]);
    const escaped = `${line("/a")}\thttp_referer:\\xFF`;
    const { records } = await new Setup().parse(garbage, escaped);
    assert.deepEqual(archived(records[0].data), [
      { unparsed: "unknown-format", rawBase64: "//5B" },
    ]);
    assert.equal(archived(records[1].data)[0]["raw"], escaped);
  });

  it("parses 1,000 lines in one record, and records that are gzip", async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => line(`/${i}`)).join("\n");
    const setup = new Setup(1);
    const { records } = await setup.parse(lines, gzipSync(lines));
    assert.equal(archived(records[0].data).length, 1000);
    assert.equal(archived(records[1].data).length, 1000);
    assert.equal(setup.forwarded().flat().length, 2000);
  });

  it("reads records of every length", async () => {
    const { records } = await new Setup().parse("a", "ab", "abc", "abcd");
    assert.deepEqual(
      records.map(({ data }) => archived(data).map((one) => one["raw"])),
      [["a"], ["ab"], ["abc"], ["abcd"]],
    );
  });

  it("forwards the requests of whoever has no address, for rules that count all together", async () => {
    const setup = new Setup();
    await setup.parse(line("/a", "unix:"));
    assert.deepEqual(setup.forwarded(), [["/a"]]);
  });

  it("gives back what is no base64, or broken gzip, as it came", async () => {
    const { records } = await new Setup().parseData("&&& no base64 &&&", base64("\x1f\x8b"));
    assert.deepEqual(
      records.map(({ result }) => result),
      ["ProcessingFailed", "Ok"],
    );
    const broken = Buffer.from([0x1f, 0x8b, 8, 0, 1, 2]);
    assert.equal((await new Setup().parse(broken)).records[0].result, "ProcessingFailed");
  });

  it("answers with less than 6 MB whatever comes, and forwards everything", async () => {
    const long = line(`/${"x".repeat(200)}`);
    const record = `${long}\n`.repeat(1500);
    const setup = new Setup(2);
    const answer = await setup.parse(...Array.from({ length: 9 }, () => record));
    assert.ok(JSON.stringify(answer).length < 6_000_000);
    assert.ok(answer.records.some(({ result }) => result === "ProcessingFailed"));
    assert.equal(setup.forwarded().flat().length, 9 * 1500);
    assert.ok(setup.stream.records.every(({ data }) => data.length < 1 << 20));
  });

  it("sends all requests of a client under one hash key, and shares clients out", async () => {
    const setup = new Setup(8);
    const clients = Array.from({ length: 100 }, (_, i) => `198.51.100.${i}`);
    await setup.parse(clients.map((client) => line("/a", client)).join("\n"));
    await setup.parse(clients.map((client) => line("/b", client)).join("\n"));
    const keys = new Map<string, Set<string | undefined>>();
    for (const { data, hashKey } of setup.stream.records) {
      const reader = new PackedReader();
      reader.load(Buffer.from(data));
      while (reader.next()) {
        const client = reader.row.text(0) ?? "";
        keys.set(client, (keys.get(client) ?? new Set()).add(hashKey));
      }
    }
    assert.equal(keys.size, 100);
    assert.ok([...keys.values()].every((ofClient) => ofClient.size === 1));
    assert.equal(new Set(setup.stream.records.map(({ hashKey }) => hashKey)).size, 8);
  });

  it("gives packed records ids that the same invocation repeats and another does not", async () => {
    const setup = new Setup(1);
    await setup.parse(line("/a"));
    await setup.parse(line("/a"));
    await setup.parse(line("/a"), line("/b"));
    const ids = setup.stream.records.map(({ data }) => Buffer.from(data).toString().split("\n")[0]);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[1], ids[2]);
  });

  it("reports what it could not forward, and archives all the same", async () => {
    const setup = new Setup(1);
    setup.stream.failing = () => true;
    const { records } = await setup.parse(line("/a"), line("/b"));
    assert.deepEqual(
      records.map(({ result }) => result),
      ["Ok", "Ok"],
    );
    assert.equal(setup.metrics.sums["RequestsUnforwarded"], 2);
  });
});
