import assert from "node:assert/strict";
import { AccessCounts } from "../../../functions/counting/access-counts";
import { MinuteCounter } from "../../../functions/counting/minute-counter";
import type { Rule } from "../../../functions/rules/rule";
import { exceededBy, RowMaker } from "../../support/rows";
import { s3LineOf } from "../../support/s3-lines";

const rule: Rule = {
  name: "often",
  where: { operation: ["REST.GET.*"] },
  per: ["client", "bucket"],
  count: "requests",
  moreThan: 2,
  withinSeconds: 60,
  then: { alert: "high" },
};

describe("MinuteCounter", () => {
  it("loses nothing when more windows are open than it began with", () => {
    const counter = new MinuteCounter({ rules: [rule] });
    const maker = new RowMaker();
    const clients = Array.from({ length: 5000 }, (_, i) => `198.51.${i >> 8}.${i & 255}`);
    const countAll = (): number[] =>
      clients.map((client) => exceededBy(counter, maker.row(s3LineOf({ client }))).length);

    assert.deepEqual(new Set([...countAll(), ...countAll()]), new Set([0]));
    assert.deepEqual(new Set(countAll()), new Set([1]));
    assert.equal(counter.matchedBy(rule), 15_000);
    assert.equal(counter.forgotten, 0);
  });

  it("counts no access that the conditions leave out, and knows no rule but its own", () => {
    const counter = new MinuteCounter({ rules: [rule] });
    const row = new RowMaker().row(s3LineOf({ operation: "REST.PUT.OBJECT" }));
    assert.deepEqual(exceededBy(counter, row), []);
    assert.equal(counter.matchedBy(rule), 0);
    assert.equal(counter.matchedBy({ ...rule }), 0);
  });

  it("counts nobody per client, and nobody's accesses with the bucket's", () => {
    const perBucket: Rule = { ...rule, name: "bucket", per: ["bucket"], moreThan: 0 };
    const perClient: Rule = { ...rule, moreThan: 0 };
    const row = new RowMaker().row(s3LineOf({ client: "-" }));
    const counter = new MinuteCounter({ rules: [perClient, perBucket] });
    assert.deepEqual(
      exceededBy(counter, row).map((one) => [one.rule.name, one.key, one.earlier]),
      [["bucket", { bucket: "photos" }, []]],
    );
    const counts = new AccessCounts([perClient, perBucket]);
    counts.add(row);
    assert.deepEqual(
      counts.take().map(({ key }) => key),
      [{ bucket: "photos" }],
    );
  });

  it("closes windows that no late file can reach, and forgets what they held", () => {
    const counter = new MinuteCounter({ rules: [rule], latenessHours: 1 / 120 });
    const maker = new RowMaker();
    const clients = Array.from({ length: 1024 }, (_, i) => `198.51.${i >> 8}.${i & 255}`);
    const countAll = (second: number): number[] =>
      clients.map((client) => exceededBy(counter, maker.row(s3LineOf({ client, second }))).length);
    for (const second of [0, 1, 120, 121, 240, 241])
      assert.deepEqual(new Set(countAll(second)), new Set([0]));
    const [{ table, rules }] = counter.groups;
    assert.equal(table.capacity, 1024);
    assert.equal(table.size, 1024);
    assert.equal(rules[0].details.size, 1024);
    assert.equal(counter.forgotten, 0);
    assert.deepEqual(new Set(countAll(242)), new Set([1]));
  });
});
