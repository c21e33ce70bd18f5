import {
  KinesisClient,
  PutRecordsCommand,
  type PutRecordsRequestEntry,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { pause } from "./pause";

export interface StreamRecord {
  readonly data: Uint8Array;
  readonly partitionKey: string;
  /** Decides on the shard in place of the partition key's hash. */
  readonly hashKey?: string;
}

/**
 * Puts records into a stream, those that failed again and again with growing pauses until
 * `deadline` (epoch milliseconds). Returns the records that still failed, in no order.
 */
export type PutRecords = (records: readonly StreamRecord[], deadline: number) => Promise<PutResult>;

export interface PutResult {
  readonly failed: readonly StreamRecord[];
  /** How often what had failed was put again. */
  readonly retries: number;
  /** AWS's name of the last error. */
  readonly trouble: string | undefined;
}

/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const MAX_RECORDS = 500;
const MAX_BYTES = 4_000_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
/** A call that takes longer than this is given up. */
const CALL_MS = 5000;

export function stream(streamName: string): PutRecords {
  // By default this client speaks HTTP/2, whose connection does not survive Lambda's pauses.
  const requestHandler = new NodeHttpHandler({ requestTimeout: CALL_MS, connectionTimeout: 1000 });
  const client = new KinesisClient({ maxAttempts: 1, requestHandler });

  return async (records, deadline) => {
    let left = records;
    let trouble: string | undefined;
    for (let attempt = 0; ; attempt++) {
      const failed: StreamRecord[] = [];
      for (const batch of batchesOf(left)) {
        const result = await putOnce(client, streamName, batch);
        failed.push(...result.failed);
        trouble = result.trouble ?? trouble;
      }
      const wait = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      if (failed.length === 0 || Date.now() + wait + CALL_MS > deadline)
        return { failed, retries: attempt, trouble };
      await pause(wait);
      left = failed;
    }
  };
}

async function putOnce(
  client: KinesisClient,
  streamName: string,
  records: readonly StreamRecord[],
): Promise<{ failed: readonly StreamRecord[]; trouble: string | undefined }> {
  try {
    const { Records } = await client.send(
      new PutRecordsCommand({ StreamName: streamName, Records: records.map(toEntry) }),
    );
    const failed = records.filter((_, i) => Records?.[i]?.ErrorCode !== undefined);
    return {
      failed,
      trouble: Records?.find(({ ErrorCode }) => ErrorCode !== undefined)?.ErrorCode,
    };
  } catch (error) {
    return { failed: records, trouble: error instanceof Error ? error.name : "unknown" };
  }
}

function* batchesOf(records: readonly StreamRecord[]): Generator<readonly StreamRecord[]> {
  let batch: StreamRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.data.length + record.partitionKey.length;
    if (batch.length === MAX_RECORDS || (batch.length > 0 && bytes + size > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function toEntry({ data, partitionKey, hashKey }: StreamRecord): PutRecordsRequestEntry {
  return {
    Data: data,
    PartitionKey: partitionKey,
    ...(hashKey === undefined ? {} : { ExplicitHashKey: hashKey }),
  };
}
