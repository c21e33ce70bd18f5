import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { parseAccesses } from "../../../functions/handlers/parse-accesses";
import { FakeClock, FakeObjects, FakeReport } from "../../support/fakes";
import { s3LineOf } from "../../support/s3-lines";

const NOW = Date.UTC(2026, 10, 22, 3);

class Setup {
  readonly objects = new FakeObjects();
  readonly metrics = new FakeReport();
  readonly delivered: string[] = [];
  /** Whether the n-th record is refused for good. */
  refuses: (n: number) => boolean = () => false;
  /** Does not keep what is delivered. */
  forgets = false;
  private puts = 0;
  private readonly callback = parseAccesses(
    {
      component: "audit",
      deliveryStreamName: "accesses",
      quarantine: { bucket: "archive", prefix: "quarantine/" },
    },
    {
      objects: { open: (name) => this.objects.open(name), put: this.objects.put },
      deliver: (records) => {
        const failed = records.filter(() => this.refuses(this.puts++));
        const through = records.filter((record) => !failed.includes(record));
        if (!this.forgets)
          this.delivered.push(...through.map((record) => Buffer.from(record).toString()));
        return Promise.resolve({ failed, retries: 0, trouble: "ServiceUnavailableException" });
      },
      report: this.metrics.report,
      now: new FakeClock(NOW).now,
    },
  );

  store(key: string, content: string | Buffer): void {
    this.objects.stored.set(`logs/${key}`, Buffer.from(content));
  }

  /** The ids of the messages that failed. */
  async parse(...bodies: readonly unknown[]): Promise<string[]> {
    const Records = bodies.map((body, i) => ({
      messageId: `m${i}`,
      body: typeof body === "string" ? body : JSON.stringify(body),
    }));
    const event = { Records } as unknown as Parameters<typeof this.callback>[0];
    const { batchItemFailures } = await this.callback(event, {
      getRemainingTimeInMillis: () => 300_000,
    });
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  }

  lines(): string[] {
    return this.delivered.flatMap((data) => data.split("\n").slice(0, -1));
  }
}

const created = (...keys: readonly string[]): object => ({
  Records: keys.map((key) => ({
    eventVersion: "2.6",
    eventName: "ObjectCreated:Put",
    s3: { bucket: { name: "logs" }, object: { key } },
  })),
});

