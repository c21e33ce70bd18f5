import type { Row } from "../parsing/row";
import { toAccess, type Access } from "../parsing/records";
import { logOf, type Rule } from "../rules/rule";
import type { Exemption } from "../rules/exemptions";
import type { CompiledCondition } from "./conditions";
import { ExemptConditions } from "./exempt";
import { hourOf, lineOf, Past, pastKeyOf } from "./baseline";
import { FieldValues, setKey } from "./field-values";
import { RECORD_NUMBERS, RecordTable } from "./record-table";
import type { TextValues } from "./text-values";

export interface MinuteCounterSettings {
  readonly rules: readonly Rule[];
  /** Accesses that no rule counts. @default - none */
  readonly exempt?: readonly Exemption[];
  /** How long a window stays open for log files that arrive late. @default 24 */
  readonly latenessHours?: number;
  /** Windows kept for each rule at most; beyond, the oldest are closed. @default 500,000 */
  readonly maxWindows?: number;
}

/** One access in a window that is over its line. */
export interface Exceeded {
  readonly rule: Rule;
  readonly key: Readonly<Record<string, string>>;
  /** The window, epoch milliseconds: from here on for `withinSeconds`. */
  readonly windowStart: number;
  /** The total so far; requests, distinct values or bytes. */
  readonly total: number;
  /** The total before this access. */
  readonly before: number;
  /** The line that it is over, and what was usual at this hour of the week where that made the line. */
  readonly line: number;
  readonly expected: number | undefined;
  /** Event time of the first access of the window, and of this one. */
  readonly first: number;
  readonly at: number;
  /** Whether this is the access that crossed the line. */
  readonly isCrossing: boolean;
  readonly access: Access;
  /** The accesses before this one that the window remembers, oldest first; only with `isCrossing`. */
  readonly earlier: readonly Access[];
}

interface CountingRule {
  readonly rule: Rule;
  readonly conditions: readonly CompiledCondition[];
  readonly isPerClient: boolean;
  readonly others: readonly TextValues[];
  readonly distinct: ((row: Row) => number) | undefined;
  readonly sum: ((row: Row) => number) | undefined;
  readonly table: RecordTable;
  /** Distinct values and remembered accesses, for windows that are on their way to the line. */
  readonly details: Map<number, Details>;
  matched: number;
}

interface Details {
  readonly values: Set<number>;
  readonly accesses: Access[];
}

const TOTAL = 0;
const FIRST = 1;
const START = 2;
const SERIAL = 3;

const HOUR = 3_600_000;
const KEPT_ACCESSES = 200;
/** Below this share of its line a window remembers no accesses. */
const DETAIL_SHARE = 0.1;

/**
 * Counts S3 accesses by the rules of the second pipeline: one total for each rule, key and window
 * of `withinSeconds` that begins at a whole multiple of it. Log files come hours late and in any
 * order, so a window stays open for `latenessHours` and counts whatever belongs to it.
 */
export class MinuteCounter {
  readonly rules: readonly CountingRule[];
  /** Windows dropped for want of room. */
  forgotten = 0;
  private readonly conditions: ExemptConditions;
  private readonly fields = new FieldValues("s3");
  private readonly latenessMs: number;
  private readonly maxWindows: number;
  private readonly past = new Past();
  private newest = 0;
  private serial = 0;

  /** The rules must have passed `checkRules`; rules on nginx are left out. */
  constructor(settings: MinuteCounterSettings) {
    this.latenessMs = (settings.latenessHours ?? 24) * HOUR;
    this.maxWindows = settings.maxWindows ?? 500_000;
    const rules = settings.rules.filter((rule) => logOf(rule) === "s3");
    this.conditions = new ExemptConditions(rules, settings.exempt ?? [], this.fields);
    this.rules = rules.map((rule) => this.compile(rule));
  }

  /** Counts one access; the row's client must be resolved. Returns the windows that are over their line. */
  add(row: Row): readonly Exceeded[] {
    this.newest = Math.max(this.newest, row.time);
    if (!this.conditions.evaluate(row)) return NOTHING;
    const { conditions } = this.conditions;
    let exceeded: Exceeded[] | undefined;
    for (const counting of this.rules) {
      if (!conditions.allHold(counting.conditions)) continue;
      const found = this.count(counting, row);
      if (found !== undefined) (exceeded ??= []).push(found);
    }
    return exceeded ?? NOTHING;
  }

  /** Accesses that fulfilled the conditions of a rule. */
  matchedBy(rule: Rule): number {
    return this.rules.find((counting) => counting.rule === rule)?.matched ?? 0;
  }

