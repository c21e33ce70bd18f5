import { toAccess, type Access } from "../parsing/records";
import type { Row } from "../parsing/row";
import { RowBatch } from "../parsing/row-batch";
import { logOf, type Rule } from "../rules/rule";
import type { Exemption } from "../rules/exemptions";
import { ExemptConditions } from "./exempt";
import { FieldValues } from "./field-values";

/** What one packed record adds to one window: all rules that share key and length at once. */
export interface WindowCounts {
  /** Unique for key, length and beginning of the window. */
  readonly id: string;
  readonly key: Readonly<Record<string, string>>;
  /** Epoch milliseconds; from here on for `withinSeconds`. */
  readonly windowStart: number;
  readonly withinSeconds: number;
  readonly counts: readonly RuleCount[];
  /** Event time of the first and the last of its accesses, epoch milliseconds. */
  readonly first: number;
  readonly last: number;
  /** The first of its accesses, as evidence. */
  readonly accesses: readonly Access[];
}

/** What one rule counted: an amount to add up, or values that count once. */
export type RuleCount =
  | { readonly rule: string; readonly amount: number }
  | { readonly rule: string; readonly values: readonly number[] };

interface CountingRule {
  readonly rule: Rule;
  /** Its place among the rules. */
  readonly ruleAt: number;
  readonly sum: ((row: Row) => number) | undefined;
  readonly distinct: ((batch: RowBatch, i: number) => number) | undefined;
}

interface OpenWindow {
  readonly key: Readonly<Record<string, string>>;
  readonly windowStart: number;
  readonly withinSeconds: number;
  readonly amounts: Map<string, number>;
  readonly values: Map<string, Set<number>>;
  first: number;
  last: number;
  readonly accesses: Access[];
}

const KEPT_ACCESSES = 200;

/**
 * Counts the accesses of one packed record by the rules of the second pipeline. Windows begin at
 * whole multiples of `withinSeconds`, so what several records add to one can be put together
 * wherever, whenever and in whatever order they are counted.
 */
export class AccessCounts {
  private readonly fields = new FieldValues("s3");
  private readonly conditions: ExemptConditions;
  private readonly groups: readonly (readonly CountingRule[])[];
  private readonly windows = new Map<string, OpenWindow>();
  private readonly batch = new RowBatch();

  /** The rules must have passed `checkRules`; rules on nginx are left out. */
  constructor(rules: readonly Rule[], exemptions: readonly Exemption[] = []) {
    const own = rules.filter((rule) => logOf(rule) === "s3");
    this.conditions = new ExemptConditions(own, exemptions, this.fields);
    const groups = new Map<string, CountingRule[]>();
    for (const [ruleAt, rule] of own.entries()) {
      const name = groupOf(rule);
      groups.set(name, [...(groups.get(name) ?? []), this.compile(rule, ruleAt)]);
    }
    this.groups = [...groups.values()];
  }

  /** Counts one access; the row's client must be resolved. */
  add(row: Row): void {
    this.batch.hold(row);
    this.conditions.evaluate(this.batch);
    if (this.conditions.isExempt(this.batch, 0)) return;
    for (const group of this.groups) {
      const [{ rule }] = group;
      if (rule.per.includes("client") && row.client === undefined) continue;
      let window: OpenWindow | undefined;
      for (const counting of group) {
        if (!this.conditions.matches(counting.ruleAt, 0)) continue;
        window ??= this.windowOf(rule, row);
        count(window, counting, this.batch);
      }
      if (window !== undefined) note(window, row);
    }
  }

  /** What was counted since the last time, in a fixed order. */
  take(): WindowCounts[] {
    const taken = [...this.windows].map(([id, window]): WindowCounts => {
      const { key, windowStart, withinSeconds, first, last, accesses } = window;
      const counts: RuleCount[] = [
        ...[...window.amounts].map(([rule, amount]) => ({ rule, amount })),
        ...[...window.values].map(([rule, values]) => ({ rule, values: [...values] })),
      ];
      return { id, key, windowStart, withinSeconds, counts, first, last, accesses };
    });
    this.windows.clear();
    return taken.sort((a, b) => a.first - b.first || (a.id < b.id ? -1 : 1));
  }

  private windowOf(rule: Rule, row: Row): OpenWindow {
    const windowMs = rule.withinSeconds * 1000;
    const windowStart = Math.floor(row.time / windowMs) * windowMs;
    const key = this.fields.keyOf(rule, row);
    const id = JSON.stringify([groupOf(rule), windowStart, ...rule.per.map((name) => key[name])]);
    const known = this.windows.get(id);
    if (known !== undefined) return known;
    const fresh: OpenWindow = {
      key,
      windowStart,
      withinSeconds: rule.withinSeconds,
      amounts: new Map(),
      values: new Map(),
      first: row.time,
      last: row.time,
      accesses: [],
    };
    this.windows.set(id, fresh);
    return fresh;
  }

  private compile(rule: Rule, ruleAt: number): CountingRule {
    return {
      rule,
      ruleAt,
      sum: this.fields.sumOf(rule),
      distinct: this.fields.distinctOf(rule),
    };
  }
}

function count(window: OpenWindow, { rule, sum, distinct }: CountingRule, batch: RowBatch): void {
  if (distinct === undefined) {
    const before = window.amounts.get(rule.name) ?? 0;
    window.amounts.set(rule.name, before + (sum === undefined ? 1 : sum(batch.rows[0])));
    return;
  }
  const values = window.values.get(rule.name) ?? new Set();
  window.values.set(rule.name, values);
  // Past twice the line there is nothing left to learn from more values.
  if (values.size <= 2 * rule.moreThan) values.add(distinct(batch, 0));
}

function note(window: OpenWindow, row: Row): void {
  window.first = Math.min(window.first, row.time);
  window.last = Math.max(window.last, row.time);
  if (window.accesses.length < KEPT_ACCESSES) window.accesses.push(toAccess(row, row.client?.text));
}

/** Rules of one name share key and length, and so their windows. */
export const groupOf = ({ per, withinSeconds }: Rule): string =>
  `${per.join("+")}/${withinSeconds}`;
