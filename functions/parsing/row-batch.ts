import { Row } from "./row";

/** Rows that are worked on at once. */
export const BATCH_ROWS = 64;

/**
 * Rows that go through counting together: each step does its work for all of them before the next
 * one begins. What one step needs stays in the processor's first cache, where there is no room for
 * all that a line needs from its first byte to its last window.
 */
export class RowBatch {
  /** The first `size` of them are in the batch; the others are spare. */
  readonly rows: Row[] = [];
  size = 0;
  /** Changes whenever the rows do, so that what was worked out for others is not taken for theirs. */
  serial = 0;

  get isFull(): boolean {
    return this.size === BATCH_ROWS;
  }

  /** Takes a row in and gives another for the next line; the batch must not be full. */
  exchange(row: Row): Row {
    const { rows, size } = this;
    const spare = size < rows.length ? rows[size] : new Row();
    rows[size] = row;
    this.size++;
    this.serial++;
    return spare;
  }

  /** Holds one row and nothing else. */
  hold(row: Row): void {
    this.rows[0] = row;
    this.size = 1;
    this.serial++;
  }

  /** Leaves the others out. */
  keep(isKept: (row: Row) => boolean): void {
    const { rows } = this;
    let kept = 0;
    for (let i = 0; i < this.size; i++) {
      const row = rows[i];
      if (!isKept(row)) continue;
      rows[i] = rows[kept];
      rows[kept++] = row;
    }
    if (kept < this.size) this.serial++;
    this.size = kept;
  }

  clear(): void {
    this.size = 0;
    this.serial++;
  }
}
