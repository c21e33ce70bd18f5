import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { acceptAccessLogs } from "./policies";
import { createPrivateBucket } from "./private-bucket";
import { allowSending, type WorkQueue } from "./work-queue";

/** A log bucket that exists already. */
export interface GivenLogBucket {
  readonly name: pulumi.Input<string>;
  /** Where its log objects begin. @default "" */
  readonly prefix?: string;
  /**
   * Whether its notification configuration is ours to replace. A bucket has only one; where it is
   * somebody else's, new objects are heard of by EventBridge, which the bucket must be told to use.
   *
   * @default false
   */
  readonly manageNotifications?: boolean;
}

export interface LogBucket {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly prefix: string;
}

const OWN_PREFIX = "s3/";

/** The user's log bucket, or one of the component's own; new log objects are told to the queue. */
export function createLogBucket(
  name: string,
  given: GivenLogBucket | undefined,
  { queue, retentionDays }: { readonly queue: WorkQueue; readonly retentionDays: number },
  parent: pulumi.Resource,
): LogBucket {
  if (given !== undefined) return useGiven(name, given, queue, parent);
  const bucket = createPrivateBucket(
    `${name}-log-bucket`,
    {
      // Log delivery knows no other encryption.
      kmsKeyArn: undefined,
      lifecycle: [{ id: "logs", prefix: OWN_PREFIX, days: retentionDays }],
      statements: (arn) => [
        acceptAccessLogs(arn, aws.getCallerIdentityOutput({}, { parent }).accountId),
      ],
    },
    parent,
  );
  notify(name, { bucket: bucket.id, arn: bucket.arn, prefix: OWN_PREFIX }, queue, parent);
  return { name: bucket.bucket, arn: bucket.arn, prefix: OWN_PREFIX };
}

/** Switches access logging on. The log bucket itself must never be among the buckets: it would loop. */
export function createLogging(
  name: string,
  buckets: readonly pulumi.Input<string>[],
  { name: targetBucket, prefix }: LogBucket,
  parent: pulumi.Resource,
): void {
  buckets.forEach((bucket, i) => {
    new aws.s3.BucketLogging(
      `${name}-logging-${i}`,
      {
        bucket,
        targetBucket,
        targetPrefix: prefix,
        targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: "DeliveryTime" } },
      },
      { parent },
    );
  });
}

/** Tells a queue of new objects by the bucket's own notifications, of which there is one document. */
export function notify(
  name: string,
  {
    bucket,
    arn,
    prefix,
  }: { bucket: pulumi.Input<string>; arn: pulumi.Input<string>; prefix: string },
  queue: WorkQueue,
  parent: pulumi.Resource,
): void {
  const policy = allowSending(
    `${name}-objects`,
    queue,
    { service: "s3.amazonaws.com", sourceArn: arn },
    parent,
  );
  new aws.s3.BucketNotification(
    `${name}-new-objects`,
    {
      bucket,
      queues: [{ queueArn: queue.queue.arn, events: ["s3:ObjectCreated:*"], filterPrefix: prefix }],
    },
    { parent, dependsOn: [policy] },
  );
}

function useGiven(
  name: string,
  { name: given, prefix = "", manageNotifications = false }: GivenLogBucket,
  queue: WorkQueue,
  parent: pulumi.Resource,
): LogBucket {
  const bucket = pulumi.output(given);
  const arn = pulumi.interpolate`arn:aws:s3:::${bucket}`;
  if (manageNotifications) {
    notify(name, { bucket, arn, prefix }, queue, parent);
  } else {
    const rule = new aws.cloudwatch.EventRule(
      `${name}-new-objects`,
      {
        description: "New log objects; the bucket must send its events to EventBridge",
        eventPattern: pulumi.jsonStringify({
          source: ["aws.s3"],
          "detail-type": ["Object Created"],
          detail: {
            bucket: { name: [bucket] },
            ...(prefix === "" ? {} : { object: { key: [{ prefix }] } }),
          },
        }),
      },
      { parent },
    );
    new aws.cloudwatch.EventTarget(
      `${name}-new-objects-target`,
      { rule: rule.name, arn: queue.queue.arn },
      { parent },
    );
    const from = { service: "events.amazonaws.com", sourceArn: rule.arn };
    allowSending(`${name}-objects`, queue, from, parent);
  }
  return { name: bucket, arn, prefix };
}
