import type * as pulumi from "@pulumi/pulumi";
import {
  createAlarm,
  createUnparsedAlarm,
  deliveryMetric,
  failing,
  functionMetric,
  ownMetric,
  queueMetric,
  type Alarm,
  type AlarmTarget,
  type Metric,
} from "./alarm";
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

export interface AlarmSettings extends AlarmTarget {
  /** Minutes without any log line after which somebody should look. */
  readonly silentMinutes: number;
}

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
  settings: AlarmSettings,
): Record<string, Alarm> {
  const own = (metricName: string): Metric => ownMetric(settings, metricName);
  const late = (of: string, { fn }: Callback): Alarm => ({
    description: `The ${of} callback reads its stream more than a minute late: more shards, or a look at its errors.`,
    metric: functionMetric(fn, "IteratorAge"),
    statistic: "Maximum",
    threshold: MAX_ITERATOR_AGE_MS,
    minutes: 5,
  });
  return {
    "no-logs": {
      description: `No log line has come for ${settings.silentMinutes} minutes: look at the log agents.`,
      metric: deliveryMetric(archive.deliveryStream, "IncomingRecords"),
      statistic: "Sum",
      threshold: 1,
      isBelow: true,
      minutes: settings.silentMinutes,
      missing: "breaching",
    },
    "archive-late": {
      description:
        "Logs wait for more than 30 minutes to reach the archive; the delivery stream's error log says why.",
      metric: deliveryMetric(archive.deliveryStream, "DeliveryToS3.DataFreshness"),
      statistic: "Maximum",
      threshold: 1800,
      minutes: 5,
    },
    "parse-errors": failing("parse", parse.fn),
    "count-errors": failing("count", count.fn),
    "act-errors": failing("act", decisions.act.fn),
    "expire-errors": failing("expire", decisions.expire.fn),
    "count-late": late("count", count),
    "act-late": late("act", decisions.act),
    "failed-batches": {
      description: "Batches were given up; the failures queue says which.",
      metric: queueMetric(streams.failures, "ApproximateNumberOfMessagesVisible"),
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
