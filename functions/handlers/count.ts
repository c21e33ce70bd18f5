import type { KinesisStreamTumblingWindowEvent } from "aws-lambda";
import { ShardCounter, type CountSettings, type ShardState } from "../counting/count-records";
import type { Finding } from "../counting/finding";
import { toMessage } from "../counting/finding-message";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { stream, type PutRecords } from "../edges/stream";

export interface CountHandlerSettings extends CountSettings {
  readonly component: string;
  /** The findings stream. */
  readonly streamName: string;
}

export interface CountPorts {
  readonly publish: PutRecords;
  readonly report: Report;
  readonly now: () => number;
}

/** One call of a tumbling window; AWS's types leave the shard out. */
export interface WindowEvent extends Omit<KinesisStreamTumblingWindowEvent, "state"> {
  readonly shardId: string;
  readonly state?: ShardState;
}

export interface WindowAnswer {
  readonly state: ShardState;
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** Findings are few; what does not get through in this time fails the batch, which comes again. */
const PUBLISH_MS = 20_000;

/**
 * Counts one batch of a shard and publishes what crossed a line. The state goes along in the
 * answer. A record that breaks counting is reported by its sequence number, with the state before it.
 */
export function countWindow(settings: CountHandlerSettings, ports: CountPorts) {
  const counter = new ShardCounter(settings);
  return async (event: WindowEvent): Promise<WindowAnswer> => {
    const carried = event.state ?? {};
    counter.resume(event.shardId, carried);
    const findings: Finding[] = [];
    const tally = { requests: 0, duplicates: 0, unreadable: 0 };
    let [good, trouble]: [number, string | undefined] = [0, undefined];
    try {
      for (; good < event.Records.length; good++) {
        const counted = counter.add(dataOf(event, good));
        tally.requests += counted.requests;
        if (counted.outcome === "duplicate") tally.duplicates++;
        if (counted.outcome === "unreadable") tally.unreadable++;
        findings.push(...counted.findings);
      }
    } catch (error) {
      // Half of the record may be counted: back to where it began, so that it can come again whole.
      trouble = whereOf(error);
      counter.resume(event.shardId, carried);
      for (let i = 0; i < good; i++) counter.add(dataOf(event, i));
    }
    await publish(findings, ports);
    const { state, forgotten } =
      good === 0 ? { state: carried, forgotten: 0 } : counter.save(sequenceOf(event, good - 1));
    ports.report(
      {
        RequestsCounted: tally.requests,
        Findings: findings.length,
        KeysForgotten: forgotten,
        RecordsFailed: tally.unreadable + (trouble === undefined ? 0 : 1),
      },
      { ...tally, shard: event.shardId, trouble },
    );
    return {
      state,
      batchItemFailures: trouble === undefined ? [] : [{ itemIdentifier: sequenceOf(event, good) }],
    };
  };
}

/** What went wrong and where, without the message, which may quote a stranger. */
const whereOf = (error: unknown): string =>
  error instanceof Error
    ? [error.name, ...(error.stack ?? "").split("\n").slice(1, 4)].join(" ").replace(/\s+/g, " ")
    : "unknown";

const dataOf = ({ Records }: WindowEvent, i: number): Buffer =>
  Buffer.from(Records[i].kinesis.data, "base64");

const sequenceOf = ({ Records }: WindowEvent, i: number): string =>
  Records[i].kinesis.sequenceNumber;

async function publish(
  findings: readonly Finding[],
  { publish: put, now }: CountPorts,
): Promise<void> {
  if (findings.length === 0) return;
  const records = findings.map((finding) => ({
    data: Buffer.from(JSON.stringify(toMessage(finding))),
    partitionKey: finding.client ?? finding.rule,
  }));
  const { failed, trouble } = await put(records, now() + PUBLISH_MS);
  if (failed.length > 0)
    throw new Error(
      `${failed.length} of ${records.length} findings not published: ${trouble ?? ""}`,
    );
}

/** What the Lambda loads. */
export const handler = (settings: CountHandlerSettings): ReturnType<typeof countWindow> =>
  countWindow(settings, {
    publish: stream(settings.streamName),
    report: embeddedMetrics(settings.component),
    now: Date.now,
  });
