import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

export type Series =
  | readonly [namespace: string, metric: string, ...rest: unknown[]]
  | readonly [{ readonly expression: string; readonly label: string }];

export interface Widget {
  readonly title: string;
  readonly stat: "Sum" | "Maximum" | "p95";
  readonly metrics: readonly Series[];
}

const WIDTH = 12;
const HEIGHT = 6;

/** A metric that the callbacks report themselves. */
export const ownSeries = (component: string, metric: string, ...rest: unknown[]): Series => [
  "Floodgate",
  metric,
  "Component",
  component,
  ...rest,
];

/** A page of graphs. */
export function createDashboard(
  name: string,
  component: string,
  widgets: pulumi.Output<{ readonly region: string; readonly widgets: readonly Widget[] }>,
  parent: pulumi.Resource,
): aws.cloudwatch.Dashboard {
  const dashboardBody = widgets.apply(({ region, widgets: all }) =>
    JSON.stringify({ widgets: all.map((widget, i) => placed(widget, i, region)) }),
  );
  return new aws.cloudwatch.Dashboard(
    `${name}-dashboard`,
    { dashboardName: component, dashboardBody },
    { parent },
  );
}

/** Two in a row. */
function placed({ title, stat, metrics }: Widget, i: number, region: string): unknown {
  return {
    type: "metric",
    x: (i % 2) * WIDTH,
    y: Math.floor(i / 2) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: { title, stat, metrics, region, period: 60, view: "timeSeries" },
  };
}
