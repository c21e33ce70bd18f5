import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Report } from "../edges/metrics";
import { objectsIn, type ObjectName } from "../parsing/s3-events";

/**
 * Works on every new object that messages speak of. A message whose object fails comes again alone:
 * one bad object must not bring the others again, and SQS gives it up to the dead-letter queue.
 */
export async function eachObject(
  event: SQSEvent,
  report: Report,
  work: (object: ObjectName) => Promise<void>,
): Promise<SQSBatchResponse> {
  const failures: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of event.Records) {
    try {
      const names = objectsIn(body);
      if (names === undefined) throw new Error("the message is no notification of S3");
      for (const name of names) await work(name);
    } catch (error) {
      failures.push({ itemIdentifier: messageId });
      report({ ObjectsFailed: 1 }, { error: String(error), messageId });
    }
  }
  return { batchItemFailures: failures };
}
