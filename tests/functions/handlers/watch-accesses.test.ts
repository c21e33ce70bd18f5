import assert from "node:assert/strict";
import type { Alert } from "../../../functions/acting/alert";
import { noteWindow } from "../../../functions/acting/stored-incident";
import { watchAccesses } from "../../../functions/handlers/watch-accesses";
import { S3_RULES } from "../../../functions/rules/s3-rules";
import { FakeAudit, FakeClock, FakeReport } from "../../support/fakes";

const START = Date.UTC(2026, 10, 22, 1, 45);
const HOUR = 3_600_000;

class Setup {
  readonly audit = new FakeAudit();
  readonly clock = new FakeClock(START);
  readonly metrics = new FakeReport();
  readonly alerts: Alert[] = [];

  /** An incident that was last counted now, its alert sent or not. */
  async open(isPending: boolean): Promise<void> {
    const incident = noteWindow(
      undefined,
      {
        rule: S3_RULES[0],
        key: { client: "192.0.2.3", bucket: "photos" },
        windowStart: START,
        total: 120,
        line: 100,
        expected: undefined,
        first: START,
        last: START + 1000,
        batch: "b",
        accesses: [],
        now: this.clock.time,
      },
      HOUR,
    );
    assert.equal(await this.audit.incidents.save("n", { ...incident, isPending }, 0), true);
  }

  watch(): Promise<void> {
    return watchAccesses(
      {
        component: "audit",
        countersTableName: "",
        incidentsTableName: "",
        topicArn: "",
        quietMinutes: 60,
        heartbeat: [{ bucket: "photos", hours: 6 }],
      },
      {
        incidents: this.audit.incidents,
        heartbeats: this.audit.heartbeats,
        alert: (alert) => {
          this.alerts.push(alert);
          return Promise.resolve();
        },
        report: this.metrics.report,
        now: this.clock.now,
      },
    )();
  }

  subjects(): string[] {
    return this.alerts.map(({ subject }) => subject);
  }
}

describe("watchAccesses", () => {
  it("closes an incident once, after the quiet time and the usual lag of delivery", async () => {
    const setup = new Setup();
    await setup.open(false);
    setup.clock.time += 4 * HOUR;
    await setup.watch();
    assert.deepEqual(setup.subjects(), []);
    assert.equal(setup.metrics.last["IncidentsOpen"], 1);
    setup.clock.time += 1;
    await setup.watch();
    await setup.watch();
    assert.deepEqual(setup.subjects(), ["[over] bucket-scraping: 192.0.2.3 on photos"]);
    assert.match(setup.alerts[0].message, /^Nothing more for a while: this incident is over\./);
    assert.equal(setup.metrics.last["IncidentsOpen"], 0);
  });

  it("sends an alert that never got out before it says that all is over", async () => {
    const setup = new Setup();
    await setup.open(true);
    setup.clock.time += 5 * HOUR;
    await setup.watch();
    assert.deepEqual(setup.subjects(), [
      "[high] bucket-scraping: 192.0.2.3 on photos",
      "[over] bucket-scraping: 192.0.2.3 on photos",
    ]);
  });

  it("misses a bucket after its hours without a line, and no earlier", async () => {
    const setup = new Setup();
    await setup.watch();
    setup.clock.time += 6 * HOUR;
    await setup.watch();
    assert.equal(setup.metrics.last["BucketsSilent"], 0);
    setup.clock.time += 1;
    await setup.watch();
    assert.equal(setup.metrics.last["BucketsSilent"], 1);
    assert.ok(setup.metrics.last["QuietHours photos"] > 6);
    setup.audit.beats.set("photos", setup.clock.time);
    await setup.watch();
    assert.equal(setup.metrics.last["BucketsSilent"], 0);
  });
});
