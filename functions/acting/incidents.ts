import type { Exceeded } from "../counting/minute-counter";
import type { Access } from "../parsing/records";
import type { Severity } from "../rules/rule";
import { TopList } from "./top-list";

/** One client's anomaly on one bucket by one rule, while it lasts. */
export interface Incident {
  readonly rule: string;
  readonly severity: Severity;
  readonly client: string;
  readonly bucket: string;
  /** What the rule allows in a window, and the most that was seen. */
  readonly moreThan: number;
  /** What was usual at this hour of the week, where that made the line. */
  readonly expected?: number;
  readonly withinSeconds: number;
  highest: number;
  /** Event time of the first and last access in windows over the line, epoch milliseconds. */
  from: number;
  to: number;
  /** Totals of all windows over the line, added up. */
  count: number;
  /** `highest` when the last alert went out. */
  alertedAt: number;
  alerts: number;
  readonly evidence: Evidence;
}

/** What the accesses of an incident had in common. */
interface Evidence {
  accesses: number;
  denied: number;
  missing: number;
  anonymous: number;
  bytes: number;
  readonly operations: TopList;
  readonly keys: TopList;
  readonly userAgents: TopList;
  readonly requesters: TopList;
}

/** A step of an incident that people hear of. */
export interface IncidentStep {
  readonly kind: "opened" | "updated";
  readonly incident: Incident;
}

const MINUTE = 60_000;

/**
 * Turns windows over their line into incidents: one for each client, bucket and rule, updated when
 * its highest window doubles, closed when nothing crosses the line for `quietMinutes`.
 */
export class Incidents {
  private readonly open = new Map<string, Incident>();
  private readonly closed: Incident[] = [];
  private readonly quietMs: number;

  /** @param quietMinutes 1 to 1,440. */
  constructor(quietMinutes = 60) {
    this.quietMs = quietMinutes * MINUTE;
  }

  /** Notes one access over the line; returns the step that it makes, mostly none. */
  note(exceeded: Exceeded): IncidentStep | undefined {
    const { rule, key, total, isCrossing } = exceeded;
    const name = JSON.stringify([rule.name, key["client"], key["bucket"]]);
    const known = this.open.get(name);
    const isQuiet = known !== undefined && exceeded.at > known.to + this.quietMs;
    if (isQuiet) this.closed.push(known);
    const incident = known === undefined || isQuiet ? openIncident(exceeded) : known;
    if (incident !== known) this.open.set(name, incident);

    for (const access of exceeded.earlier) noteEvidence(incident.evidence, access);
    noteEvidence(incident.evidence, exceeded.access);
    incident.count += isCrossing ? total : total - exceeded.before;
    incident.from = Math.min(incident.from, exceeded.first);
    incident.to = Math.max(incident.to, exceeded.at);
    incident.highest = Math.max(incident.highest, total);
    if (incident !== known) return { kind: "opened", incident };
    if (incident.highest < 2 * incident.alertedAt) return undefined;
    incident.alertedAt = incident.highest;
    incident.alerts++;
    return { kind: "updated", incident };
  }

  /** All incidents so far, by their beginning. */
  all(): Incident[] {
    return [...this.closed, ...this.open.values()].sort(
      (a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1),
    );
  }
}

const openIncident = (exceeded: Exceeded): Incident => ({
  ...opening(exceeded),
  to: exceeded.at,
  count: 0,
  evidence: newEvidence(),
});

/** What the window that opens an incident says of it, however the incident is kept. */
export function opening({
  rule,
  key,
  total,
  first,
  line,
  expected,
}: Pick<Exceeded, "rule" | "key" | "total" | "first" | "line" | "expected">): Omit<
  Incident,
  "to" | "count" | "evidence"
> {
  return {
    rule: rule.name,
    severity: "alert" in rule.then ? rule.then.alert : "low",
    client: key["client"] ?? "",
    bucket: key["bucket"] ?? "",
    moreThan: line,
    ...(line < rule.moreThan && expected !== undefined ? { expected } : {}),
    withinSeconds: rule.withinSeconds,
    highest: total,
    from: first,
    alertedAt: total,
    alerts: 1,
  };
}

export function newEvidence(): Evidence {
  return {
    accesses: 0,
    denied: 0,
    missing: 0,
    anonymous: 0,
    bytes: 0,
    operations: new TopList(),
    keys: new TopList(),
    userAgents: new TopList(),
    requesters: new TopList(),
  };
}

export function noteEvidence(evidence: Evidence, access: Access): void {
  evidence.accesses++;
  if (access.status === 403) evidence.denied++;
  if (access.status === 404) evidence.missing++;
  if (access.requester === "") evidence.anonymous++;
  evidence.bytes += access.bytes;
  evidence.operations.add(access.operation);
  if (access.key !== "") evidence.keys.add(access.key);
  evidence.userAgents.add(access.userAgent === "" ? "(none)" : access.userAgent);
  evidence.requesters.add(access.requester === "" ? "(anonymous)" : access.requester);
}
