import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Callback } from "./callback";

/** Messages about new objects, and where those go that nobody could deal with. */
export interface WorkQueue {
  readonly queue: aws.sqs.Queue;
  readonly deadLetters: aws.sqs.Queue;
}

const KEPT_SECONDS = 14 * 24 * 3600;
const MAX_RECEIVES = 5;

/** A queue for a callback, with room for its time-out. */
export function createQueue(
  name: string,
  { timeoutSeconds }: { readonly timeoutSeconds: number },
  parent: pulumi.Resource,
): WorkQueue {
  const kept = { messageRetentionSeconds: KEPT_SECONDS, sqsManagedSseEnabled: true };
  const deadLetters = new aws.sqs.Queue(`${name}-dead-letters`, kept, { parent });
  const redrivePolicy = pulumi.jsonStringify({
    deadLetterTargetArn: deadLetters.arn,
    maxReceiveCount: MAX_RECEIVES,
  });
  const queue = new aws.sqs.Queue(
    name,
    { ...kept, visibilityTimeoutSeconds: timeoutSeconds + 60, redrivePolicy },
    { parent },
  );
  return { queue, deadLetters };
}

/** Lets one service send what comes from one source, and nobody else. */
export function allowSending(
  name: string,
  { queue }: WorkQueue,
  from: { readonly service: string; readonly sourceArn: pulumi.Input<string> },
  parent: pulumi.Resource,
): aws.sqs.QueuePolicy {
  const policy = pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "SendNewObjects",
        Effect: "Allow",
        Principal: { Service: from.service },
        Action: "sqs:SendMessage",
        Resource: queue.arn,
        Condition: { ArnEquals: { "aws:SourceArn": from.sourceArn } },
      },
    ],
  });
  return new aws.sqs.QueuePolicy(`${name}-policy`, { queueUrl: queue.url, policy }, { parent });
}

/** Gives a callback the queue's messages, those that fail alone again. */
export function consume(
  name: string,
  { queue }: WorkQueue,
  { fn, policy }: Callback,
  { batchSize, atOnce }: { readonly batchSize: number; readonly atOnce: number },
  parent: pulumi.Resource,
): void {
  new aws.lambda.EventSourceMapping(
    name,
    {
      eventSourceArn: queue.arn,
      functionName: fn.arn,
      batchSize,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: atOnce },
    },
    { parent, dependsOn: [policy] },
  );
}
