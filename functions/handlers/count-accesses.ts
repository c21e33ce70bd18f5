import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { toAlert, type Alert } from "../acting/alert";
import {
  incidentName,
  noteWindow,
  partOf,
  toIncident,
  type SeenWindow,
  type StoredIncident,
} from "../acting/stored-incident";
import { AccessCounts, type WindowCounts } from "../counting/access-counts";
import { hourOf, lineOf, pastKeyOf } from "../counting/baseline";
import { countersTable, type Counters } from "../edges/counters";
import { exemptionsTable, type ReadExemptions } from "../edges/exemptions-table";
import { heartbeats, type Heartbeats } from "../edges/heartbeats";
import { incidentsTable, type IncidentStore } from "../edges/incidents-table";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { objects, type Objects } from "../edges/objects";
import { pastTable, type PastStore } from "../edges/past";
import { alertTopic } from "../edges/topic";
import type { ClientPrefixes } from "../parsing/address";
import { ArchivedAccesses } from "../parsing/archived-accesses";
import { S3 } from "../parsing/fields";
import { ClientDirectory } from "../parsing/client-directory";
import type { ObjectName } from "../parsing/s3-events";
import { shortHash } from "../parsing/short-hash";
import { checkExemptions, type Exemption } from "../rules/exemptions";
import type { Rule } from "../rules/rule";
import { eachObject } from "./each-object";
import type { Heartbeat } from "./watch-accesses";

export interface CountAccessesSettings {
  readonly component: string;
  readonly rules: readonly Rule[];
  readonly exempt: readonly Exemption[];
  readonly prefixes: ClientPrefixes;
  /** Where people may write further exemptions at any time. */
  readonly exemptionsTableName: string;
  readonly countersTableName: string;
  readonly incidentsTableName: string;
  readonly topicArn: string;
  readonly latenessHours: number;
  readonly quietMinutes: number;
  /** Buckets whose silence somebody should hear of. */
  readonly heartbeat: readonly Heartbeat[];
}

export interface CountAccessesPorts {
  readonly objects: Objects;
  readonly counters: Counters;
  readonly incidents: IncidentStore;
  readonly past: PastStore;
  readonly exemptions: ReadExemptions;
  readonly heartbeats: Pick<Heartbeats, "beat">;
  readonly now: () => number;
  readonly alert: (alert: Alert) => Promise<void>;
  readonly report: Report;
}

/** Calls of DynamoDB that are under way at once. */
const AT_ONCE = 25;
const MAX_CONFLICTS = 8;
const EXEMPTIONS_KEPT_MS = 60_000;

/**
 * Counts new objects of the archive, each packed record once, and turns what crosses a line into
 * incidents and alerts. A message that could not be dealt with comes again; nothing counts twice.
 */
export function countAccesses(settings: CountAccessesSettings, ports: CountAccessesPorts) {
  const directory = new ClientDirectory({ trust: [], prefixes: settings.prefixes });
  let counts = new AccessCounts(settings.rules, settings.exempt);
  let readAt = -Infinity;
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    if (ports.now() - readAt > EXEMPTIONS_KEPT_MS) {
      const further = await readExemptions(ports);
      counts = new AccessCounts(settings.rules, [...settings.exempt, ...further]);
      readAt = ports.now();
    }
    return eachObject(event, ports.report, (name) => {
      // What was begun of an object that failed is forgotten; it comes again with its message.
      counts.take();
      return countObject(name, { settings, counts, directory }, ports);
    });
  };
}

/** What people wrote into the table; what makes no sense is reported and passed over. */
async function readExemptions({ exemptions, report }: CountAccessesPorts): Promise<Exemption[]> {
  const checked = (await exemptions()).map((one) => checkExemptions([one]));
  const mistakes = checked.flatMap((one) => (one.ok ? [] : one.mistakes));
  if (mistakes.length > 0) report({ ExemptionsRefused: mistakes.length }, { mistakes });
  return checked.flatMap((one) => (one.ok ? one.exemptions : []));
}

interface Work {
  readonly settings: CountAccessesSettings;
  readonly counts: AccessCounts;
  readonly directory: ClientDirectory;
}

async function countObject(
  { bucket, key }: ObjectName,
  { settings, counts, directory }: Work,
  ports: CountAccessesPorts,
): Promise<void> {
  const pieces = await ports.objects.open({ bucket, key });
  if (pieces === undefined) {
    ports.report({ ObjectsGone: 1 }, { bucket, key });
    return;
  }
  const archived = new ArchivedAccesses(shortHash(`${bucket}/${key}`));
  const watched = new Set(settings.heartbeat.map((one) => one.bucket));
  const met = new Set<string>();
  const tally = { accesses: 0, windows: 0, alerts: 0 };
  const settle = async (batch: string): Promise<void> => {
    const windows = counts.take();
    tally.windows += windows.length;
    tally.alerts += await settleBatch(windows, batch, settings, ports);
  };
  const addAll = async (): Promise<void> => {
    for (let next = archived.next(); next !== undefined; next = archived.next()) {
      if (next.endOf !== undefined) await settle(next.endOf);
      directory.resolve(archived.row);
      counts.add(archived.row);
      if (watched.size > 0) met.add(archived.row.textOrEmpty(S3.bucket));
      tally.accesses++;
    }
  };
  for await (const piece of pieces) {
    archived.push(piece);
    await addAll();
  }
  archived.end();
  await addAll();
  if (archived.batch !== undefined) await settle(archived.batch);
  for (const one of watched) if (met.has(one)) await ports.heartbeats.beat(one, ports.now());
  ports.report(
    { AccessesCounted: tally.accesses, Alerts: tally.alerts },
    { bucket, key, windows: tally.windows, unparsed: archived.unparsed },
  );
}

