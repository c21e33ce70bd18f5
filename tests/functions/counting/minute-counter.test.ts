import assert from "node:assert/strict";
import fc from "fast-check";
import { AccessCounts } from "../../../functions/counting/access-counts";
import { MinuteCounter } from "../../../functions/counting/minute-counter";
import type { Rule } from "../../../functions/rules/rule";
import { exceededBy, RowMaker, START } from "../../support/rows";
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

  it("is over its line exactly when a plain count of the window is, in whatever order accesses come", () => {
    const rules: Rule[] = [
      { ...rule, name: "requests", where: { key: { not: ["b*"] } } },
      { ...rule, name: "denied", where: { status: [403] }, withinSeconds: 7, moreThan: 1 },
      { ...rule, name: "keys", where: {}, per: ["client"], count: { distinct: "key" } },
      { ...rule, name: "bytes", where: {}, per: ["bucket"], count: { sum: "bytes" } },
    ];
    const accessArb = fc.record({
      second: fc.nat(20),
      client: fc.constantFrom("192.0.2.1", "192.0.2.2"),
      bucket: fc.constantFrom("photos", "films"),
      key: fc.constantFrom("a", "b", "c", "d"),
      status: fc.constantFrom(200, 403),
      bytes: fc.nat(2),
    });
    type TestedAccess = typeof accessArb extends fc.Arbitrary<infer Value> ? Value : never;
    const fulfils = (name: string, { key, status }: TestedAccess): boolean =>
      name === "requests" ? key !== "b" : name !== "denied" || status === 403;
    const totalOf = ({ name }: Rule, inside: readonly TestedAccess[]): number => {
      if (name === "keys") return new Set(inside.map(({ key }) => key)).size;
      return name === "bytes" ? inside.reduce((sum, { bytes }) => sum + bytes, 0) : inside.length;
    };
    fc.assert(
      fc.property(fc.array(accessArb, { maxLength: 60, size: "max" }), (accesses) => {
        const counter = new MinuteCounter({ rules });
        const maker = new RowMaker();
        accesses.forEach((access, i) => {
          const expected = rules.filter((one) => {
            const windowMs = one.withinSeconds * 1000;
            const placeOf = (other: TestedAccess): string =>
              JSON.stringify([
                Math.floor((START + other.second * 1000) / windowMs),
                ...one.per.map((field) => other[field as "client" | "bucket"]),
              ]);
            const inside = accesses
              .slice(0, i + 1)
              .filter((other) => fulfils(one.name, other) && placeOf(other) === placeOf(access));
            return fulfils(one.name, access) && totalOf(one, inside) > one.moreThan;
          });
          const found = exceededBy(counter, maker.row(s3LineOf(access)));
          assert.deepEqual(
            found.map((exceeded) => exceeded.rule.name),
            expected.map(({ name }) => name),
          );
        });
      }),
    );
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
