import { toRequest } from "../parsing/records";
import type { Client } from "../parsing/client-directory";
import type { Row } from "../parsing/row";
import type { RowBatch } from "../parsing/row-batch";
import { logOf, type Rule } from "../rules/rule";
import { Conditions } from "./conditions";
import { DURATION, TIME, WEIGHT } from "./event-pool";
import { FieldValues, setKey } from "./field-values";
import type { Finding } from "./finding";
import { NearMisses } from "./near-misses";
import { SlidingWindows } from "./sliding-windows";
import type { TextValues } from "./text-values";

export interface CounterSettings {
  readonly rules: readonly Rule[];
  /** How many seconds a line may be older than the newest one of its key. @default 30 */
  readonly latenessSeconds?: number;
  /** Keys kept for each rule at most. @default 500,000 */
  readonly maxKeys?: number;
}

/** A rule with what it counts. */
export interface CountingRule {
  readonly rule: Rule;
  readonly isPerClient: boolean;
  /** The other fields of the key. */
  readonly others: readonly TextValues[];
  /** All windows of a rule are told apart by their keys alone. */
  readonly seed: 0;
  readonly windows: SlidingWindows;
  readonly nearMisses: NearMisses;
  /** Lines that fulfilled the conditions. */
  matched: number;
  readonly weigh: ((row: Row) => number) | undefined;
  /** A number for the value to count once. */
  readonly valueOf: ((batch: RowBatch, i: number) => number) | undefined;
}

/** A finding, and the place in the batch of the row that led to it. */
export interface Crossing {
  readonly row: number;
  readonly finding: Finding;
}

const DEFAULT_LATENESS_SECONDS = 30;
const DEFAULT_MAX_KEYS = 500_000;
/** Below this share of its line nobody came close to it. */
const NEAR_SHARE = 0.25;

/**
 * Counts requests by the rules of the first pipeline: sliding windows on event time, a finding at
 * the very request that crosses a line. A key that stays above its line is raised again once in
 * each `withinSeconds`, so that a flood which outlasts its block is found again.
 */
export class Counter {
  readonly rules: readonly CountingRule[];
  private readonly conditions: Conditions;
  private readonly fields = new FieldValues("nginx");
  /** Whoever crossed a line came close to none. */
  private readonly found = new WeakSet<Client>();

  /** The rules must have passed `checkRules`; rules on S3 are left out. */
  constructor(settings: CounterSettings) {
    const rules = settings.rules.filter((rule) => logOf(rule) === "nginx");
    this.conditions = new Conditions(rules, this.fields);
    this.rules = rules.map((rule) => this.compile(rule, settings));
  }

  /**
   * Counts the requests of a batch; their clients must be resolved. Returns what they crossed, mostly
   * nothing, in the order of the rows.
   */
  add(batch: RowBatch): readonly Crossing[] {
    const crossings: Crossing[] = [];
    this.conditions.evaluate(batch);
    const { rules, conditions } = this;
    for (let i = 0; i < batch.size; i++) {
      for (let at = conditions.nextMatch(i, 0); at >= 0; at = conditions.nextMatch(i, at + 1)) {
        if (this.count(rules[at], batch, i))
          crossings.push({ row: i, finding: this.toFinding(rules[at], batch.rows[i]) });
      }
    }
    return crossings;
  }

  /** Forgets every window. */
  clear(): void {
    for (const { windows } of this.rules) windows.clear();
  }

  private count(counting: CountingRule, batch: RowBatch, i: number): boolean {
    const { windows, weigh, valueOf } = counting;
    const row = batch.rows[i];
    if (counting.isPerClient && row.client === undefined) return false;
    counting.matched++;
    setKey(windows.key, batch, i, counting);
    const { event } = windows;
    event[TIME] = row.time;
    event[WEIGHT] = weigh === undefined ? 1 : weigh(row);
    event[DURATION] = Math.max(0, row.durationMs);
    const isRaised = windows.add(valueOf === undefined ? 0 : valueOf(batch, i));
    if (!isRaised && windows.reached > counting.nearMisses.least) this.noteNearMiss(counting, row);
    return isRaised;
  }

  private noteNearMiss({ nearMisses, windows, rule }: CountingRule, row: Row): void {
    if (row.client !== undefined && this.found.has(row.client)) return;
    const client = row.client?.counted ?? "";
    const bound = windows.reached;
    if (bound > rule.moreThan || !nearMisses.isNews(client, bound)) return;
    nearMisses.note(client, { total: windows.exactly(), bound, key: this.fields.keyOf(rule, row) });
  }

  private compile(rule: Rule, settings: CounterSettings): CountingRule {
    const valueOf = this.fields.distinctOf(rule);
    const notable = rule.moreThan * NEAR_SHARE;
    return {
      rule,
      isPerClient: rule.per.includes("client"),
      others: this.fields.hashedKey(rule),
      seed: 0,
      windows: new SlidingWindows({
        withinMs: rule.withinSeconds * 1000,
        moreThan: rule.moreThan,
        notable,
        latenessMs: (settings.latenessSeconds ?? DEFAULT_LATENESS_SECONDS) * 1000,
        isDistinct: valueOf !== undefined,
        maxKeys: settings.maxKeys ?? DEFAULT_MAX_KEYS,
      }),
      nearMisses: new NearMisses(notable),
      matched: 0,
      weigh: this.fields.sumOf(rule),
      valueOf,
    };
  }

  private toFinding({ rule, windows }: CountingRule, row: Row): Finding {
    if (row.client !== undefined) this.found.add(row.client);
    const { total, at, first, durationMs } = windows;
    const key = this.fields.keyOf(rule, row);
    const address = row.client?.text;
    return {
      rule: rule.name,
      key,
      count: total,
      first,
      at,
      durationMs,
      client: key["client"],
      address,
      isBlockable: row.client?.isBlockable ?? false,
      sample: toRequest(row, address),
    };
  }
}
