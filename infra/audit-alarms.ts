import type * as pulumi from "@pulumi/pulumi";
import {
  createAlarm,
  createUnparsedAlarm,
  deliveryMetric,
  failing,
  ownMetric,
  queueMetric,
  type Alarm,
  type AlarmTarget,
} from "./alarm";
import type { Archive } from "./archive";
import type { Callback } from "./callback";
import type { WorkQueue } from "./work-queue";

export interface WatchedAudit {
  readonly objects: WorkQueue;
  readonly archived: WorkQueue;
  readonly archive: Archive;
  readonly parse: Callback;
  readonly count: Callback;
  readonly watch: Callback;
  readonly heartbeat: readonly { readonly bucket: string }[];
}

const MAX_WAIT_SECONDS = 3600;

/** The alarms of the S3 pipeline, each with a sentence for whoever is woken by it. */
export function createAuditAlarms(
  name: string,
  { objects, archived, archive, parse, count, watch }: WatchedAudit,
  target: AlarmTarget,
  parent: pulumi.Resource,
): void {
  const waiting = (what: string, { queue }: WorkQueue): Alarm => ({
    description: `${what} wait for more than an hour: the callback fails or is too slow.`,
    metric: queueMetric(queue, "ApproximateAgeOfOldestMessage"),
    statistic: "Maximum",
    threshold: MAX_WAIT_SECONDS,
    minutes: 5,
  });
  const dead = (what: string, { deadLetters }: WorkQueue): Alarm => ({
    description: `${what} could not be dealt with in five tries; the dead-letter queue says which.`,
    metric: queueMetric(deadLetters, "ApproximateNumberOfMessagesVisible"),
    statistic: "Maximum",
    threshold: 0,
    minutes: 5,
  });
  const alarms: Record<string, Alarm> = {
    "parse-errors": failing("parse", parse.fn),
    "count-errors": failing("count", count.fn),
    "watch-errors": { ...failing("watch", watch.fn), threshold: 0, minutes: 60 },
    "buckets-silent": {
      description: "A bucket that normally logs has stopped; the watch callback's log says which.",
      metric: ownMetric(target, "BucketsSilent"),
      statistic: "Maximum",
      threshold: 0,
      minutes: 15,
    },
    "objects-waiting": waiting("Log objects", objects),
    "archived-waiting": waiting("Archive objects", archived),
    "objects-dead": dead("Log objects", objects),
    "archived-dead": dead("Archive objects", archived),
    "archive-late": {
      description:
        "Accesses wait for more than 30 minutes to reach the archive; the delivery stream's error log says why.",
      metric: deliveryMetric(archive.deliveryStream, "DeliveryToS3.DataFreshness"),
      statistic: "Maximum",
      threshold: 1800,
      minutes: 5,
    },
    unnoted: {
      description: "Alerts went out and could not be noted down: they may come a second time.",
      metric: ownMetric(target, "AlertsUnnoted"),
      statistic: "Sum",
      threshold: 0,
      minutes: 5,
    },
  };
  for (const [purpose, alarm] of Object.entries(alarms))
    createAlarm(`${name}-${purpose}`, alarm, target, parent);
  createUnparsedAlarm(name, target, parent);
}
