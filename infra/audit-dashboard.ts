import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { WatchedAudit } from "./audit-alarms";
import { createDashboard, ownSeries, type Series, type Widget } from "./dashboard";

/** One page: what came in, how late, what was found, what waits, and what costs. */
export function createAuditDashboard(
  name: string,
  component: string,
  { objects, archived, archive, parse, count, watch, heartbeat }: WatchedAudit,
  parent: pulumi.Resource,
): aws.cloudwatch.Dashboard {
  const own = (metric: string, ...rest: unknown[]): Series => ownSeries(component, metric, ...rest);
  const page = pulumi
    .all([
      archive.bucket.region,
      archive.deliveryStream.name,
      objects.queue.name,
      objects.deadLetters.name,
      archived.queue.name,
      archived.deadLetters.name,
      parse.fn.name,
      count.fn.name,
      watch.fn.name,
    ])
    .apply(
      ([region, delivery, objectsName, objectsDead, archivedName, archivedDead, ...functions]) => {
        const ofFunctions = (metric: string): Series[] =>
          functions.map((fn) => ["AWS/Lambda", metric, "FunctionName", fn]);
        const ofQueue = (metric: string, queue: string): Series => [
          "AWS/SQS",
          metric,
          "QueueName",
          queue,
        ];
        const visible = "ApproximateNumberOfMessagesVisible";
        const age = "ApproximateAgeOfOldestMessage";
        const widgets: Widget[] = [
          { title: "Accesses", stat: "Sum", metrics: [own("LinesRead"), own("AccessesCounted")] },
          {
            title: "From event to delivery (ms)",
            stat: "p95",
            metrics: [own("DeliveryDelayMs", { stat: "p50" }), own("DeliveryDelayMs")],
          },
          { title: "Alerts", stat: "Sum", metrics: [own("Alerts"), own("AlertsUnnoted")] },
          {
            title: "Incidents open, buckets silent",
            stat: "Maximum",
            metrics: [own("IncidentsOpen"), own("BucketsSilent")],
          },
          {
            title: "Hours since each bucket's log was heard of",
            stat: "Maximum",
            metrics: heartbeat.map(({ bucket }) => own(`QuietHours ${bucket}`)),
          },
          {
            title: "Share of lines that could not be parsed (%)",
            stat: "Sum",
            metrics: [
              own("LinesUnparsed", { id: "unparsed", visible: false }),
              own("LinesRead", { id: "read", visible: false }),
              [{ expression: "100 * unparsed / read", label: "unparsed" }],
            ],
          },
          {
            title: "Age of the queues (s)",
            stat: "Maximum",
            metrics: [ofQueue(age, objectsName), ofQueue(age, archivedName)],
          },
          {
            title: "Dead letters, failed and missing objects",
            stat: "Maximum",
            metrics: [
              ofQueue(visible, objectsDead),
              ofQueue(visible, archivedDead),
              own("ObjectsFailed"),
              own("ObjectsGone"),
            ],
          },
          { title: "Errors", stat: "Sum", metrics: ofFunctions("Errors") },
          {
            title: "What costs: bytes in, function time (ms)",
            stat: "Sum",
            metrics: [
              ["AWS/Firehose", "IncomingBytes", "DeliveryStreamName", delivery],
              ...ofFunctions("Duration"),
            ],
          },
        ];
        return { region, widgets: widgets.filter(({ metrics }) => metrics.length > 0) };
      },
    );
  return createDashboard(name, component, page, parent);
}
