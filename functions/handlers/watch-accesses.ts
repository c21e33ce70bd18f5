import { toAlert, toClosing, type Alert } from "../acting/alert";
import { toIncident } from "../acting/stored-incident";
import { heartbeats, type Heartbeats } from "../edges/heartbeats";
import { incidentsTable, type IncidentStore } from "../edges/incidents-table";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { alertTopic } from "../edges/topic";

export interface WatchAccessesSettings {
  readonly component: string;
  readonly countersTableName: string;
  readonly incidentsTableName: string;
  readonly topicArn: string;
  readonly quietMinutes: number;
  readonly heartbeat: readonly Heartbeat[];
}

/** A bucket that normally logs, and after how many hours without a line somebody should look. */
export interface Heartbeat {
  readonly bucket: string;
  readonly hours: number;
}

export interface WatchAccessesPorts {
  readonly incidents: IncidentStore;
  readonly heartbeats: Heartbeats;
  readonly alert: (alert: Alert) => Promise<void>;
  readonly report: Report;
  readonly now: () => number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** S3 delivers within this time nearly always; so long an incident may still grow. */
const DELIVERY_LAG_MS = 3 * HOUR;

/** A few times an hour: closes incidents that have been quiet, and misses buckets that are. */
export function watchAccesses(settings: WatchAccessesSettings, ports: WatchAccessesPorts) {
  return async (): Promise<void> => {
    const open = await ports.incidents.open();
    const quietMs = settings.quietMinutes * MINUTE + DELIVERY_LAG_MS;
    let closed = 0;
    for (const { name, incident, version } of open) {
      if (ports.now() - incident.seenAt <= quietMs) continue;
      // Somebody who wrote meanwhile has made it younger: it is for another time.
      if (!(await ports.incidents.save(name, { ...incident, isClosed: true }, version))) continue;
      closed++;
      if (incident.isPending) await ports.alert(toAlert(toIncident(incident)));
      await ports.alert(toClosing(toIncident(incident)));
    }
    const quiet = await quietHours(settings, ports);
    const silent = settings.heartbeat.filter(
      ({ bucket, hours }) => (quiet.get(bucket) ?? 0) > hours,
    );
    ports.report(
      {
        IncidentsOpen: open.length - closed,
        BucketsSilent: silent.length,
        ...Object.fromEntries([...quiet].map(([bucket, hours]) => [quietMetric(bucket), hours])),
      },
      { closed, silent },
    );
  };
}

/** The metric that shows one bucket's heartbeat: hours since its log was last heard of. */
const quietMetric = (bucket: string): string => `QuietHours ${bucket}`;

async function quietHours(
  { heartbeat }: WatchAccessesSettings,
  { heartbeats: { last, beat }, now }: WatchAccessesPorts,
): Promise<Map<string, number>> {
  const quiet = new Map<string, number>();
  for (const { bucket } of heartbeat) {
    const seenAt = await last(bucket);
    // The first look begins the waiting.
    if (seenAt === undefined) await beat(bucket, now());
    quiet.set(bucket, (now() - (seenAt ?? now())) / HOUR);
  }
  return quiet;
}

/** What the Lambda loads. */
export const handler = (settings: WatchAccessesSettings): ReturnType<typeof watchAccesses> =>
  watchAccesses(settings, {
    incidents: incidentsTable(settings.incidentsTableName),
    heartbeats: heartbeats(settings.countersTableName),
    alert: alertTopic(settings.topicArn),
    report: embeddedMetrics(settings.component),
    now: Date.now,
  });
