import assert from "node:assert/strict";
import fc from "fast-check";
import { toAlert, athenaSql } from "../../../functions/acting/alert";
import { Incidents, opening, type IncidentStep } from "../../../functions/acting/incidents";
import { incidentName, type SeenWindow } from "../../../functions/acting/stored-incident";
import { TopList } from "../../../functions/acting/top-list";
import { MinuteCounter } from "../../../functions/counting/minute-counter";
import type { Rule } from "../../../functions/rules/rule";
import { S3_RULES } from "../../../functions/rules/s3-rules";
import { exceededBy, RowMaker } from "../../support/rows";

const START = Date.UTC(2026, 10, 21, 9);
const MINUTE = 60_000;

const line = (
  time: number,
  change: {
    client?: string;
    key?: string;
    status?: number;
    bytes?: number;
    agent?: string;
    bucket?: string;
    requester?: string;
  } = {},
): string =>
  JSON.stringify({
    bucket_name: change.bucket ?? "example-media",
    request_time: new Date(time).toISOString(),
    remote_ip: change.client ?? "198.51.100.23",
    requester: change.requester,
    request_id: "X",
    operation: "REST.GET.OBJECT",
    key_name: change.key ?? "k",
    http_status: change.status ?? 200,
    bytes_sent_size: change.bytes ?? 10,
    user_agent: change.agent ?? "curl",
  });

function run(
  lines: readonly string[],
  rules = S3_RULES,
): { incidents: Incidents; steps: IncidentStep[] } {
  const counter = new MinuteCounter({ rules });
  const incidents = new Incidents(30);
  const maker = new RowMaker();
  const steps = lines.flatMap((one) =>
    exceededBy(counter, maker.row(one)).flatMap((exceeded) => incidents.note(exceeded) ?? []),
  );
  return { incidents, steps };
}
const burst = (n: number, from: number, change: Parameters<typeof line>[1] = {}): string[] =>
  Array.from({ length: n }, (_, i) => line(from + i * 10, change));

describe("MinuteCounter and Incidents", () => {
  it("open one incident for a minute over the line, and none below it", () => {
    assert.equal(run(burst(100, START)).steps.length, 0);
    const { steps, incidents } = run(burst(101, START));
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      ["opened"],
    );
    const [incident] = incidents.all();
    assert.deepEqual(
      [incident.rule, incident.client, incident.bucket, incident.count, incident.from, incident.to],
      ["bucket-scraping", "198.51.100.23", "example-media", 101, START, START + 1000],
    );
  });

  it("count the minute of the event, in whatever order the log files come", () => {
    const lines = [...burst(60, START), ...burst(60, START + MINUTE), ...burst(90, START + 30_000)];
    fc.assert(
      fc.property(fc.shuffledSubarray(lines, { minLength: lines.length }), (shuffled) => {
        const [incident] = run(shuffled).incidents.all();
        assert.equal(incident.highest, 150);
        assert.equal(incident.count, 150);
        assert.equal(incident.from, START);
      }),
      { numRuns: 50 },
    );
  });

  it("update an incident when it doubles, and open another after quiet", () => {
    const lines = [
      ...burst(150, START),
      ...burst(210, START + MINUTE),
      ...burst(150, START + 40 * MINUTE),
    ];
    const { steps, incidents } = run(lines);
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      ["opened", "updated", "opened"],
    );
    assert.deepEqual(
      incidents.all().map(({ count, alerts }) => [count, alerts]),
      [
        [360, 2],
        [150, 1],
      ],
    );
  });

  it("keep clients and buckets apart", () => {
    const lines = [
      ...burst(101, START),
      ...burst(101, START, { client: "198.51.100.24" }),
      ...burst(101, START, { bucket: "other" }),
    ];
    assert.equal(run(lines).incidents.all().length, 3);
  });

  it("find guessed keys and gigabytes", () => {
    const guesses = Array.from({ length: 31 }, (_, i) =>
      line(START + i, { key: `k${String(i)}`, status: 404 }),
    );
    assert.deepEqual(
      run(guesses)
        .incidents.all()
        .map(({ rule }) => rule),
      ["key-enumeration"],
    );
    assert.deepEqual(
      run(burst(5, START, { bytes: 250_000_000 }))
        .incidents.all()
        .map(({ rule, count }) => [rule, count]),
      [["mass-download", 1_250_000_000]],
    );
    assert.deepEqual(run(burst(60, START, { status: 404 })).incidents.all(), []);
  });

  it("say who was refused, with which name and program, and who gave none", () => {
    const [named] = run(
      burst(101, START, { status: 403, requester: "arn:aws:iam::123456789012:user/a", agent: "" }),
    ).incidents.all();
    assert.equal(named.evidence.denied, named.evidence.accesses);
    assert.equal(named.evidence.anonymous, 0);
    assert.equal(named.evidence.requesters.top(1)[0][0], "arn:aws:iam::123456789012:user/a");
    assert.equal(named.evidence.userAgents.top(1)[0][0], "(none)");
  });

  it("name no client or no bucket where the rule counts all together", () => {
    const [rule] = S3_RULES;
    const of = (per: readonly string[]): unknown[] =>
      run(burst(101, START), [{ ...rule, per }])
        .incidents.all()
        .map(({ client, bucket }) => [client, bucket]);
    assert.deepEqual(of(["bucket"]), [["", "example-media"]]);
    assert.deepEqual(of(["client"]), [["198.51.100.23", ""]]);
    const seen = { rule, key: {} } as unknown as SeenWindow;
    assert.equal(incidentName(seen), '["bucket-scraping","",""]');
  });

  it("are of low severity where the rule says none", () => {
    const rule: Rule = { ...S3_RULES[0], then: { blockSeconds: 60 } };
    const window = { key: {}, total: 2, first: START, line: 1, expected: undefined };
    const { severity } = opening({ rule, ...window });
    assert.equal(severity, "low");
  });

  it("come in the order of time, and of their rules' names where that is the same", () => {
    const [rule] = S3_RULES;
    const rules = ["b", "a", "c"].map((name) => ({ ...rule, name }));
    const names = run(burst(101, START), rules)
      .incidents.all()
      .map((incident) => incident.rule);
    assert.deepEqual(names, ["a", "b", "c"]);
  });

  it("bound their memory", () => {
    const counter = new MinuteCounter({ rules: S3_RULES, maxWindows: 1024 });
    const maker = new RowMaker();
    for (let i = 0; i < 5000; i++)
      exceededBy(
        counter,
        maker.row(
          line(START + i * MINUTE * 0.1, { client: `198.51.${String(i >> 8)}.${String(i & 255)}` }),
        ),
      );
    assert.ok(counter.groups.every(({ table }) => table.size <= 1024));
    assert.ok(counter.forgotten > 0);
  });
});