  private count(counting: CountingRule, row: Row): Exceeded | undefined {
    const { rule, table } = counting;
    if (counting.isPerClient && row.client === undefined) return undefined;
    counting.matched++;
    const windowMs = rule.withinSeconds * 1000;
    const windowStart = Math.floor(row.time / windowMs) * windowMs;
    const { isPerClient, others } = counting;
    setKey(table.key, row, { isPerClient, others, seed: windowStart / windowMs });
    const known = table.find();
    const record =
      (known < 0 ? this.addWindow(counting, row, windowStart) : known) * RECORD_NUMBERS;
    const { numbers } = table;
    numbers[record + FIRST] = Math.min(numbers[record + FIRST], row.time);

    const before = numbers[record + TOTAL];
    const { line, expected, learn } = this.baselineOf(rule, row, windowStart);
    const share = before / (line + 1);
    const needsDetails = counting.distinct !== undefined || share >= DETAIL_SHARE;
    const details = needsDetails ? this.detailsOf(counting, numbers[record + SERIAL]) : undefined;
    numbers[record + TOTAL] = before + this.weightOf(counting, row, details);
    const total = numbers[record + TOTAL];
    learn(total);
    if (total <= line) {
      if (
        details !== undefined &&
        details.accesses.length < KEPT_ACCESSES &&
        share >= DETAIL_SHARE
      ) {
        details.accesses.push(accessOf(row));
      }
      return undefined;
    }
    const isCrossing = before <= line;
    return {
      rule,
      key: this.fields.keyOf(rule, row),
      windowStart,
      total,
      before,
      line,
      expected,
      first: numbers[record + FIRST],
      at: row.time,
      isCrossing,
      access: accessOf(row),
      earlier: isCrossing ? (details?.accesses ?? []) : [],
    };
  }

  /** The line of this window, and how its total is remembered for the weeks to come. */
  private baselineOf(rule: Rule, row: Row, windowStart: number): Baseline {
    if (rule.unusual === undefined) return { ...NO_BASELINE, line: rule.moreThan };
    const key = pastKeyOf(rule, this.fields.keyOf(rule, row));
    const hour = hourOf(windowStart);
    const expected = this.past.expected(key, hour);
    const learn = (total: number): void => {
      this.past.note(key, hour, total);
    };
    return { line: lineOf(rule, expected), expected, learn };
  }

  private weightOf(counting: CountingRule, row: Row, details: Details | undefined): number {
    if (counting.sum !== undefined) return counting.sum(row);
    if (counting.distinct === undefined || details === undefined) return 1;
    const value = counting.distinct(row);
    if (details.values.has(value)) return 0;
    // Past twice the line there is nothing left to learn from more values.
    if (details.values.size <= 2 * counting.rule.moreThan) details.values.add(value);
    return 1;
  }

  private addWindow({ table, details }: CountingRule, row: Row, windowStart: number): number {
    if (table.size === table.capacity) this.makeRoom(table, details);
    const added = table.add();
    const record = added * RECORD_NUMBERS;
    table.numbers[record + TOTAL] = 0;
    table.numbers[record + FIRST] = row.time;
    table.numbers[record + START] = windowStart;
    table.numbers[record + SERIAL] = this.serial++;
    return added;
  }

  /** Closes windows that no late file can reach; grows, or closes the older half, when that is not enough. */
  private makeRoom(table: RecordTable, details: Map<number, Details>): void {
    const open = this.newest - this.latenessMs;
    this.keep(table, details, (record) => table.numbers[record * RECORD_NUMBERS + START] > open);
    if (table.size <= table.capacity / 2) return;
    if (table.capacity < this.maxWindows) {
      table.grow();
      return;
    }
    const starts = Array.from(
      { length: table.size },
      (_, i) => table.numbers[i * RECORD_NUMBERS + START],
    ).sort((a, b) => a - b);
    const median = starts[starts.length >> 1];
    const before = table.size;
    this.keep(table, details, (record) => table.numbers[record * RECORD_NUMBERS + START] > median);
    this.forgotten += before - table.size;
  }

  private keep(
    table: RecordTable,
    details: Map<number, Details>,
    isKept: (record: number) => boolean,
  ): void {
    table.keep((record) => {
      if (isKept(record)) return true;
      details.delete(table.numbers[record * RECORD_NUMBERS + SERIAL]);
      return false;
    });
  }

  private detailsOf({ details }: CountingRule, serial: number): Details {
    const known = details.get(serial);
    if (known !== undefined) return known;
    const fresh = { values: new Set<number>(), accesses: [] };
    details.set(serial, fresh);
    return fresh;
  }

  private compile(rule: Rule): CountingRule {
    return {
      rule,
      conditions: this.conditions.conditions.of(rule),
      isPerClient: rule.per.includes("client"),
      others: this.fields.hashedKey(rule),
      distinct: this.fields.distinctOf(rule),
      sum: this.fields.sumOf(rule),
      table: new RecordTable(1024),
      details: new Map(),
      matched: 0,
    };
  }
}

interface Baseline {
  readonly line: number;
  readonly expected: number | undefined;
  readonly learn: (total: number) => void;
}

const NO_BASELINE = { expected: undefined, learn: (): void => undefined };
const NOTHING: readonly Exceeded[] = [];

const accessOf = (row: Row): Access => toAccess(row, row.client?.text);
