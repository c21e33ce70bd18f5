import { toRequest } from "../parsing/records";
import type { Row } from "../parsing/row";
import { logOf, type Rule } from "../rules/rule";
import { RULE_FIELDS, type RuleField } from "../rules/rule-fields";
import { Conditions, type CompiledCondition } from "./conditions";
import type { Finding } from "./finding";
import { NearMisses } from "./near-misses";
import { SlidingWindows } from "./sliding-windows";
import { TextValues } from "./text-values";

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
  readonly conditions: readonly CompiledCondition[];
  readonly isPerClient: boolean;
  /** The other fields of the key. */
  readonly others: readonly TextValues[];
  readonly windows: SlidingWindows;
  readonly nearMisses: NearMisses;
  /** Lines that fulfilled the conditions. */
  matched: number;
  readonly weigh: (row: Row) => number;
  /** A number for the value to count once; 0 when values do not matter. */
  readonly valueOf: (row: Row) => number;
}


const DEFAULT_LATENESS_SECONDS = 30;
const DEFAULT_MAX_KEYS = 500_000;

/**
 * Counts requests by the rules of the first pipeline: sliding windows on event time, a finding at
 * the very request that crosses a line. A key that stays above its line is raised again once in
 * each `withinSeconds`, so that a flood which outlasts its block is found again.
 */
export class Counter {
  readonly rules: readonly CountingRule[];
  readonly conditions: Conditions;
  private readonly texts = new Map<string, TextValues>();

  /** The rules must have passed `checkRules`; rules on S3 are left out. */
  constructor(settings: CounterSettings) {
    const rules = settings.rules.filter((rule) => logOf(rule) === "nginx");
    this.conditions = new Conditions(rules, RULE_FIELDS.nginx, (name) => this.textValues(name));
    this.rules = rules.map((rule) => this.compile(rule, settings));
  }

  /** Counts one request; the row's client must be resolved. Returns what it crossed, mostly nothing. */
  add(row: Row): readonly Finding[] {
    let findings: Finding[] | undefined;
    this.conditions.evaluate(row);
    for (const rule of this.rules) {
      if (!this.matches(rule) || !this.count(rule, row)) continue;
      findings ??= [];
      findings.push(this.toFinding(rule, row));
    }
    return findings ?? NOTHING;
  }

  /** The values of a text field that a rule uses, shared by all rules that do. */
  textValues(name: string): TextValues {
    const known = this.texts.get(name);
    if (known !== undefined) return known;
    const field = RULE_FIELDS.nginx[name];
    if (field.kind !== "text" && field.kind !== "derived") {
      throw new Error(`"${name}" is not a text field`);
    }
    const values = new TextValues(field);
    this.texts.set(name, values);
    return values;
  }

  /** Whether the row that the conditions were evaluated for fulfils those of the rule. */
  private matches({ conditions }: CountingRule): boolean {
    for (let i = 0; i < conditions.length; i++) if (!this.conditions.holds(conditions[i])) return false;
    return true;
  }

  private count(counting: CountingRule, row: Row): boolean {
    const { windows } = counting;
    if (counting.isPerClient && row.client === undefined) return false;
    counting.matched++;
    setKey(counting, row);
    windows.setEvent(counting.valueOf(row), Math.max(0, row.durationMs));
    const isRaised = windows.add(row.time, counting.weigh(row));
    if (!isRaised && windows.reached > counting.nearMisses.least) this.noteNearMiss(counting, row);
    return isRaised;
  }

  private noteNearMiss({ nearMisses, windows, rule }: CountingRule, row: Row): void {
    const client = row.client?.counted ?? "";
    const bound = windows.reached;
    if (bound > rule.moreThan || !nearMisses.isNews(client, bound)) return;
    nearMisses.note(client, { total: windows.exactly(), bound, key: this.keyOf(rule, row) });
  }

  private compile(rule: Rule, settings: CounterSettings): CountingRule {
    const named = RULE_FIELDS.nginx;
    const isDistinct = typeof rule.count === "object" && "distinct" in rule.count;
    return {
      rule,
      conditions: this.conditions.of(rule),
      isPerClient: rule.per.includes("client"),
      others: rule.per.filter((name) => name !== "client").map((name) => this.hashedValues(name)),
      windows: new SlidingWindows({
        withinMs: rule.withinSeconds * 1000,
        moreThan: rule.moreThan,
        latenessMs: (settings.latenessSeconds ?? DEFAULT_LATENESS_SECONDS) * 1000,
        isDistinct,
        maxKeys: settings.maxKeys ?? DEFAULT_MAX_KEYS,
      }),
      nearMisses: new NearMisses(rule.moreThan / 4),
      matched: 0,
      weigh: weightOf(rule, named),
      valueOf: isDistinct ? this.distinctValue(distinctField(rule)) : () => 0,
    };
  }

  private distinctValue(name: string): (row: Row) => number {
    if (name === "client") return (row) => row.client?.id ?? 0;
    const values = this.hashedValues(name);
    return (row) => {
      values.load(row);
      return values.low >>> 0;
    };
  }

  private hashedValues(name: string): TextValues {
    const values = this.textValues(name);
    values.useHash();
    return values;
  }

  private keyOf(rule: Rule, row: Row): Record<string, string> {
    return Object.fromEntries(
      rule.per.map((name) => [
        name,
        name === "client" ? (row.client?.counted ?? "") : this.textValues(name).text(row),
      ]),
    );
  }

  private toFinding({ rule, windows }: CountingRule, row: Row): Finding {
    const { total, at, first, durationMs } = windows;
    const key = this.keyOf(rule, row);
    return {
      rule: rule.name,
      key,
      count: total,
      first,
      at,
      durationMs,
      client: key["client"],
      address: row.client?.address.toString(),
      isBlockable: row.client?.isBlockable ?? false,
      sample: toRequest(row, row.client?.address.toString()),
    };
  }
}

const NOTHING: readonly Finding[] = [];

/**
 * A client's number, which is compared in full, and 64 bits for the other values: should two paths
 * of one client ever share them, it is that client's own requests that are counted together.
 */
function setKey({ isPerClient, others, windows }: CountingRule, row: Row): void {
  const { key } = windows;
  let high = 0;
  let low = 0;
  for (const values of others) {
    values.load(row);
    high = Math.imul(high, 0x9e3779b1) ^ values.high;
    low = Math.imul(low, 0x85ebca6b) ^ values.low;
  }
  key[0] = isPerClient ? (row.client?.id ?? 0) : 0;
  key[1] = high;
  key[2] = low;
}

function weightOf(rule: Rule, named: Readonly<Record<string, RuleField>>): (row: Row) => number {
  if (typeof rule.count !== "object" || !("sum" in rule.count)) return () => 1;
  const field = named[rule.count.sum];
  return field.kind === "number" ? (row) => Math.max(0, field.read(row)) : () => 1;
}

function distinctField(rule: Rule): string {
  return typeof rule.count === "object" && "distinct" in rule.count ? rule.count.distinct : "";
}
