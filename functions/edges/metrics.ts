/**
 * Says what one call did: metrics for CloudWatch, whose name's ending tells the unit, one value or
 * up to a hundred; and details that only the log holds.
 */
export type Report = (
  metrics: Readonly<Record<string, number | readonly number[]>>,
  details?: Readonly<Record<string, unknown>>,
) => void;

const NAMESPACE = "Floodgate";
/** Sent at zero too, for an alarm rings when it stays away; others cost nothing in quiet hours. */
const HEARTBEAT = "DecisionsInForce";

/**
 * Reports by one line of JSON in embedded metric format, which needs no permission and no call.
 *
 * @param component the component's name, the only dimension: each further one costs money.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function embeddedMetrics(component: string): Report {
  return (metrics, details = {}) => {
    const line = {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          {
            Namespace: NAMESPACE,
            Dimensions: [["Component"]],
            Metrics: Object.keys(metrics)
              .filter((name) => !isNothing(metrics[name]) || name === HEARTBEAT)
              .map((Name) => ({ Name, Unit: unitOf(Name) })),
          },
        ],
      },
      Component: component,
      ...metrics,
      ...details,
    };
    // Not by console.log: Lambda's puts time and request before the line, and it is JSON no more.
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
}

const isNothing = (value: number | readonly number[]): boolean =>
  value === 0 || (typeof value !== "number" && value.length === 0);

function unitOf(name: string): string {
  if (name.endsWith("Ms")) return "Milliseconds";
  return name.endsWith("Percent") ? "Percent" : "Count";
}
