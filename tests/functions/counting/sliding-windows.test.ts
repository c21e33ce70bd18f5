import assert from "node:assert/strict";
import fc from "fast-check";
import {
  restoreCounter,
  saveCounter,
  MAX_STATE_BYTES,
} from "../../../functions/counting/counter-state";
import { Counter } from "../../../functions/counting/counter";
import type { Finding } from "../../../functions/counting/finding";
import { RecentBatches } from "../../../functions/counting/recent-batches";
import { SlidingWindows } from "../../../functions/counting/sliding-windows";
import { BATCH_ROWS } from "../../../functions/parsing/row-batch";
import type { Rule } from "../../../functions/rules/rule";
import { findingsOf, ltsvOf, RowMaker, START, type TestRequest } from "../../support/rows";

const RULES: readonly Rule[] = [
  {
    name: "many",
    per: ["client", "path"],
    count: "requests",
    moreThan: 3,
    withinSeconds: 10,
    then: { blockSeconds: 60 },
  },
  {
    name: "distinct",
    where: { status: ["400-499"] },
    per: ["client"],
    count: { distinct: "path" },
    moreThan: 2,
    withinSeconds: 10,
    then: { blockSeconds: 60 },
  },
  {
    name: "often",
    per: ["client"],
    count: "requests",
    moreThan: 12,
    withinSeconds: 10,
    then: { blockSeconds: 60 },
  },
  {
    name: "bytes",
    per: ["client"],
    count: { sum: "bytes" },
    moreThan: 1000,
    withinSeconds: 5,
    then: { blockSeconds: 60 },
  },
];

const requestArb = (maxSeconds: number): fc.Arbitrary<TestRequest> =>
  fc.record({
    time: fc.integer({ min: 0, max: maxSeconds * 4 }).map((quarter) => START + quarter * 250),
    client: fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"),
    path: fc.constantFrom("/a", "/b", "/c", "/d", "/e"),
    status: fc.constantFrom(200, 404, 403),
    bytes: fc.integer({ min: 0, max: 600 }),
  });

const clientOf = (address: string): string => (address.includes(":") ? "2001:db8::/64" : address);

/** What the rule counts of the requests within its window that ends at `end`, worked out plainly. */
function totalAt(
  rule: Rule,
  requests: readonly Required<Pick<TestRequest, "time" | "client" | "path" | "status" | "bytes">>[],
  key: Readonly<Record<string, string>>,
  end: number,
): number {
  const inside = requests.filter(
    (request) =>
      request.time <= end &&
      request.time > end - rule.withinSeconds * 1000 &&
      clientOf(request.client) === key["client"] &&
      (key["path"] === undefined || request.path === key["path"]) &&
      (rule.name !== "distinct" || request.status >= 400),
  );
  if (rule.name === "distinct") return new Set(inside.map(({ path }) => path)).size;
  return rule.name === "bytes" ? inside.reduce((sum, { bytes }) => sum + bytes, 0) : inside.length;
}

type Full = Required<Pick<TestRequest, "time" | "client" | "path" | "status" | "bytes">>;

function run(requests: readonly TestRequest[]): {
  findings: readonly Finding[];
  byRequest: readonly (readonly Finding[])[];
} {
  const counter = new Counter({ rules: RULES });
  const maker = new RowMaker();
  const byRequest = requests.map((request) => findingsOf(counter, maker.row(ltsvOf(request))));
  return { findings: byRequest.flat(), byRequest };
}

function resumedFrom(windows: SlidingWindows, fresh: SlidingWindows): SlidingWindows {
  for (const { key, saved } of windows.saved()) {
    fresh.key.set(key);
    fresh.restore(saved);
  }
  return fresh;
}

