import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Archive } from "./archive";
import type { Callback } from "./callback";
import type { Streams } from "./analytics";
import type { Decisions } from "./decisions";

export interface Watched {
  readonly archive: Archive;
  readonly streams: Streams;
  readonly decisions: Decisions;
  readonly parse: Callback;
  readonly count: Callback;
}

export interface AlarmSettings {
  /** What the callbacks call the component in their metrics. */
  readonly component: string;
  readonly topicArn: pulumi.Input<string>;
  /** Minutes without any log line after which somebody should look. */
  readonly silentMinutes: number;
}

type Metric = Pick<aws.cloudwatch.MetricAlarmArgs, "namespace" | "metricName" | "dimensions">;

interface Alarm {
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
const MAX_ITERATOR_AGE_MS = 60_000;

/** The alarms of one component, each with a sentence for whoever is woken by it. */
export function createAlarms(
  name: string,
  watched: Watched,
  settings: AlarmSettings,
  parent: pulumi.Resource,
): void {
  for (const [purpose, alarm] of Object.entries(alarmsOn(watched, settings))) {
    createAlarm(`${name}-${purpose}`, alarm, settings, parent);
  }
  createUnparsedAlarm(name, settings, parent);
}

function alarmsOn(
  { archive, streams, decisions, parse, count }: Watched,
  { component, silentMinutes }: AlarmSettings,
): Record<string, Alarm> {
  const own = (metricName: string): Metric => ({
    namespace: "Floodgate",
    metricName,
    dimensions: { Component: component },
  });
  const ofFunction = ({ fn }: Callback, metricName: string): Metric => ({
    namespace: "AWS/Lambda",
    metricName,
    dimensions: { FunctionName: fn.name },
  });
  const ofDelivery = (metricName: string): Metric => ({
    namespace: "AWS/Firehose",
    metricName,
    dimensions: { DeliveryStreamName: archive.deliveryStream.name },
  });
  const failing = (of: string, fn: Callback): Alarm => ({
    description: `The ${of} callback fails; its log says why.`,
    metric: ofFunction(fn, "Errors"),
    statistic: "Sum",
    threshold: 2,
    minutes: 5,
  });
  const late = (of: string, fn: Callback): Alarm => ({
    description: `The ${of} callback reads its stream more than a minute late: more shards, or a look at its errors.`,
    metric: ofFunction(fn, "IteratorAge"),
    statistic: "Maximum",
    threshold: MAX_ITERATOR_AGE_MS,
    minutes: 5,
  });
  return {
    "no-logs": {
      description: `No log line has come for ${silentMinutes} minutes: look at the log agents.`,
      metric: ofDelivery("IncomingRecords"),
      statistic: "Sum",
      threshold: 1,
      isBelow: true,
      minutes: silentMinutes,
      missing: "breaching",
    },
    "archive-late": {
      description:
        "Logs wait for more than 30 minutes to reach the archive; the delivery stream's error log says why.",
      metric: ofDelivery("DeliveryToS3.DataFreshness"),
      statistic: "Maximum",
      threshold: 1800,
      minutes: 5,
    },
    "parse-errors": failing("parse", parse),
    "count-errors": failing("count", count),
    "act-errors": failing("act", decisions.act),
    "expire-errors": failing("expire", decisions.expire),
    "count-late": late("count", count),
    "act-late": late("act", decisions.act),
    "failed-batches": {
      description: "Batches were given up; the failures queue says which.",
      metric: {
        namespace: "AWS/SQS",
        metricName: "ApproximateNumberOfMessagesVisible",
        dimensions: { QueueName: streams.failures.name },
      },
      statistic: "Maximum",
      threshold: 0,
      minutes: 5,
    },
    "failed-records": {
      description: "Records of the requests stream could not be counted.",
      metric: own("RecordsFailed"),
      statistic: "Sum",
      threshold: 0,
      minutes: 5,
    },
    unforwarded: {
      description:
        "Requests were archived and not counted: the requests stream has too few shards.",
      metric: own("RequestsUnforwarded"),
      statistic: "Sum",
      threshold: 0,
      minutes: 5,
    },
    "no-expiry": {
      description: "Blocks do not end: the expire callback has not run for 10 minutes.",
      metric: own("DecisionsInForce"),
      statistic: "SampleCount",
      threshold: 1,
      isBelow: true,
      minutes: 10,
      missing: "breaching",
    },
    "sets-failing": {
      description: "IP sets could not be brought up to date for five minutes.",
      metric: own("IpSetFailures"),
      statistic: "Maximum",
      threshold: 0,
      minutes: 1,
      periods: 5,
    },
    "sets-filling": {
      description:
        "An IP set is more than 70 % full: fewer or shorter blocks, or a wider ipv6Prefix.",
      metric: own("IpSetFillPercent"),
      statistic: "Maximum",
      threshold: 70,
      minutes: 5,
    },
    "sets-full": {
      description:
        "An IP set is more than 90 % full: soon the mildest and oldest blocks have no room.",
      metric: own("IpSetFillPercent"),
      statistic: "Maximum",
      threshold: 90,
      minutes: 5,
    },
    "mass-block": {
      description: "More new blocks in a minute than the limit allows; the rest is only counted.",
      metric: own("MassBlocks"),
      statistic: "Sum",
      threshold: 0,
      minutes: 1,
    },
  };
}

function createAlarm(
  name: string,
  alarm: Alarm,
  { topicArn }: AlarmSettings,
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
function createUnparsedAlarm(
  name: string,
  { component, topicArn }: AlarmSettings,
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