describe("exemptions", () => {
  it("keep accesses out of every count until their day", () => {
    const maker = new RowMaker();
    const counter = new MinuteCounter({
      rules: S3_RULES,
      exempt: [
        {
          where: { client: ["198.51.100.0/24"], operation: ["REST.GET.*"] },
          reason: "the backup",
          until: "2026-11-21T10:00:00Z",
        },
      ],
    });
    const crossed = (at: number): number =>
      burst(120, at).filter((text) =>
        exceededBy(counter, maker.row(text)).some((one) => one.isCrossing),
      ).length;
    assert.equal(crossed(START), 0);
    assert.equal(crossed(START + 60 * MINUTE), 1);
  });
});

describe("toAlert", () => {
  const alertOf = (change: Parameters<typeof line>[1]): ReturnType<typeof toAlert> =>
    toAlert(run(burst(120, START, change)).incidents.all()[0]);

  it("says who, what, when, and how to look further", () => {
    const alert = alertOf({});
    assert.equal(alert.subject, "[high] bucket-scraping: 198.51.100.23 on example-media");
    assert.deepEqual(alert.attributes, {
      severity: "high",
      bucket: "example-media",
      rule: "bucket-scraping",
    });
    for (const part of [
      "2026-11-21T09:00:00Z_198.51.100.23_anomaly_access_to_example-media_120/min",
      "Expected: at most 100 within 60 s. Seen: up to 120",
      "Severity: high.",
      "x REST.GET.OBJECT",
      "x k",
      "x curl",
      "(anonymous)",
      "from accesses",
      "1. Is 198.51.100.23 yours",
      "is example-media meant to be public?",
      "deny the address in the bucket policy of example-media",
    ]) {
      assert.ok(alert.message.includes(part), part);
    }
  });

  it("says the same to machines", () => {
    const document = JSON.parse(alertOf({}).document) as Record<string, unknown>;
    assert.equal(document["client"], "198.51.100.23");
    assert.equal(document["highest"], 120);
    assert.equal(document["from"], "2026-11-21T09:00:00Z");
    assert.deepEqual(document["operations"], [["REST.GET.OBJECT", 109]]);
  });

  it("has a subject of at most 99 printable ASCII characters", () => {
    const { subject } = alertOf({ bucket: `${"é".repeat(60)}\n${"b".repeat(60)}` });
    assert.match(subject, /^[\x20-\x7e]{1,99}$/);
  });

  it("fits into what SNS takes, JSON for five kinds of machines included", () => {
    const { message, document } = alertOf({ key: "é".repeat(20_000), agent: "ü".repeat(20_000) });
    const whole = JSON.stringify({ default: message, documents: Array(5).fill(document) });
    assert.ok(Buffer.byteLength(whole) < 262_144);
  });

  it("says that it is cut where a name alone is longer than a message may be", () => {
    const { message } = alertOf({ bucket: "ü".repeat(100_000) });
    assert.ok(Buffer.byteLength(message) <= 150_000);
    assert.match(message, /ü\n\(cut: the incident is whole in the incidents table\)$/);
  });

  it("lets no control character out", () => {
    assert.ok(!alertOf({ agent: "a\u001b[2Jb\u202ec" }).message.includes("\u001b"));
  });

  it("asks Athena for all hours of days on end, and for an IPv6 network", () => {
    const [incident] = run(burst(120, START, { client: "2001:db8::7" })).incidents.all();
    const sql = athenaSql({ ...incident, to: incident.from + 2 * 24 * 60 * MINUTE });
    assert.ok(!sql.includes("hour in"));
    for (const day of [21, 22, 23])
      assert.ok(sql.includes(`(year = 2026 and month = 11 and day = ${day})`));
    assert.ok(sql.includes("contains('2001:db8::/64', cast(remote_ip as ipaddress))"));
  });

  it("asks Athena for the right partitions and quotes what strangers wrote", () => {
    const [incident] = run(burst(120, START, { bucket: "o'hara" })).incidents.all();
    const sql = athenaSql(incident);
    assert.ok(sql.includes("(year = 2026 and month = 11 and day = 21)"));
    assert.ok(sql.includes("hour in (9, 10, 11, 12, 13, 14, 15)"));
    assert.ok(sql.includes("bucket_name = 'o''hara'"));
  });
});

describe("TopList", () => {
  it("keeps the frequent ones in bounded memory", () => {
    const list = new TopList();
    for (let i = 0; i < 1000; i++) {
      list.add("often");
      list.add(`once-${String(i)}`);
    }
    assert.deepEqual(list.top(1)[0], ["often", 1000]);
  });
});