describe("SlidingWindows", () => {
  it("keeps a bounded number of values of a key, and still finds it when it goes on", () => {
    const windows = new SlidingWindows({
      withinMs: 30_000,
      moreThan: 10,
      notable: 2.5,
      latenessMs: 30_000,
      isDistinct: true,
      maxKeys: 100,
    });
    const raisedAt: number[] = [];
    for (let value = 0; value < 1000; value++) {
      const time = value * 100;
      windows.key.set([1, 0, 0]);
      windows.event.set([time, 1, 0]);
      if (windows.add(value)) raisedAt.push(time);
      for (const { saved } of windows.saved()) assert.ok(saved.events.length / 4 <= 64);
    }
    assert.deepEqual(raisedAt, [1000, 31_000, 61_000, 91_000]);
  });

  it("never counts too much or keeps too many, however late events come and lists are shortened, and goes on so from a saved state", () => {
    const settings = { withinMs: 10_000, moreThan: 30, latenessMs: 20_000, maxKeys: 100 };
    const MOST = 93;
    const gap = fc.oneof(
      { weight: 200, arbitrary: fc.nat(300) },
      { weight: 1, arbitrary: fc.nat(20_000) },
    );
    const eventArb = fc.record({ gap, late: fc.nat(25_000), value: fc.nat(60) });
    const eventsArb = fc.array(eventArb, { maxLength: 400, size: "max" });
    fc.assert(
      fc.property(eventsArb, fc.nat(4), fc.boolean(), (events, lateOnes, isDistinct) => {
        const make = (): SlidingWindows =>
          new SlidingWindows({ ...settings, notable: 7, isDistinct });
        const windows = make();
        let resumed = make();
        const seen: { time: number; value: number }[] = [];
        let newest = 60_000;
        events.forEach(({ gap, late, value }, i) => {
          newest += gap;
          const time = i % 5 < lateOnes ? newest - late : newest;
          seen.push({ time, value });
          const [isRaised, isRaisedAgain] = [windows, resumed].map((one) => {
            one.key.set([1, 0, 0]);
            one.event.set([time, 1, 0]);
            return one.add(isDistinct ? value : 0);
          });
          assert.equal(isRaised, isRaisedAgain);
          if (isRaised) {
            const { at, first, total } = windows;
            assert.deepEqual([resumed.at, resumed.first, resumed.total], [at, first, total]);
            const inside = seen.filter((one) => one.time > at - 10_000 && one.time <= at);
            const distinct = new Set(inside.map((one) => one.value)).size;
            assert.ok(total > 30);
            assert.ok(total <= (isDistinct ? distinct : inside.length));
            assert.ok(first > at - 10_000 && first <= at);
          }
          for (const { saved } of windows.saved()) assert.ok(saved.events.length / 4 <= MOST);
          if (value === 0) resumed = resumedFrom(resumed, make());
        });
      }),
      { numRuns: 300 },
    );
  });

  it("counts a value once, at its newest, however often it comes", () => {
    const windows = new SlidingWindows({
      withinMs: 10_000,
      moreThan: 2,
      notable: 1,
      latenessMs: 10_000,
      isDistinct: true,
      maxKeys: 100,
    });
    const raised = [1, 2, 1, 1, 2, 1, 3].map((value, i) => {
      windows.key.set([1, 0, 0]);
      windows.event.set([i * 1000, 1, 0]);
      return windows.add(value);
    });
    assert.deepEqual(raised, [false, false, false, false, false, false, true]);
    assert.deepEqual([windows.total, windows.first], [3, 4000]);
  });

  it("makes room by dropping keys whose events have passed, and saves none of them", () => {
    const windows = new SlidingWindows({
      withinMs: 10_000,
      moreThan: 3,
      notable: 1,
      latenessMs: 10_000,
      isDistinct: false,
      maxKeys: 1 << 20,
    });
    const addAll = (from: number, time: number, n = 1000): void => {
      for (let client = from; client < from + n; client++) {
        windows.key.set([client, 0, 0]);
        windows.event.set([time, 1, 0]);
        assert.equal(windows.add(0), false);
      }
    };
    addAll(1, 0);
    addAll(2001, 60_000);
    assert.equal(windows.size, 1000);
    assert.equal(windows.forgotten, 0);
    addAll(4001, 120_000, 24);
    const saved = [...windows.saved()];
    assert.ok(saved.every(({ lastTime }) => lastTime === 120_000));
    assert.equal(saved.length, 24);
  });
});

