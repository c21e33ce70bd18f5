import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { Alert } from "../../../functions/acting/alert";
import { toIncident } from "../../../functions/acting/stored-incident";
import { countAccesses } from "../../../functions/handlers/count-accesses";
import { DEFAULT_PREFIXES } from "../../../functions/parsing/address";
import { AccessPacker } from "../../../functions/parsing/pack-accesses";
import type { Rule } from "../../../functions/rules/rule";
import { FakeAudit, FakeClock, FakeObjects, FakeReport } from "../../support/fakes";
import { s3LineOf, type TestAccess } from "../../support/s3-lines";

const SCRAPING: Rule = {
  name: "scraping",
  per: ["client", "bucket"],
  count: "requests",
  moreThan: 5,
  withinSeconds: 60,
  then: { alert: "high" },
};
const KEYS: Rule = {
  ...SCRAPING,
  name: "keys",
  count: { distinct: "key" },
  where: { status: [404] },
};
const BYTES: Rule = { ...SCRAPING, name: "bytes", count: { sum: "bytes" }, moreThan: 10_000_000 };

const WEEK = 7 * 24 * 3600;

class Setup {
  readonly audit = new FakeAudit();
  readonly objects = new FakeObjects();
  readonly metrics = new FakeReport();
  readonly alerts: Alert[] = [];
  readonly clock = new FakeClock(0);
  exemptions: Record<string, unknown>[] = [];
  isSnsDown = false;
  private readonly callback;

  constructor(rules: readonly Rule[] = [SCRAPING, KEYS, BYTES]) {
    this.callback = countAccesses(
      {
        component: "audit",
        rules,
        exempt: [{ where: { bucket: ["public-*"] }, reason: "meant to be read" }],
        prefixes: DEFAULT_PREFIXES,
        countersTableName: "",
        exemptionsTableName: "",
        incidentsTableName: "",
        topicArn: "",
        latenessHours: 24,
        quietMinutes: 60,
        heartbeat: [{ bucket: "photos", hours: 6 }],
      },
      {
        objects: this.objects,
        counters: this.audit.counters,
        incidents: this.audit.incidents,
        heartbeats: this.audit.heartbeats,
        past: this.audit.past,
        exemptions: () => Promise.resolve(this.exemptions),
        now: this.clock.now,
        alert: (alert) => {
          if (this.isSnsDown) return Promise.reject(new Error("InternalErrorException"));
          this.alerts.push(alert);
          return Promise.resolve();
        },
        report: this.metrics.report,
      },
    );
  }

  /** Stores packed records as one object of the archive. */
  store(name: string, ...records: readonly (Buffer | undefined)[]): void {
    const whole = Buffer.concat(records.filter((record) => record !== undefined));
    this.objects.stored.set(`archive/${name}`, gzipSync(whole));
  }

  async count(...names: readonly string[]): Promise<string[]> {
    const Records = names.map((key, i) => ({
      messageId: `m${i}`,
      body: JSON.stringify({
        Records: [
          { eventName: "ObjectCreated:Put", s3: { bucket: { name: "archive" }, object: { key } } },
        ],
      }),
    }));
    const { batchItemFailures } = await this.callback({ Records } as never);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  }

  counts(): unknown[] {
    return this.audit.all().map((incident) => {
      const { rule, client, bucket, highest, count } = toIncident(incident);
      return [rule, client, bucket, highest, count];
    });
  }
}

/** The packed records that the parse callback makes of a log file. */
function packed(file: string, accesses: readonly TestAccess[]): Buffer[] {
  const packer = new AccessPacker(file, 0);
  packer.push(Buffer.from(accesses.map((access) => `${s3LineOf(access)}\n`).join("")));
  packer.end();
  return packer.take().map(({ data }) => data);
}

const burst = (n: number, change: TestAccess = {}): TestAccess[] =>
  Array.from({ length: n }, (_, i) => ({ second: i % 60, key: `k${i}`, ...change }));