/** Adds one packed record to the counters, then sees to the windows that are over a line. */
async function settleBatch(
  windows: readonly WindowCounts[],
  batch: string,
  settings: CountAccessesSettings,
  ports: CountAccessesPorts,
): Promise<number> {
  let alerts = 0;
  for (let i = 0; i < windows.length; i += AT_ONCE) {
    const some = windows.slice(i, i + AT_ONCE);
    const seen = await Promise.all(some.map((window) => overLine(window, batch, settings, ports)));
    // One after the other: two of them may be of one incident.
    for (const one of seen.flat()) if (await settleIncident(one, settings, ports)) alerts++;
  }
  return alerts;
}

/** Adds one window to its counter; returns what of it is over a line, rule by rule. */
async function overLine(
  window: WindowCounts,
  batch: string,
  { rules }: CountAccessesSettings,
  { counters, past, now }: CountAccessesPorts,
): Promise<SeenWindow[]> {
  const totals = await counters.add(window, batch);
  const { key, windowStart, first, last, accesses } = window;
  const judged = await Promise.all(
    rules
      .filter(({ name, mode }) => totals.has(name) && mode !== "observe")
      .map(async (rule): Promise<SeenWindow> => {
        const total = totals.get(rule.name) ?? 0;
        const { line, expected } = await baselineOf(rule, window, total, past);
        const seen = { rule, key, windowStart, total, line, expected, first, last, accesses };
        return { ...seen, batch, now: now() };
      }),
  );
  return judged.filter(({ total, line }) => total > line);
}

/** The line of a window by the fixed threshold and by the key's own past, which it then adds to. */
async function baselineOf(
  rule: Rule,
  { key, windowStart }: WindowCounts,
  total: number,
  past: PastStore,
): Promise<{ readonly line: number; readonly expected: number | undefined }> {
  if (rule.unusual === undefined) return { line: rule.moreThan, expected: undefined };
  const [name, hour] = [pastKeyOf(rule, key), hourOf(windowStart)];
  await past.note(name, hour, total);
  const expected = total < rule.unusual.atLeast ? undefined : await past.expected(name, hour);
  return { line: lineOf(rule, expected), expected };
}

/** Brings the incident up to date and sends the alert that is due; true when one was sent. */
async function settleIncident(
  seen: SeenWindow,
  { quietMinutes }: CountAccessesSettings,
  { incidents, alert, report }: CountAccessesPorts,
): Promise<boolean> {
  const name = incidentName(seen);
  const noted = await update(incidents, name, (known) =>
    noteWindow(known, seen, quietMinutes * 60_000),
  );
  if (!isDue(noted.before, noted.after, partOf(seen))) return false;
  await alert(toAlert(toIncident(noted.after)));
  try {
    await update(incidents, name, (known = noted.after) =>
      known.opened === noted.after.opened ? { ...known, isPending: false } : known,
    );
  } catch (error) {
    // The alert is out: were the message to come again for this note, it would go out twice.
    report({ AlertsUnnoted: 1 }, { error: error instanceof Error ? error.name : "unknown" });
  }
  return true;
}

/**
 * Whether this call sends the alert: it made the alert due, or it met its own record again because
 * the alert did not get through. Where another record made it due, that one's call sends it.
 */
function isDue(before: StoredIncident | undefined, after: StoredIncident, part: string): boolean {
  if (!after.isPending) return false;
  const isNewlyDue = before?.opened !== after.opened || before.alerts < after.alerts;
  return isNewlyDue || before.parts.includes(part);
}

/** Writes what `change` makes of the newest incident of a name, anew while others write it too. */
async function update(
  incidents: IncidentStore,
  name: string,
  change: (known: StoredIncident | undefined) => StoredIncident,
): Promise<{ readonly before: StoredIncident | undefined; readonly after: StoredIncident }> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const known = await incidents.newest(name);
    const after = change(known?.incident);
    const version =
      known !== undefined && after.opened === known.incident.opened ? known.version : 0;
    if (await incidents.save(name, after, version)) return { before: known?.incident, after };
  }
  throw new Error(`the incident ${name} was written by others ${MAX_CONFLICTS} times in a row`);
}

/** What the Lambda loads. */
export const handler = (settings: CountAccessesSettings): ReturnType<typeof countAccesses> =>
  countAccesses(settings, {
    objects: objects(),
    counters: countersTable(settings.countersTableName, settings.latenessHours),
    incidents: incidentsTable(settings.incidentsTableName),
    past: pastTable(settings.countersTableName),
    exemptions: exemptionsTable(settings.exemptionsTableName),
    heartbeats: heartbeats(settings.countersTableName),
    now: Date.now,
    alert: alertTopic(settings.topicArn),
    report: embeddedMetrics(settings.component),
  });