describe("Counter", () => {
  it("is sound in any order: the condition of every finding holds in what was seen", () => {
    fc.assert(
      fc.property(fc.array(requestArb(40), { maxLength: 120 }), (requests) => {
        const { byRequest } = run(requests);
        byRequest.forEach((findings, i) => {
          for (const { rule, key, at, count } of findings) {
            const spec = RULES.find(({ name }) => name === rule);
            assert.ok(spec);
            const total = totalAt(spec, requests.slice(0, i + 1) as Full[], key, at);
            assert.ok(total > spec.moreThan, `${rule} ${String(total)}`);
            assert.ok(count <= total);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("is early in order of time: raised at the request that crosses the line, unless raised within the window before", () => {
    fc.assert(
      fc.property(fc.array(requestArb(40), { maxLength: 120 }), (unordered) => {
        const requests = [...unordered].sort((a, b) => a.time - b.time) as Full[];
        const { byRequest } = run(requests);
        const raised = new Map<string, number>();
        requests.forEach((request, i) => {
          const seen = requests.slice(0, i + 1);
          for (const rule of RULES) {
            if (rule.name === "distinct" && request.status < 400) continue;
            const key = {
              client: clientOf(request.client),
              ...(rule.name === "many" ? { path: request.path } : {}),
            };
            const name = JSON.stringify([rule.name, key]);
            const total = totalAt(rule, seen, key, request.time);
            const before = raised.get(name) ?? -Infinity;
            const isDue =
              total > rule.moreThan && request.time - before >= rule.withinSeconds * 1000;
            const found = byRequest[i].filter((finding) => finding.rule === rule.name);
            assert.equal(found.length, isDue ? 1 : 0, `${name} at ${String(i)}: ${String(total)}`);
            if (!isDue) continue;
            assert.deepEqual(found[0].key, key);
            assert.equal(found[0].count, total);
            assert.equal(found[0].at, request.time);
            raised.set(name, request.time);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("finds what late lines complete", () => {
    const at = (seconds: number): TestRequest => ({ time: START + seconds * 1000, path: "/a" });
    const { findings } = run([at(0), at(1), at(20), at(2), at(3)]);
    assert.deepEqual(
      findings.map(({ rule, at: time, first, count }) => [rule, time, first, count]),
      [["many", START + 3000, START, 4]],
    );
  });

  it("finds the same however the requests are shared out among batches", () => {
    fc.assert(
      fc.property(
        fc.array(requestArb(40), { maxLength: 200 }),
        fc.array(fc.integer({ min: 1, max: BATCH_ROWS }), { minLength: 1, maxLength: 20 }),
        (requests, sizes) => {
          const counter = new Counter({ rules: RULES });
          const maker = new RowMaker();
          const found: Finding[] = [];
          for (let at = 0, n = 0; at < requests.length; n++) {
            const size = sizes[n % sizes.length];
            const batch = maker.batch(requests.slice(at, at + size).map(ltsvOf));
            const crossings = counter.add(batch);
            assert.deepEqual(
              crossings.map(({ row }) => row),
              crossings.map(({ row }) => row).sort((a, b) => a - b),
            );
            found.push(...crossings.map(({ finding }) => finding));
            at += size;
          }
          assert.deepEqual(found, run(requests).findings);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("goes on from saved state as if nothing had happened, wherever it is cut", () => {
    fc.assert(
      fc.property(fc.array(requestArb(40), { maxLength: 80 }), fc.nat(80), (requests, cut) => {
        const whole = run(requests).findings;
        const first = new Counter({ rules: RULES });
        const firstMaker = new RowMaker();
        const found = requests
          .slice(0, cut)
          .flatMap((request) => findingsOf(first, firstMaker.row(ltsvOf(request))));
        const { state, forgotten } = saveCounter(first, firstMaker.directory);
        assert.equal(forgotten, 0);

        const second = new Counter({ rules: RULES });
        const secondMaker = new RowMaker();
        restoreCounter(
          second,
          secondMaker.directory,
          JSON.parse(JSON.stringify(state)) as typeof state,
        );
        found.push(
          ...requests
            .slice(cut)
            .flatMap((request) => findingsOf(second, secondMaker.row(ltsvOf(request)))),
        );
        assert.deepEqual(found, whole);
      }),
      { numRuns: 200 },
    );
  });

  it("saves at most its bytes whatever the traffic, and forgets the quietest keys first", () => {
    const counter = new Counter({ rules: [{ ...RULES[0], moreThan: 5 }] });
    const maker = new RowMaker();
    for (let i = 0; i < 30_000; i++) {
      findingsOf(
        counter,
        maker.row(
          ltsvOf({
            time: START + (i % 7),
            client: `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`,
            path: `/${String(i)}`,
          }),
        ),
      );
    }
    for (let i = 0; i < 5; i++)
      findingsOf(
        counter,
        maker.row(ltsvOf({ time: START + i, client: "192.0.2.9", path: "/loud" })),
      );

    const { state, forgotten } = saveCounter(counter, maker.directory);

    assert.ok(Buffer.byteLength(JSON.stringify(state)) <= MAX_STATE_BYTES);
    assert.ok(forgotten > 0);
    const next = new Counter({ rules: [{ ...RULES[0], moreThan: 5 }] });
    const nextMaker = new RowMaker();
    restoreCounter(next, nextMaker.directory, state);
    assert.equal(
      findingsOf(
        next,
        nextMaker.row(ltsvOf({ time: START + 6, client: "192.0.2.9", path: "/loud" })),
      ).length,
      1,
    );
  });

  it("goes on with keys that name no client, and forgets those whose name is not known", () => {
    const rules: Rule[] = [{ ...RULES[0], per: ["path"] }, RULES[2]];
    const counter = new Counter({ rules });
    const maker = new RowMaker();
    for (let i = 0; i < 3; i++)
      findingsOf(counter, maker.row(ltsvOf({ time: START + i, path: "/a" })));
    const stranger = new RowMaker();
    const { state, forgotten } = saveCounter(counter, stranger.directory);
    assert.equal(forgotten, 1);
    const next = new Counter({ rules });
    restoreCounter(next, stranger.directory, state);
    assert.deepEqual(
      findingsOf(next, stranger.row(ltsvOf({ time: START + 3, path: "/a" }))).map(
        ({ rule }) => rule,
      ),
      ["many"],
    );
  });

  it("raises nothing again that it raised before it was saved", () => {
    const counter = new Counter({ rules: [RULES[0]] });
    const maker = new RowMaker();
    const add = (to: Counter, seconds: number): Finding[] =>
      findingsOf(to, maker.row(ltsvOf({ time: START + seconds * 1000, path: "/a" })));
    const found = [0, 1, 2, 3].flatMap((seconds) => add(counter, seconds));
    assert.equal(found.length, 1);
    const next = new Counter({ rules: [RULES[0]] });
    restoreCounter(next, maker.directory, saveCounter(counter, maker.directory).state);
    assert.deepEqual([add(next, 4), add(next, 12)], [[], []]);
    assert.equal([13, 13, 13, 13].flatMap((seconds) => add(next, seconds)).length, 1);
  });

  it("saves that it has counted nothing", () => {
    const maker = new RowMaker();
    const { state } = saveCounter(new Counter({ rules: [RULES[0]] }), maker.directory);
    assert.deepEqual([state.base, state.clients, state.rules[0].keys], [0, [], []]);
  });

  it("starts a rule that has changed from nothing", () => {
    const counter = new Counter({ rules: RULES });
    const maker = new RowMaker();
    for (let i = 0; i < 3; i++)
      findingsOf(counter, maker.row(ltsvOf({ time: START + i, path: "/a" })));
    const { state } = saveCounter(counter, maker.directory);
    const changed = new Counter({ rules: [{ ...RULES[0], withinSeconds: 11 }] });
    restoreCounter(changed, maker.directory, state);
    assert.equal(changed.rules[0].windows.size, 0);
  });

  it("keeps no more keys than it may, in memory too, and never invents", () => {
    const counter = new Counter({ rules: [RULES[0]], maxKeys: 1024 });
    const maker = new RowMaker();
    for (let i = 0; i < 20_000; i++) {
      assert.deepEqual(
        findingsOf(counter, maker.row(ltsvOf({ time: START + (i >> 6), path: `/${String(i)}` }))),
        [],
      );
    }
    assert.ok(counter.rules[0].windows.size <= 1024);
    assert.ok(counter.rules[0].windows.forgotten > 0);
  });

  it("never counts too much when a key outgrows its list", () => {
    const rule: Rule = { ...RULES[0], moreThan: 5000, withinSeconds: 10 };
    const counter = new Counter({ rules: [rule] });
    const maker = new RowMaker();
    const times = Array.from({ length: 6000 }, (_, i) => START + i);
    const findings = times.flatMap((time) =>
      findingsOf(counter, maker.row(ltsvOf({ time, path: "/a" }))),
    );
    assert.equal(findings.length, 1);
    const [{ at, count }] = findings;
    assert.equal(count, 5001);
    assert.equal(times.filter((time) => time <= at && time > at - 10_000).length, 5001);
  });

  it("raises a key that stays above its line once in each window", () => {
    const findings = run(
      Array.from({ length: 100 }, (_, i) => ({ time: START + i * 300, path: "/a", bytes: 0 })),
    ).findings.filter(({ rule }) => rule === "many");
    assert.deepEqual(
      findings.map(({ at }) => at - START),
      [900, 10_900 + 200, 21_300],
    );
  });

  it("adds up how long requests took, be it months", () => {
    const counter = new Counter({ rules: [{ ...RULES[0], moreThan: 1 }] });
    const maker = new RowMaker();
    const took = (seconds: number, i: number): Finding[] =>
      findingsOf(
        counter,
        maker.row(`${ltsvOf({ time: START + i, path: "/a" })}\trequest_time:${seconds}`),
      );
    const findings = [9_000_000, 1].flatMap(took);
    assert.deepEqual(
      findings.map(({ durationMs }) => durationMs),
      [9_000_001_000],
    );
  });

  it("remembers who came close without crossing", () => {
    const counter = new Counter({ rules: [RULES[0]] });
    const maker = new RowMaker();
    for (let i = 0; i < 3; i++)
      findingsOf(counter, maker.row(ltsvOf({ time: START + i, path: "/a", client: "192.0.2.5" })));
    assert.deepEqual(counter.rules[0].nearMisses.closest(), [
      { key: { client: "192.0.2.5", path: "/a" }, total: 3 },
    ]);
  });
});

describe("RecentBatches", () => {
  it("knows a batch that was delivered before, also after a restart", () => {
    const batches = new RecentBatches();
    assert.equal(batches.add("a"), true);
    assert.equal(batches.add("a"), false);
    assert.equal(new RecentBatches(batches.saved()).add("a"), false);
  });

  it("forgets the oldest beyond its bound", () => {
    const batches = new RecentBatches();
    for (let i = 0; i < 3001; i++) batches.add(String(i));
    assert.equal(batches.saved().length, 3000);
    assert.equal(batches.add("0"), true);
  });
});
