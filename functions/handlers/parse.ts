import type {
  Context,
  FirehoseTransformationEvent,
  FirehoseTransformationResult,
} from "aws-lambda";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { stream, type PutRecords } from "../edges/stream";
import { hashKeyOf, RecordParser, type ParseSettings } from "../parsing/parse-records";

export interface ParseHandlerSettings extends ParseSettings {
  readonly component: string;
  /** The requests stream. */
  readonly streamName: string;
}

export interface ParsePorts {
  readonly forward: PutRecords;
  readonly report: Report;
  readonly now: () => number;
}

/** Kept back from the invocation's time for the answer. */
const ANSWER_MS = 5000;

/**
 * Transforms the records of a delivery stream: archives every line, and forwards the requests to be
 * counted. What cannot be forwarded in the time left is reported, and the archive goes on.
 */
export function parseRecords(settings: ParseHandlerSettings, ports: ParsePorts) {
  const parser = new RecordParser(settings);
  return async (
    event: FirehoseTransformationEvent,
    context: Pick<Context, "getRemainingTimeInMillis">,
  ): Promise<FirehoseTransformationResult> => {
    const deadline = ports.now() + context.getRemainingTimeInMillis() - ANSWER_MS;
    const batch = parser.parse(event.records);
    const records = batch.packed.map(({ lane, data, requests }) => ({
      data,
      partitionKey: `lane-${lane}`,
      hashKey: hashKeyOf(lane, settings.lanes),
      requests,
    }));
    const { failed, retries, trouble } = await ports.forward(records, deadline);
    const unparsed = Object.values(batch.unparsed).reduce((sum, n) => sum + n, 0);
    ports.report(
      {
        LinesRead: batch.lines,
        LinesUnparsed: unparsed,
        RequestsUnforwarded: records
          .filter((record) => failed.includes(record))
          .reduce((sum, { requests }) => sum + requests, 0),
        ...(batch.newest === undefined ? {} : { LogDelayMs: ports.now() - batch.newest }),
      },
      { reasons: batch.unparsed, failedRecords: batch.failedRecords, retries, trouble },
    );
    return { records: [...batch.records] };
  };
}

/** What the Lambda loads. */
export const handler = (settings: ParseHandlerSettings): ReturnType<typeof parseRecords> =>
  parseRecords(settings, {
    forward: stream(settings.streamName),
    report: embeddedMetrics(settings.component),
    now: Date.now,
  });
