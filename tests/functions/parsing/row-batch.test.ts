import assert from "node:assert/strict";
import { Row } from "../../../functions/parsing/row";
import { BATCH_ROWS, RowBatch } from "../../../functions/parsing/row-batch";

const timesIn = (batch: RowBatch): number[] =>
  batch.rows.slice(0, batch.size).map(({ time }) => time);

/** A batch of rows whose times are 0, 1, 2 and so on. */
function batchOfTimes(count: number): RowBatch {
  const batch = new RowBatch();
  let row = new Row();
  for (let time = 0; time < count; time++) {
    row.time = time;
    row = batch.exchange(row);
  }
  return batch;
}

describe("RowBatch", () => {
  it("takes rows in and gives others, until it is full", () => {
    const batch = batchOfTimes(BATCH_ROWS - 1);
    assert.equal(batch.isFull, false);
    batch.exchange(new Row());
    assert.equal(batch.isFull, true);
    assert.equal(new Set(batch.rows).size, BATCH_ROWS);
  });

  it("leaves rows out in their order, loses none of them, and says that it changed", () => {
    const batch = batchOfTimes(10);
    const [rows, serial] = [new Set(batch.rows), batch.serial];

    batch.keep(({ time }) => time % 3 !== 1);

    assert.deepEqual(timesIn(batch), [0, 2, 3, 5, 6, 8, 9]);
    assert.deepEqual(new Set(batch.rows), rows);
    assert.notEqual(batch.serial, serial);
  });

  it("is the same batch when all are kept", () => {
    const batch = batchOfTimes(10);
    const { serial } = batch;
    batch.keep(() => true);
    assert.deepEqual([batch.size, batch.serial], [10, serial]);
  });

  it("gives the rows of a cleared batch again", () => {
    const batch = batchOfTimes(3);
    const [first] = batch.rows;
    batch.clear();
    assert.equal(batch.exchange(new Row()), first);
  });
});
