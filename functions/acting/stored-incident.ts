import type { Access } from "../parsing/records";
import type { Rule } from "../rules/rule";
import { newEvidence, noteEvidence, opening, type Incident } from "./incidents";
import { TopList } from "./top-list";

/** An incident as it is kept between calls, plain JSON. */
export interface StoredIncident {
  readonly rule: string;
  readonly severity: Incident["severity"];
  readonly client: string;
  readonly bucket: string;
  readonly moreThan: number;
  readonly expected?: number;
  readonly withinSeconds: number;
  /** Event time of the access that opened it; `from` moves when earlier ones come late. */
  readonly opened: number;
  readonly from: number;
  readonly to: number;
  readonly highest: number;
  /** Totals of windows over the line, by their beginning; of the older ones, added up. */
  readonly windows: Readonly<Record<string, number>>;
  readonly earlier: number;
  readonly alertedAt: number;
  readonly alerts: number;
  /** When the last record that grew it was counted, epoch milliseconds. */
  readonly seenAt: number;
  /** Quiet for long. */
  readonly isClosed: boolean;
  /** An alert is still to be sent. */
  readonly isPending: boolean;
  /** What of which packed record is in the evidence. */
  readonly parts: readonly string[];
  readonly evidence: StoredEvidence;
}

interface StoredEvidence {
  readonly accesses: number;
  readonly denied: number;
  readonly missing: number;
  readonly anonymous: number;
  readonly bytes: number;
  readonly operations: TopEntries;
  readonly keys: TopEntries;
  readonly userAgents: TopEntries;
  readonly requesters: TopEntries;
}

type TopEntries = readonly (readonly [string, number])[];

/** A window over its line, as one packed record left it. */
export interface SeenWindow {
  readonly rule: Rule;
  readonly key: Readonly<Record<string, string>>;
  readonly windowStart: number;
  readonly total: number;
  /** The line that it is over, and what was usual at this hour of the week where that made it. */
  readonly line: number;
  readonly expected: number | undefined;
  readonly first: number;
  readonly last: number;
  readonly batch: string;
  readonly accesses: readonly Access[];
  /** When it is counted, epoch milliseconds. */
  readonly now: number;
}

const KEPT_WINDOWS = 200;
const KEPT_PARTS = 200;

/** The name under which a client's, a bucket's and a rule's incidents are kept. */
export const incidentName = ({ rule, key }: SeenWindow): string =>
  JSON.stringify([rule.name, key["client"] ?? "", key["bucket"] ?? ""]);

/** What one packed record has of one window. */
export const partOf = ({ batch, windowStart }: SeenWindow): string => `${batch} ${windowStart}`;

/**
 * What a window over its line makes of the incident that is open: a new one after `quietMs` without
 * any, or the same one grown; an alert is due when it opens and whenever its highest window doubles.
 * The same window of the same record again changes nothing.
 */
export function noteWindow(
  known: StoredIncident | undefined,
  seen: SeenWindow,
  quietMs: number,
): StoredIncident {
  const isOver = known === undefined || seen.first > known.to + quietMs;
  const before = isOver ? opened(seen) : known;
  const part = partOf(seen);
  const isNew = !before.parts.includes(part);
  const highest = Math.max(before.highest, seen.total);
  const isDoubled = highest >= 2 * before.alertedAt;
  return {
    ...before,
    ...counted(before, seen),
    seenAt: seen.now,
    isClosed: false,
    from: Math.min(before.from, seen.first),
    to: Math.max(before.to, seen.last),
    highest,
    alertedAt: isDoubled ? highest : before.alertedAt,
    alerts: before.alerts + (isDoubled ? 1 : 0),
    isPending: before.isPending || isDoubled,
    parts: isNew ? [...before.parts, part].slice(-KEPT_PARTS) : before.parts,
    evidence: isNew ? grown(before.evidence, seen.accesses) : before.evidence,
  };
}

/** The incident as alerts are made of it. */
export function toIncident(stored: StoredIncident): Incident {
  const { windows, earlier, evidence, ...plain } = stored;
  const count = Object.values(windows).reduce((sum, n) => sum + n, earlier);
  const { rule, severity, client, bucket, moreThan, expected, withinSeconds } = plain;
  const { highest, from, to, alertedAt, alerts } = plain;
  return {
    rule,
    severity,
    client,
    bucket,
    moreThan,
    ...(expected === undefined ? {} : { expected }),
    withinSeconds,
    highest,
    from,
    to,
    count,
    alertedAt,
    alerts,
    evidence: unpack(evidence),
  };
}

const opened = (seen: SeenWindow): StoredIncident => ({
  ...opening(seen),
  opened: seen.first,
  to: seen.last,
  windows: {},
  earlier: 0,
  seenAt: seen.now,
  isClosed: false,
  isPending: true,
  parts: [],
  evidence: pack(newEvidence()),
});

/** The highest total of each window counts; the oldest windows are added up. */
function counted(
  { windows, earlier }: StoredIncident,
  { windowStart, total }: SeenWindow,
): Pick<StoredIncident, "windows" | "earlier"> {
  const all: Record<string, number> = {
    ...windows,
    [windowStart]: Math.max(windows[windowStart] ?? 0, total),
  };
  const starts = Object.keys(all).sort((a, b) => Number(a) - Number(b));
  const dropped = starts.slice(0, Math.max(0, starts.length - KEPT_WINDOWS));
  return {
    windows: Object.fromEntries(starts.slice(dropped.length).map((start) => [start, all[start]])),
    earlier: dropped.reduce((sum, start) => sum + all[start], earlier),
  };
}

function grown(stored: StoredEvidence, accesses: readonly Access[]): StoredEvidence {
  const evidence = unpack(stored);
  for (const access of accesses) noteEvidence(evidence, access);
  return pack(evidence);
}

function unpack(stored: StoredEvidence): Incident["evidence"] {
  return {
    ...stored,
    operations: new TopList(stored.operations),
    keys: new TopList(stored.keys),
    userAgents: new TopList(stored.userAgents),
    requesters: new TopList(stored.requesters),
  };
}

function pack(evidence: Incident["evidence"]): StoredEvidence {
  return {
    ...evidence,
    operations: evidence.operations.all(),
    keys: evidence.keys.all(),
    userAgents: evidence.userAgents.all(),
    requesters: evidence.requesters.all(),
  };
}
