import assert from "node:assert/strict";
import fc from "fast-check";
import { RecordTable } from "../../../functions/counting/record-table";

const KEYS = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 }), fc.nat(3)),
  { selector: String, minLength: 1, maxLength: 400 },
);

describe("RecordTable", () => {
  it("finds each record under its key, after it grew and after others were dropped", () => {
    fc.assert(
      fc.property(KEYS, (keys) => {
        const table = new RecordTable(2);
        const find = (key: readonly number[]): number => {
          table.key.set(key);
          return table.find();
        };
        keys.forEach((key, record) => {
          assert.equal(find(key), -1);
          if (table.size === table.capacity) table.grow();
          assert.equal(table.add(), record);
        });
        assert.deepEqual(keys.map(find), [...keys.keys()]);

        table.keep((record) => record % 3 === 0);

        assert.deepEqual(
          keys.map(find),
          keys.map((_, record) => (record % 3 === 0 ? record / 3 : -1)),
        );
        assert.deepEqual([...table.keyOf(0)], keys[0]);
      }),
    );
  });
});