describe("parseAccesses", () => {
  it("delivers the lines of a new object", async () => {
    const setup = new Setup();
    setup.store("a", `${s3LineOf({ key: "x" })}\n${s3LineOf({ key: "y" })}\n`);
    assert.deepEqual(await setup.parse(created("a")), []);
    assert.deepEqual(
      setup.lines().map((line) => (JSON.parse(line) as { key_name: string }).key_name),
      ["x", "y"],
    );
    assert.deepEqual(setup.metrics.sums, {
      LinesRead: 2,
      LinesUnparsed: 0,
      DeliveryDelayMs: 2 * 75 * 60_000,
    });
  });

  it("reads gzip, and EventBridge's events, and keys of every kind", async () => {
    const setup = new Setup();
    const strange = 'year=2026/a b+c%20"q"\n😀';
    setup.store(strange, gzipSync(s3LineOf({})));
    const encoded = encodeURIComponent(strange).replaceAll("%20", "+");
    await setup.parse(created(encoded), {
      "detail-type": "Object Created",
      detail: { bucket: { name: "logs" }, object: { key: strange } },
    });
    assert.equal(setup.lines().length, 2);
  });

  for (const [what, body] of [
    ["S3's test event", { Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "logs" }],
    [
      "a deletion",
      {
        Records: [
          {
            eventName: "ObjectRemoved:Delete",
            s3: { bucket: { name: "logs" }, object: { key: "a" } },
          },
        ],
      },
    ],
    ["an object that is gone", created("gone")],
    ["an empty object", created("empty")],
  ] as const) {
    it(`has nothing to do for ${what}`, async () => {
      const setup = new Setup();
      setup.store("empty", "");
      assert.deepEqual(await setup.parse(body), []);
      assert.deepEqual(setup.delivered, []);
    });
  }

  for (const body of ["no JSON", "null", "{}", { Records: [{ eventName: "ObjectCreated:Put" }] }]) {
    it(`gives up ${JSON.stringify(body)} alone`, async () => {
      const setup = new Setup();
      setup.store("a", s3LineOf({}));
      assert.deepEqual(await setup.parse(body, created("a")), ["m0"]);
      assert.equal(setup.lines().length, 1);
      assert.equal(setup.metrics.sums["ObjectsFailed"], 1);
    });
  }

  it("delivers the same records when a notification comes twice", async () => {
    const setup = new Setup();
    setup.store("a", Array.from({ length: 2000 }, (_, i) => s3LineOf({ key: `k${i}` })).join("\n"));
    await setup.parse(created("a"));
    const first = setup.delivered.splice(0);
    setup.objects.pieceBytes = 1000;
    await setup.parse(created("a"));
    assert.ok(first.length > 1);
    assert.deepEqual(setup.delivered, first);
  });

  it("fails the message when not all records are delivered, and delivers them when it comes again", async () => {
    const setup = new Setup();
    setup.store("a", Array.from({ length: 2000 }, (_, i) => s3LineOf({ key: `k${i}` })).join("\n"));
    setup.refuses = (n) => n > 0;
    assert.deepEqual(await setup.parse(created("a")), ["m0"]);
    setup.refuses = () => false;
    assert.deepEqual(await setup.parse(created("a")), []);
    assert.equal(new Set(setup.lines()).size, 2000);
  });

  it("fails the message whose gzip ends too early", async () => {
    const setup = new Setup();
    const whole = gzipSync(s3LineOf({}));
    setup.store("a", whole.subarray(0, whole.length - 12));
    assert.deepEqual(await setup.parse(created("a")), ["m0"]);
  });

  it("delivers nothing of an object that is no log, and keeps all of it in the quarantine", async () => {
    const setup = new Setup();
    setup.store(
      "photo.jpg",
      Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) & 255)),
    );
    assert.deepEqual(await setup.parse(created("photo.jpg")), []);
    assert.deepEqual(setup.delivered, []);
    assert.ok(setup.objects.stored.has("archive/quarantine/logs/photo.jpg.00000"));
    assert.equal(setup.metrics.sums["LinesUnparsed"], setup.metrics.sums["LinesRead"]);
  });

  it("reads a file of 300 MB as it comes, and holds little of it", async () => {
    const setup = new Setup();
    const piece = Buffer.from(`${s3LineOf({})}\n`.repeat(2000));
    const pieces = Math.ceil(300_000_000 / piece.length);
    setup.objects.open = () =>
      Promise.resolve(
        (async function* () {
          await Promise.resolve();
          for (let i = 0; i < pieces; i++) yield piece;
        })(),
      );
    setup.forgets = true;
    const before = process.memoryUsage.rss();
    assert.deepEqual(await setup.parse(created("large")), []);
    assert.equal(setup.metrics.sums["LinesRead"], 2000 * pieces);
    assert.ok(process.memoryUsage.rss() - before < 200_000_000);
  });

  it("puts what it cannot parse into the quarantine, under the object's name", async () => {
    const setup = new Setup();
    setup.store("a/b", `${s3LineOf({})}\nno log line\n`);
    await setup.parse(created("a/b"));
    assert.deepEqual(
      JSON.parse(setup.objects.stored.get("archive/quarantine/logs/a/b.00000")?.toString() ?? ""),
      { unparsed: "unknown-format", object: "logs/a/b", raw: "no log line" },
    );
    assert.equal(setup.lines().length, 1);
    assert.equal(setup.metrics.sums["LinesUnparsed"], 1);
  });
});
