import { toAlert } from "../../functions/acting/alert";
import { Decider } from "../../functions/acting/decide";
import { isInForce, type Decision } from "../../functions/acting/decision";
import { Incidents } from "../../functions/acting/incidents";
import { Counter } from "../../functions/counting/counter";
import type { Finding } from "../../functions/counting/finding";
import { MinuteCounter } from "../../functions/counting/minute-counter";
import type { Row } from "../../functions/parsing/row";
import type { RowBatch } from "../../functions/parsing/row-batch";
import { logOf, type Rule } from "../../functions/rules/rule";
import type { StackSettings } from "../../functions/rules/stack-settings";
import type { ReplayAlert, ReplayDecision, ReplayFinding, RuleResult, Verdict } from "./result";

const MINUTE = 60_000;
const MAX_FINDINGS = 50_000;
const MAX_LINES = 1000;
const LINE_LENGTH = 500;

/** One rule set at work on the log: what the deployed functions would count, decide and send. */
export class Evaluation {
  private readonly rules: readonly Rule[];
  private readonly counter: Counter;
  private readonly minutes: MinuteCounter;
  private readonly decider: Decider;
  private readonly incidents = new Incidents();
  private readonly findings: ReplayFinding[] = [];
  private findingsOmitted = 0;
  private readonly decisions: ReplayDecision[] = [];
  /** The newest decision on each client, by its number. */
  private readonly inForce = new Map<number, Decision>();
  private readonly foundClients = new Map<string, Set<string>>();
  private readonly found = new Map<string, number>();
  private requestsBlocked = 0;
  private readonly clientsBlocked = new Set<string>();
  private readonly blockedByMinute = new Map<number, number>();

  constructor(settings: StackSettings, limits: { readonly maxBlocksPerMinute?: number } = {}) {
    this.rules = settings.rules;
    this.counter = new Counter({ rules: settings.rules });
    this.minutes = new MinuteCounter({ rules: settings.rules, exempt: settings.exempt });
    this.decider = new Decider({
      rules: settings.rules,
      allow: settings.allow,
      ceiling: settings.mode,
      maxBlocksPerMinute: settings.maxBlocksPerMinute,
      ...limits,
    });
  }

  /**
   * Takes in a batch of requests or of accesses.
   *
   * @param requestsBefore for each row its client's requests so far, this one included.
   */
  add(batch: RowBatch, requestsBefore: Int32Array): void {
    if (batch.size === 0) return;
    if (batch.rows[0].kind === "access") this.addAccesses(batch, requestsBefore);
    else this.addRequests(batch, requestsBefore);
  }

  verdict(): Verdict {
    const everFound = new Set([...this.foundClients.values()].flatMap((clients) => [...clients]));
    return {
      findings: this.findings.sort(byTime),
      findingsOmitted: this.findingsOmitted,
      decisions: this.decisions.sort((a, b) => a.from - b.from || compare(a.client, b.client)),
      alerts: this.incidents.all().map((incident): ReplayAlert => {
        const { client, bucket, rule, from, to, count } = incident;
        return { ...toAlert(incident), client, bucket, rule, from, to, count };
      }),
      rules: this.rules.map((rule) => this.ruleResult(rule, everFound)),
      requestsBlocked: this.requestsBlocked,
      clientsBlocked: this.clientsBlocked.size,
      massBlocks: this.decider.massBlocks,
      blockedByMinute: this.blockedByMinute,
    };
  }

  private addRequests(batch: RowBatch, requestsBefore: Int32Array): void {
    const crossings = this.counter.add(batch);
    let next = 0;
    for (let i = 0; i < batch.size; i++) {
      const row = batch.rows[i];
      if (row.client !== undefined) this.enforce(row, row.client.id);
      for (; next < crossings.length && crossings[next].row === i; next++)
        this.decide(crossings[next].finding, row, requestsBefore[i]);
    }
  }

  private enforce(row: Row, client: number): void {
    const decision = this.inForce.get(client);
    if (decision?.action !== "block" || !isInForce(decision, row.time)) return;
    this.requestsBlocked++;
    this.clientsBlocked.add(decision.client);
    const minute = Math.floor(row.time / MINUTE);
    this.blockedByMinute.set(minute, (this.blockedByMinute.get(minute) ?? 0) + 1);
  }

  private decide(finding: Finding, row: Row, requestsBefore: number): void {
    const outcome = this.decider.decide(finding);
    if (outcome.kind === "decided") {
      const line = this.decisions.length < MAX_LINES ? row.lineText().slice(0, LINE_LENGTH) : "";
      this.decisions.push({ ...outcome.decision, line });
      if (row.client !== undefined) {
        this.inForce.set(row.client.id, outcome.decision);
      }
    }
    const { rule, key, count, first, at, client } = finding;
    this.keep({ rule, key, count, first, at, requestsBefore, client, outcome: outcome.kind });
  }

  private addAccesses(batch: RowBatch, requestsBefore: Int32Array): void {
    for (const { row, exceeded } of this.minutes.add(batch)) {
      if (exceeded.rule.mode !== "observe") this.incidents.note(exceeded);
      if (!exceeded.isCrossing) continue;
      const { rule, key, total, first, at } = exceeded;
      this.keep({
        rule: rule.name,
        key,
        count: total,
        first,
        at,
        requestsBefore: requestsBefore[row],
        client: key["client"],
        outcome: "alerted",
      });
    }
  }

  private keep(finding: ReplayFinding): void {
    const { rule, client } = finding;
    this.found.set(rule, (this.found.get(rule) ?? 0) + 1);
    const clients = this.foundClients.get(rule) ?? new Set();
    this.foundClients.set(rule, clients);
    if (client !== undefined) clients.add(client);
    if (this.findings.length < MAX_FINDINGS) this.findings.push(finding);
    else this.findingsOmitted++;
  }

  private ruleResult(rule: Rule, everFound: ReadonlySet<string>): RuleResult {
    const counting = this.counter.rules.find((one) => one.rule === rule);
    return {
      name: rule.name,
      description: rule.description ?? "",
      mode: rule.mode ?? "block",
      log: logOf(rule),
      moreThan: rule.moreThan,
      withinSeconds: rule.withinSeconds,
      matched: counting?.matched ?? this.minutes.matchedBy(rule),
      findings: this.found.get(rule.name) ?? 0,
      clients: this.foundClients.get(rule.name)?.size ?? 0,
      nearMisses: (counting?.nearMisses.closest() ?? [])
        .map(({ key, total }) => ({ client: key["client"] ?? "", total }))
        .filter(({ client }) => !everFound.has(client))
        .slice(0, 20),
      forgotten: counting?.windows.forgotten ?? 0,
    };
  }
}

/** In order of time; at the same time by rule and key, so that the order never depends on chance. */
export function byTime(a: ReplayFinding, b: ReplayFinding): number {
  return (
    a.at - b.at || compare(a.rule, b.rule) || compare(JSON.stringify(a.key), JSON.stringify(b.key))
  );
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
