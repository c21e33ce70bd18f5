import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CALL_MS, putInBatches, type PutResult } from "./put-batches";

export interface StreamRecord {
  readonly data: Uint8Array;
  readonly partitionKey: string;
  /** Decides on the shard in place of the partition key's hash. */
  readonly hashKey?: string;
}

/** Puts records into a stream until `deadline` (epoch milliseconds). */
export type PutRecords = (
  records: readonly StreamRecord[],
  deadline: number,
) => Promise<PutResult<StreamRecord>>;

/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
export function stream(streamName: string): PutRecords {
  // By default this client speaks HTTP/2, whose connection does not survive Lambda's pauses.
  const requestHandler = new NodeHttpHandler({ requestTimeout: CALL_MS, connectionTimeout: 1000 });
  const client = new KinesisClient({ maxAttempts: 1, requestHandler });
  const call = {
    sizeOf: ({ data, partitionKey }: StreamRecord) => data.length + partitionKey.length,
    put: async (records: readonly StreamRecord[]) => {
      const Records = records.map(({ data, partitionKey, hashKey }) => ({
        Data: data,
        PartitionKey: partitionKey,
        ...(hashKey === undefined ? {} : { ExplicitHashKey: hashKey }),
      }));
      const answer = await client.send(new PutRecordsCommand({ StreamName: streamName, Records }));
      return records.map((_, i) => answer.Records?.[i]?.ErrorCode);
    },
  };
  return (records, deadline) => putInBatches(call, records, deadline);
}
