import { toRequest } from "../parsing/records";
import type { Row } from "../parsing/row";
import { logOf, type Rule } from "../rules/rule";
import { Conditions } from "./conditions";
import { FieldValues, setKey } from "./field-values";
import type { Finding } from "./finding";
import { NearMisses } from "./near-misses";
import { RecentTimes } from "./recent-times";
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
  /** Its place among the rules. */
  readonly place: number;
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
  readonly valueOf: ((row: Row) => number) | undefined;
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
  readonly conditions: Conditions;
  private readonly fields = new FieldValues("nginx");
  private readonly times = new RecentTimes();

  /** The rules must have passed `checkRules`; rules on S3 are left out. */
  constructor(settings: CounterSettings) {
    const rules = settings.rules.filter((rule) => logOf(rule) === "nginx");
    this.conditions = new Conditions(rules, this.fields);
    this.rules = rules.map((rule, place) => this.compile(rule, place, settings));
  }

  /** Counts one request; the row's client must be resolved. Returns what it crossed, mostly nothing. */
  add(row: Row): readonly Finding[] {
    let findings: Finding[] | undefined;
    this.conditions.evaluate(row);
    this.times.note(row.time);
    const { matching } = this.conditions;
    for (let word = 0; word < matching.length; word++) {
      for (let left = matching[word]; left !== 0; left &= left - 1) {
        const counting = this.rules[32 * word + 31 - Math.clz32(left & -left)];
        counting.matched++;
        if (!this.count(counting, row)) continue;
        findings ??= [];
        findings.push(this.toFinding(counting, row));
      }
    }
    return findings ?? NOTHING;
  }

  /** Forgets every window. */
  clear(): void {
    for (const { windows } of this.rules) windows.clear();
    this.times.clear();
  }

  private count(counting: CountingRule, row: Row): boolean {
    const { windows, weigh, valueOf } = counting;
    if (counting.isPerClient && row.client === undefined) return false;
    setKey(windows.key, row, counting);
    const weight = weigh === undefined ? 1 : weigh(row);
    const value = valueOf === undefined ? 0 : valueOf(row);
    const isRaised = windows.add(row.time, weight, value, Math.max(0, row.durationMs));
    if (!isRaised && windows.reached > counting.nearMisses.least) this.noteNearMiss(counting, row);
    return isRaised;
  }

  private noteNearMiss({ nearMisses, windows, rule }: CountingRule, row: Row): void {
    const client = row.client?.counted ?? "";
    const bound = windows.reached;
    if (bound > rule.moreThan || !nearMisses.isNews(client, bound)) return;
    nearMisses.note(client, { total: windows.exactly(), bound, key: this.fields.keyOf(rule, row) });
  }

  private compile(rule: Rule, place: number, settings: CounterSettings): CountingRule {
    const valueOf = this.fields.distinctOf(rule);
    return {
      rule,
      place,
      isPerClient: rule.per.includes("client"),
      others: this.fields.hashedKey(rule),
      seed: 0,
      windows: new SlidingWindows(
        {
          withinMs: rule.withinSeconds * 1000,
          moreThan: rule.moreThan,
          notable: rule.moreThan * NEAR_SHARE,
          latenessMs: (settings.latenessSeconds ?? DEFAULT_LATENESS_SECONDS) * 1000,
          isDistinct: valueOf !== undefined,
          maxKeys: settings.maxKeys ?? DEFAULT_MAX_KEYS,
        },
        this.times,
      ),
      nearMisses: new NearMisses(rule.moreThan * NEAR_SHARE),
      matched: 0,
      weigh: this.fields.sumOf(rule),
      valueOf,
    };
  }

  private toFinding({ rule, windows }: CountingRule, row: Row): Finding {
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

const NOTHING: readonly Finding[] = [];
