import assert from "node:assert/strict";
import { DEFAULT_PREFIXES } from "../../functions/parsing/address";
import { ClientDirectory } from "../../functions/parsing/client-directory";
import { LineParser } from "../../functions/parsing/line-parser";
import type { Counter } from "../../functions/counting/counter";
import type { Finding } from "../../functions/counting/finding";
import type { Exceeded, MinuteCounter } from "../../functions/counting/minute-counter";
import type { Row } from "../../functions/parsing/row";
import { RowBatch } from "../../functions/parsing/row-batch";

/** A request for tests; what is left out is ordinary. */
export interface TestRequest {
  readonly time: number;
  readonly client?: string;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly bytes?: number;
  readonly userAgent?: string;
}

export const START = Date.UTC(2026, 10, 22, 1, 45, 0);

/** The LTSV line that nginx would write for a request. */
export function ltsvOf(request: TestRequest): string {
  return [
    `msec:${(request.time / 1000).toFixed(3)}`,
    `remote_addr:${request.client ?? "192.0.2.1"}`,
    `request:${request.method ?? "GET"} ${request.path ?? "/"} HTTP/1.1`,
    `status:${String(request.status ?? 200)}`,
    `body_bytes_sent:${String(request.bytes ?? 100)}`,
    `http_user_agent:${request.userAgent ?? "test"}`,
  ].join("\t");
}

/** Parses lines into rows with resolved clients, one at a time. */
export class RowMaker {
  readonly directory = new ClientDirectory({ trust: [], prefixes: DEFAULT_PREFIXES });
  private readonly parser = new LineParser();

  row(line: string): Row {
    assert.equal(this.parser.parseText(line), undefined, line);
    this.directory.resolve(this.parser.row);
    return this.parser.row;
  }

  /** All lines as one batch. */
  batch(lines: readonly string[]): RowBatch {
    const batch = new RowBatch();
    for (const line of lines) this.parser.row = batch.exchange(this.row(line));
    return batch;
  }
}

/** What a request crossed, counted by itself. */
export const findingsOf = (counter: Counter, row: Row): Finding[] =>
  counter.add(batchOf(row)).map(({ finding }) => finding);

/** The windows that an access is over, counted by itself. */
export const exceededBy = (counter: MinuteCounter, row: Row): Exceeded[] =>
  counter.add(batchOf(row)).map(({ exceeded }) => exceeded);

export function batchOf(row: Row): RowBatch {
  const batch = new RowBatch();
  batch.hold(row);
  return batch;
}