describe("countAccesses", () => {
  it("makes one incident and one alert of a client over a line", async () => {
    const setup = new Setup();
    setup.store("a", ...packed("log-1", burst(6)));
    assert.deepEqual(await setup.count("a"), []);
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 6, 6]]);
    assert.deepEqual(
      setup.alerts.map(({ subject }) => subject),
      ["[high] scraping: 192.0.2.3 on photos"],
    );
    assert.equal(setup.metrics.sums["AccessesCounted"], 6);
  });

  it("leaves who stays below in peace", async () => {
    const setup = new Setup();
    setup.store("a", ...packed("log-1", [...burst(5), ...burst(5, { client: "192.0.2.4" })]));
    await setup.count("a");
    assert.deepEqual(setup.alerts, []);
  });

  it("adds up a minute that is spread over five log files", async () => {
    const setup = new Setup();
    for (let file = 0; file < 5; file++) {
      setup.store(`o${file}`, ...packed(`log-${file}`, burst(2)));
      await setup.count(`o${file}`);
    }
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 10, 10]]);
    assert.equal(setup.alerts.length, 1);
  });

  it("counts a packed record once: in two objects, twice in one, and in a notification that comes twice", async () => {
    const setup = new Setup();
    const [record] = packed("log-1", burst(4));
    setup.store("a", record);
    setup.store("b", record, record);
    await setup.count("a", "a", "b");
    assert.deepEqual(setup.alerts, []);
    setup.store("c", ...packed("log-2", burst(2)));
    await setup.count("c", "a");
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 6, 6]]);
  });

  it("counts distinct keys and bytes over several records", async () => {
    const setup = new Setup();
    const missing = { status: 404, bytes: 0, client: "192.0.2.5" };
    setup.store("a", ...packed("log-1", burst(4, missing)), ...packed("log-2", burst(5, missing)));
    const large = { bytes: 6_000_000, client: "192.0.2.6" };
    setup.store("b", ...packed("log-3", burst(1, large)), ...packed("log-4", burst(1, large)));
    await setup.count("a", "b");
    assert.deepEqual(setup.counts(), [
      ["scraping", "192.0.2.5", "photos", 9, 9],
      ["bytes", "192.0.2.6", "photos", 12_000_000, 12_000_000],
    ]);
    setup.store("c", ...packed("log-5", [{ key: "k9", ...missing }]));
    await setup.count("c");
    assert.deepEqual(setup.counts().at(-1), ["keys", "192.0.2.5", "photos", 6, 6]);
  });

  it("alerts again when the highest minute has doubled, and anew after an hour of quiet", async () => {
    const setup = new Setup();
    const minutes = [6, 11, 12].entries();
    for (const [i, n] of minutes) {
      setup.store(
        `o${i}`,
        ...packed(
          `log-${i}`,
          burst(n).map((one) => ({ ...one, second: 60 * i + (one.second ?? 0) })),
        ),
      );
      await setup.count(`o${i}`);
    }
    assert.equal(setup.alerts.length, 2);
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 12, 29]]);
    setup.store("later", ...packed("log-9", burst(6, { second: 2 * 3600 })));
    await setup.count("later");
    assert.equal(setup.alerts.length, 3);
    assert.equal(setup.audit.all().length, 2);
  });

  it("takes all minutes of one record into the evidence, each once", async () => {
    const setup = new Setup();
    const twoMinutes = [0, 60].flatMap((from) =>
      burst(6).map((one) => ({ ...one, second: from + (one.second ?? 0) })),
    );
    setup.store("a", ...packed("log-1", twoMinutes));
    await setup.count("a", "a");
    const [{ evidence, windows }] = setup.audit.all();
    assert.equal(evidence.accesses, 12);
    assert.deepEqual(Object.values(windows), [6, 6]);
  });

  it("sends the alert that SNS refused when the message comes again, and only that", async () => {
    const setup = new Setup();
    setup.store("a", ...packed("log-1", burst(6)));
    setup.isSnsDown = true;
    assert.deepEqual(await setup.count("a"), ["m0"]);
    setup.isSnsDown = false;
    assert.deepEqual(await setup.count("a"), []);
    assert.deepEqual(await setup.count("a"), []);
    assert.equal(setup.alerts.length, 1);
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 6, 6]]);
  });

  it("stays exact while DynamoDB throttles every seventh call", async () => {
    const setup = new Setup();
    for (let file = 0; file < 4; file++)
      setup.store(`o${file}`, ...packed(`log-${file}`, burst(3)));
    setup.audit.throttles = 7;
    let waiting = ["o0", "o1", "o2", "o3"];
    for (let tries = 0; tries < 50 && waiting.length > 0; tries++) {
      const failed = await setup.count(...waiting);
      waiting = failed.map((id) => waiting[Number(id.slice(1))]);
    }
    assert.deepEqual(waiting, []);
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 12, 12]]);
    assert.equal(
      new Set(setup.alerts.map(({ message }) => message.split("\n")[0])).size,
      setup.alerts.length,
    );
  });

  it("leaves out what is exempt, by the arguments or by the table, until its day", async () => {
    const setup = new Setup();
    setup.exemptions = [
      { where: { client: ["192.0.2.3"] }, reason: "the backup", until: "2026-11-22T01:46:00Z" },
      { where: { colour: ["red"] }, reason: "nonsense" },
    ];
    const late = burst(6).map((one) => ({ ...one, second: 60 + (one.second ?? 0) }));
    setup.store("a", ...packed("log-1", [...burst(9), ...burst(9, { bucket: "public-site" })]));
    setup.store("b", ...packed("log-2", late));
    await setup.count("a");
    assert.deepEqual(setup.counts(), []);
    await setup.count("b");
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 6, 6]]);
    assert.equal(setup.metrics.sums["ExemptionsRefused"], 1);
  });

  it("hears of a new exemption within a minute", async () => {
    const setup = new Setup();
    setup.store("a", ...packed("log-1", burst(6)));
    setup.store("b", ...packed("log-2", burst(6, { client: "192.0.2.9" })));
    await setup.count("a");
    setup.exemptions = [{ where: { client: ["192.0.2.9"] }, reason: "a partner" }];
    setup.clock.time += 60_001;
    await setup.count("b");
    assert.equal(setup.alerts.length, 1);
  });

  it("counts lines that S3 delivered as JSON itself, without a record's id", async () => {
    const setup = new Setup();
    const lines = packed("log-1", burst(6)).map((data) =>
      Buffer.from(data.toString().replace(/"batch":"[^"]*","line":[0-9]+,/g, "")),
    );
    setup.store("a", ...lines);
    await setup.count("a", "a");
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 6, 6]]);
  });

  it("notes that a watched bucket was heard of", async () => {
    const setup = new Setup();
    setup.clock.time = 5;
    setup.store("a", ...packed("log-1", [{ bucket: "other" }]));
    await setup.count("a");
    assert.equal(setup.audit.beats.size, 0);
    setup.store("b", ...packed("log-2", [{ bucket: "photos" }]));
    await setup.count("b");
    assert.deepEqual([...setup.audit.beats], [["photos", 5]]);
  });

  it("alerts on what is unusual for this client at this hour of the week", async () => {
    const setup = new Setup([{ ...SCRAPING, moreThan: 100, unusual: { factor: 4, atLeast: 10 } }]);
    const inWeek = (week: number, n: number): TestAccess[] =>
      burst(n).map((one) => ({ ...one, second: week * WEEK + (one.second ?? 0) }));
    for (const [week, n] of [3, 5, 8, 30].entries()) {
      setup.store(`o${week}`, ...packed(`log-${week}`, inWeek(week, n)));
      await setup.count(`o${week}`);
    }
    assert.deepEqual(setup.counts(), [["scraping", "192.0.2.3", "photos", 30, 30]]);
    // (8 + 5/2 + 3/4) / (1 + 1/2 + 1/4) = 6.43, four times that is 25.7
    assert.match(
      setup.alerts[0].message,
      /Expected: about 6\.4 within 60 s at this hour of the week\. Seen: up to 30, 30 in all; score 4\.7\./,
    );
  });

  it("judges a client by the fixed line where nothing is known of its hour", async () => {
    const setup = new Setup([{ ...SCRAPING, moreThan: 50, unusual: { factor: 4, atLeast: 10 } }]);
    setup.store("a", ...packed("log-1", burst(49)));
    await setup.count("a");
    assert.equal(setup.alerts.length, 0);
    setup.store("b", ...packed("log-2", burst(2)));
    await setup.count("b");
    assert.match(setup.alerts[0].message, /Expected: at most 50 within 60 s\. Seen: up to 51/);
  });

  it("counts 10,000 clients in one file apart", async () => {
    const setup = new Setup();
    const crowd = Array.from({ length: 10_000 }, (_, i) => ({
      client: `198.51.${i >> 8}.${i & 255}`,
    }));
    setup.store("a", ...packed("log-1", crowd));
    await setup.count("a");
    assert.equal(setup.audit.windows.size, 10_000);
    assert.deepEqual(setup.alerts, []);
  });

  it("gives up a message that it cannot read, alone", async () => {
    const setup = new Setup();
    setup.store("a", ...packed("log-1", burst(6)));
    setup.objects.stored.set("archive/broken", gzipSync("x".repeat(1000)).subarray(0, 20));
    assert.deepEqual(await setup.count("broken", "a", "gone"), ["m0"]);
    assert.equal(setup.alerts.length, 1);
  });
});
