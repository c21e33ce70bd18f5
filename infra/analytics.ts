import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CountHandlerSettings } from "../functions/handlers/count";
import type { Trust } from "../functions/parsing/client-address";
import { callback, type Callback } from "./callback";
import { putRecords, readStream, sendFailures } from "./policies";

/** `ON_DEMAND`, or a number of shards. */
export type StreamCapacity = "ON_DEMAND" | number;

export interface Streams {
  readonly requests: aws.kinesis.Stream;
  readonly findings: aws.kinesis.Stream;
  /** Where batches go that could not be processed. */
  readonly failures: aws.sqs.Queue;
  /** Into how many parts clients are shared out over the shards. */
  readonly lanes: number;
}

/**
 * Lambda's state of a tumbling window is dropped when the window ends, so windows are as long as
 * they may be.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
 */
const WINDOW_SECONDS = 900;
/** A record that cannot be counted stops its shard no longer than this. */
const MAX_RECORD_AGE_SECONDS = 900;
const FAILURES_KEPT_SECONDS = 14 * 24 * 3600;
/** Enough for shards to get equal shares, few enough for records to hold many requests. */
const LANES_PER_SHARD = 8;
const MAX_LANES = 256;

/** The streams between parse, count and act. */
export function createStreams(
  name: string,
  capacity: StreamCapacity,
  parent: pulumi.Resource,
): Streams {
  // Findings are few: one shard takes a thousand a second, and keeps the act callback single.
  const requests = createStream(`${name}-requests`, capacity, parent);
  const findings = createStream(`${name}-findings`, 1, parent);
  const failures = new aws.sqs.Queue(
    `${name}-failures`,
    { messageRetentionSeconds: FAILURES_KEPT_SECONDS, sqsManagedSseEnabled: true },
    { parent },
  );
  const lanes =
    capacity === "ON_DEMAND" ? MAX_LANES / 4 : Math.min(MAX_LANES, LANES_PER_SHARD * capacity);
  return { requests, findings, failures, lanes };
}

function createStream(
  name: string,
  capacity: StreamCapacity,
  parent: pulumi.Resource,
): aws.kinesis.Stream {
  return new aws.kinesis.Stream(
    name,
    {
      ...(capacity === "ON_DEMAND"
        ? { streamModeDetails: { streamMode: "ON_DEMAND" } }
        : { shardCount: capacity, streamModeDetails: { streamMode: "PROVISIONED" } }),
      retentionPeriod: 24,
      encryptionType: "KMS",
      kmsKeyId: "alias/aws/kinesis",
    },
    { parent },
  );
}

/** Counts what comes through the requests stream: the engine, which nobody else knows of. */
export function createAnalytics(
  name: string,
  { requests, findings, failures }: Streams,
  settings: Omit<CountHandlerSettings, "streamName" | "trust"> & {
    readonly trust: pulumi.Output<Trust>;
    readonly logRetentionDays: number;
    readonly isTraced: boolean;
  },
  parent: pulumi.Resource,
): Callback {
  const { trust, logRetentionDays, isTraced, ...counted } = settings;
  const count = callback(
    `${name}-count`,
    {
      handler: "count",
      settings: pulumi
        .all([findings.name, trust])
        .apply(([streamName, proxies]): CountHandlerSettings => ({
          ...counted,
          trust: proxies,
          streamName,
        })),
      statements: [readStream(requests.arn), putRecords(findings.arn), sendFailures(failures.arn)],
      memoryMb: 1024,
      timeoutSeconds: 60,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
  new aws.lambda.EventSourceMapping(
    `${name}-count-requests`,
    {
      eventSourceArn: requests.arn,
      functionName: count.fn.arn,
      startingPosition: "TRIM_HORIZON",
      batchSize: 100,
      maximumBatchingWindowInSeconds: 1,
      tumblingWindowInSeconds: WINDOW_SECONDS,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 3,
      maximumRecordAgeInSeconds: MAX_RECORD_AGE_SECONDS,
      functionResponseTypes: ["ReportBatchItemFailures"],
      destinationConfig: { onFailure: { destinationArn: failures.arn } },
    },
    { parent, dependsOn: [count.policy] },
  );
  return count;
}
