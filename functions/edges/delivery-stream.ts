import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { CALL_MS, putInBatches, type PutResult } from "./put-batches";

/** Puts records into a delivery stream until `deadline` (epoch milliseconds). */
export type Deliver = (
  records: readonly Uint8Array[],
  deadline: number,
) => Promise<PutResult<Uint8Array>>;

/** @see https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html */
export function deliveryStream(name: string): Deliver {
  const client = new FirehoseClient({
    maxAttempts: 1,
    requestHandler: { requestTimeout: CALL_MS },
  });
  const call = {
    sizeOf: (data: Uint8Array) => data.length,
    put: async (records: readonly Uint8Array[]) => {
      const answer = await client.send(
        new PutRecordBatchCommand({
          DeliveryStreamName: name,
          Records: records.map((Data) => ({ Data })),
        }),
      );
      return records.map((_, i) => answer.RequestResponses?.[i]?.ErrorCode);
    },
  };
  return (records, deadline) => putInBatches(call, records, deadline);
}
