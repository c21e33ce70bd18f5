import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** Whom alarms of a component ring at, and what the callbacks call it in their metrics. */
export interface AlarmTarget {
  readonly component: string;
  readonly topicArn: pulumi.Input<string>;
}

export type Metric = Pick<
  aws.cloudwatch.MetricAlarmArgs,
  "namespace" | "metricName" | "dimensions"
>;

export interface Alarm {
  readonly description: string;
  readonly metric: Metric;
  readonly statistic: "Sum" | "Maximum" | "SampleCount";
  /** Rings above this; below it when `isBelow`. */
  readonly threshold: number;
  readonly isBelow?: boolean;
  readonly minutes: number;
  /** How many of the minutes in a row. @default 1, of all minutes together */
  readonly periods?: number;
  /** What silence means. @default "notBreaching" */
  readonly missing?: "breaching" | "notBreaching";
}

const UNPARSED_PERCENT = 5;

/** A metric that the callbacks report themselves. */
export const ownMetric = ({ component }: AlarmTarget, metricName: string): Metric => ({
  namespace: "Floodgate",
  metricName,
  dimensions: { Component: component },
});

export const functionMetric = (fn: aws.lambda.Function, metricName: string): Metric => ({
  namespace: "AWS/Lambda",
  metricName,
  dimensions: { FunctionName: fn.name },
});

export const queueMetric = (queue: aws.sqs.Queue, metricName: string): Metric => ({
  namespace: "AWS/SQS",
  metricName,
  dimensions: { QueueName: queue.name },
});

export const deliveryMetric = (
  stream: aws.kinesis.FirehoseDeliveryStream,
  metricName: string,
): Metric => ({
  namespace: "AWS/Firehose",
  metricName,
  dimensions: { DeliveryStreamName: stream.name },
});

/** For every component: a callback that throws more than twice in five minutes. */
export const failing = (of: string, fn: aws.lambda.Function): Alarm => ({
  description: `The ${of} callback fails; its log says why.`,
  metric: functionMetric(fn, "Errors"),
  statistic: "Sum",
  threshold: 2,
  minutes: 5,
});

/** Makes one alarm. */
export function createAlarm(
  name: string,
  alarm: Alarm,
  { topicArn }: AlarmTarget,
  parent: pulumi.Resource,
): void {
  new aws.cloudwatch.MetricAlarm(
    name,
    {
      ...alarm.metric,
      alarmDescription: alarm.description,
      statistic: alarm.statistic,
      comparisonOperator: alarm.isBelow === true ? "LessThanThreshold" : "GreaterThanThreshold",
      threshold: alarm.threshold,
      period: alarm.minutes * 60,
      evaluationPeriods: alarm.periods ?? 1,
      treatMissingData: alarm.missing ?? "notBreaching",
      alarmActions: [topicArn],
      okActions: [topicArn],
    },
    { parent },
  );
}

/** A share, so it takes two metrics. */
export function createUnparsedAlarm(
  name: string,
  { component, topicArn }: AlarmTarget,
  parent: pulumi.Resource,
): void {
  const sumOf = (
    id: string,
    metricName: string,
  ): aws.types.input.cloudwatch.MetricAlarmMetricQuery => ({
    id,
    metric: {
      namespace: "Floodgate",
      metricName,
      dimensions: { Component: component },
      stat: "Sum",
      period: 900,
    },
  });
  new aws.cloudwatch.MetricAlarm(
    `${name}-unparsed`,
    {
      alarmDescription: `More than ${UNPARSED_PERCENT} % of the lines cannot be parsed; the archive keeps each with its reason.`,
      comparisonOperator: "GreaterThanThreshold",
      threshold: UNPARSED_PERCENT,
      evaluationPeriods: 1,
      treatMissingData: "notBreaching",
      metricQueries: [
        sumOf("unparsed", "LinesUnparsed"),
        sumOf("read", "LinesRead"),
        {
          id: "share",
          expression: "100 * unparsed / read",
          label: "Unparsed share, percent",
          returnData: true,
        },
      ],
      alarmActions: [topicArn],
      okActions: [topicArn],
    },
    { parent },
  );
}
