import assert from "node:assert/strict";
import {
  expectedFrom,
  hourOf,
  lineOf,
  Past,
  sameHours,
} from "../../../functions/counting/baseline";
import { MinuteCounter } from "../../../functions/counting/minute-counter";
import type { Rule } from "../../../functions/rules/rule";
import { exceededBy, RowMaker } from "../../support/rows";
import { s3LineOf } from "../../support/s3-lines";

const RULE: Rule = {
  name: "scraping",
  per: ["client", "bucket"],
  count: "requests",
  moreThan: 100,
  unusual: { factor: 4, atLeast: 10 },
  withinSeconds: 60,
  then: { alert: "high" },
};
const WEEK = 7 * 24 * 3600;

describe("expectedFrom", () => {
  for (const [highests, expected] of [
    [[], undefined],
    [[undefined, undefined], undefined],
    [[8], 8],
    [[8, 2], 6],
    [[undefined, 6], 6],
    [[0, 0, 0, 0], 0],
  ] as const) {
    it(`takes ${JSON.stringify(highests)} for ${String(expected)}`, () => {
      assert.equal(expectedFrom(highests), expected);
    });
  }
});

describe("lineOf", () => {
  for (const [expected, line] of [
    [undefined, 100],
    [0, 9],
    [2, 9],
    [5, 20],
    [50, 100],
  ] as const) {
    it(`draws it at ${line} where ${String(expected)} is usual`, () => {
      assert.equal(lineOf(RULE, expected), line);
    });
  }

  it("leaves a rule without a baseline its fixed line", () => {
    const { unusual, ...fixed } = RULE;
    assert.ok(unusual);
    assert.equal(lineOf(fixed, 1), 100);
  });
});

describe("Past", () => {
  it("remembers the highest of an hour, each key and hour of its own", () => {
    const past = new Past();
    const hour = hourOf(Date.UTC(2026, 10, 22, 1));
    for (const total of [3, 9, 5]) past.note("a", hour, total);
    past.note("b", hour, 50);
    assert.equal(past.expected("a", hour + 168), 9);
    assert.equal(past.expected("a", hour + 169), undefined);
    assert.deepEqual(sameHours(1000), [832, 664, 496, 328]);
  });

  it("forgets what is older than five weeks", () => {
    const past = new Past();
    past.note("a", 1000, 9);
    past.note("a", 1000 + 4 * 168, 1);
    assert.equal(past.expected("a", 1000 + 4 * 168), 9);
    past.note("a", 1000 + 5 * 168 + 1, 1);
    assert.equal(past.expected("a", 1000 + 4 * 168), undefined);
  });
});

describe("MinuteCounter with a baseline", () => {
  it("learns from old logs, and finds what is unusual at the access that crosses the line", () => {
    const counter = new MinuteCounter({ rules: [RULE] });
    const maker = new RowMaker();
    const crossings = (week: number, n: number): number[] =>
      Array.from({ length: n }, (_, i) => i + 1).filter((i) =>
        exceededBy(counter, maker.row(s3LineOf({ second: week * WEEK + (i % 60) }))).some(
          ({ isCrossing }) => isCrossing,
        ),
      );
    assert.deepEqual(crossings(0, 20), []);
    // Twenty a minute are usual now: eighty are the line.
    assert.deepEqual(crossings(1, 85), [81]);
    // (85 + 20/2) / 1.5 = 63 a minute: the fixed line is the lower one.
    assert.deepEqual(crossings(2, 101), [101]);
  });
});
