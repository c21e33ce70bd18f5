import assert from "node:assert/strict";
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
});
