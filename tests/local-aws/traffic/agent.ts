import { open, type FileHandle } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { FirehoseClient } from "@aws-sdk/client-firehose";
import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";

/** Firehose's limits on a call, and room under the one on a record. */
const MOST_RECORDS = 500;
const MOST_BYTES = 4_000_000;
const RECORD_BYTES = 900_000;
/** `Flush 1` in the agents' configuration. */
const FLUSH_MS = 1000;

/**
 * Ships a growing log file as Fluent Bit's `kinesis_firehose` output does with the configuration that
 * the component gives out (`log_key log`, `simple_aggregation true`): `PutRecordBatch` of records of
 * many lines, each ended by a newline; what is refused is sent again. A stand-in that speaks the same
 * form, because Fluent Bit itself is in no package registry here.
 *
 * @see https://docs.fluentbit.io/manual/pipeline/outputs/firehose
 */
export class Agent {
  readonly #client: FirehoseClient;
  readonly #path: string;
  readonly #deliveryStreamName: string;
  #position = 0;
  #isStopped = false;
  #running: Promise<void>;
  sent = 0;

  constructor(client: FirehoseClient, path: string, deliveryStreamName: string) {
    this.#client = client;
    this.#path = path;
    this.#deliveryStreamName = deliveryStreamName;
    this.#running = this.#run();
  }

  /** Sends what is there, and ends. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const file = await open(this.#path, "r");
    try {
      for (;;) {
        const isLast = this.#isStopped;
        await this.#flush(file);
        if (isLast) return;
        await pause(FLUSH_MS);
      }
    } finally {
      await file.close();
    }
  }

  async #flush(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    const fresh = Buffer.alloc(size - this.#position);
    await file.read(fresh, 0, fresh.length, this.#position);
    const end = fresh.lastIndexOf("\n") + 1;
    if (end === 0) return;
    this.#position += end;
    for (const batch of batchesOf(recordsOf(fresh.subarray(0, end)))) {
      let left = batch;
      while (left.length > 0) left = await this.#put(left);
    }
    this.sent += fresh.subarray(0, end).toString("latin1").split("\n").length - 1;
  }

  /** Answers what was refused. */
  async #put(records: readonly Buffer[]): Promise<Buffer[]> {
    try {
      const answer = await this.#client.send(
        new PutRecordBatchCommand({
          DeliveryStreamName: this.#deliveryStreamName,
          Records: records.map((Data) => ({ Data })),
        }),
      );
      return records.filter((_, i) => answer.RequestResponses?.[i]?.ErrorCode !== undefined);
    } catch (error) {
      // Whoever asks for the wrong thing will be refused for ever.
      if ((error as Error).name === "InvalidArgumentException") throw error;
      await pause(FLUSH_MS);
      return [...records];
    }
  }
}

function batchesOf(records: readonly Buffer[]): Buffer[][] {
  const batches: Buffer[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    bytes += record.length;
    if (bytes > MOST_BYTES || (batches.at(-1)?.length ?? 0) === MOST_RECORDS) {
      batches.push([]);
      bytes = record.length;
    }
    batches[batches.length - 1].push(record);
  }
  return batches;
}

/** Whole lines, as many as a record takes. */
function recordsOf(lines: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    let end = Math.min(start + RECORD_BYTES, lines.length);
    if (end < lines.length) end = lines.lastIndexOf("\n", end - 1) + 1;
    records.push(lines.subarray(start, end));
    start = end;
  }
  return records;
}
