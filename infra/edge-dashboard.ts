import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Watched } from "./alarms";
import { createDashboard, ownSeries, type Series, type Widget } from "./dashboard";

/** One page: what came in, what was found and done, how late, how full, and what it costs. */
export function createEdgeDashboard(
  name: string,
  component: string,
  { archive, streams, decisions, parse, count }: Watched,
  parent: pulumi.Resource,
): aws.cloudwatch.Dashboard {
  const { region } = archive.bucket;
  const own = (metric: string, ...rest: unknown[]): Series => ownSeries(component, metric, ...rest);
  const page = pulumi
    .all([
      region,
      archive.deliveryStream.name,
      streams.requests.name,
      streams.findings.name,
      parse.fn.name,
      count.fn.name,
      decisions.act.fn.name,
      decisions.expire.fn.name,
    ])
    .apply(([at, delivery, requests, findings, ...functions]) => {
      const [, countName, actName] = functions;
      const ofFunctions = (metric: string, names: readonly string[]): Series[] =>
        names.map((fn) => ["AWS/Lambda", metric, "FunctionName", fn]);
      const widgets: Widget[] = [
        { title: "Requests", stat: "Sum", metrics: [own("LinesRead"), own("RequestsCounted")] },
        {
          title: "Findings and blocks",
          stat: "Sum",
          metrics: [own("Findings"), own("FindingsSpared"), own("Blocks"), own("MassBlocks")],
        },
        {
          title: "From log line to parse, and to block (ms)",
          stat: "p95",
          metrics: [own("LogDelayMs"), own("DecisionDelayMs")],
        },
        {
          title: "Decisions in force; fill of the fullest set (%)",
          stat: "Maximum",
          metrics: [own("DecisionsInForce"), own("IpSetFillPercent"), own("ClientsLeftOut")],
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
          title: "Requests that could not be counted",
          stat: "Sum",
          metrics: [own("RequestsUnforwarded"), own("RecordsFailed"), own("KeysForgotten")],
        },
        {
          title: "Age of the streams (ms)",
          stat: "Maximum",
          metrics: ofFunctions("IteratorAge", [countName, actName]),
        },
        {
          title: "Errors",
          stat: "Sum",
          metrics: [...ofFunctions("Errors", functions), own("IpSetFailures")],
        },
        {
          title: "What costs: bytes in, function time (ms)",
          stat: "Sum",
          metrics: [
            ["AWS/Firehose", "IncomingBytes", "DeliveryStreamName", delivery],
            ["AWS/Kinesis", "IncomingBytes", "StreamName", requests],
            ["AWS/Kinesis", "IncomingBytes", "StreamName", findings],
            ...ofFunctions("Duration", functions),
          ],
        },
      ];
      return { region: at, widgets };
    });
  return createDashboard(name, component, page, parent);
}
