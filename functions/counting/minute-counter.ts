import type { Row } from "../parsing/row";
import type { RowBatch } from "../parsing/row-batch";
import { toAccess, type Access } from "../parsing/records";
import { logOf, type Rule } from "../rules/rule";
import type { Exemption } from "../rules/exemptions";
import { ExemptConditions } from "./exempt";
import { hourOf, lineOf, Past, pastKeyOf } from "./baseline";
import { groupOf } from "./access-counts";
import { FieldValues, setKey } from "./field-values";
import { RECORD_NUMBERS, RECORD_WORDS, RecordTable } from "./record-table";
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

/** What the access at a place of the batch exceeded. */
export interface ExceededBy {
  readonly row: number;
  readonly exceeded: Exceeded;
}

interface CountingRule {
  readonly rule: Rule;
  /** Its place among the rules. */
  readonly ruleAt: number;
  readonly distinct: ((batch: RowBatch, i: number) => number) | undefined;
  readonly sum: ((row: Row) => number) | undefined;
  /** Which of the window's totals is the rule's. */
  readonly place: number;
  /** Distinct values and remembered accesses, for windows that are on their way to the line. */
  readonly details: Map<number, Details>;
  matched: number;
}

/** Rules that share key and length, and so their windows: one look-up is enough for all of them. */
interface Group {
  readonly rules: CountingRule[];
  readonly withinMs: number;
  readonly isPerClient: boolean;
  readonly others: readonly TextValues[];
  readonly table: RecordTable;
}

interface Details {
  readonly values: Set<number>;
  readonly accesses: Access[];
}

/** In a window's record: a total for each rule, the first access, the beginning; in the last word a number for the details. */
const TOTALS = 4;
const FIRST = 4;
const START = 5;
const SERIAL_WORD = RECORD_WORDS - 1;

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
  /** Windows dropped for want of room. */
  forgotten = 0;
  readonly groups: readonly Group[];
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
    this.groups = this.group(rules);
  }

  /**
   * Counts the accesses of a batch; their clients must be resolved. Returns the windows that are over
   * their line, in the order of the rows.
   */
  add(batch: RowBatch): readonly ExceededBy[] {
    this.conditions.evaluate(batch);
    const exceeded: ExceededBy[] = [];
    for (let i = 0; i < batch.size; i++) {
      this.newest = Math.max(this.newest, batch.rows[i].time);
      if (this.conditions.isExempt(batch, i)) continue;
      for (const group of this.groups) this.countGroup(group, batch, i, exceeded);
    }
    return exceeded;
  }

  /** Accesses that fulfilled the conditions of a rule. */
  matchedBy(rule: Rule): number {
    const all = this.groups.flatMap(({ rules }) => rules);
    return all.find((counting) => counting.rule === rule)?.matched ?? 0;
  }

  private countGroup(group: Group, batch: RowBatch, i: number, exceeded: ExceededBy[]): void {
    if (group.isPerClient && batch.rows[i].client === undefined) return;
    let record = -1;
    for (const counting of group.rules) {
      if (!this.conditions.matches(counting.ruleAt, i)) continue;
      if (record < 0) record = this.windowOf(group, batch, i);
      const found = this.count(counting, { batch, i }, group.table, record);
      if (found !== undefined) exceeded.push({ row: i, exceeded: found });
    }
  }

  /** The window that an access belongs to, by its place in the table. */
  private windowOf(group: Group, batch: RowBatch, i: number): number {
    const { table, withinMs, isPerClient, others } = group;
    const row = batch.rows[i];
    const number = Math.floor(row.time / withinMs);
    setKey(table.key, batch, i, { isPerClient, others, seed: number });
    const known = table.find();
    const record = known < 0 ? this.addWindow(group, row, number * withinMs) : known;
    const first = record * RECORD_NUMBERS + FIRST;
    if (row.time < table.numbers[first]) table.numbers[first] = row.time;
    return record;
  }

  private count(
    counting: CountingRule,
    { batch, i }: { batch: RowBatch; i: number },
    { numbers, words }: RecordTable,
    record: number,
  ): Exceeded | undefined {
    const { rule } = counting;
    const row = batch.rows[i];
    counting.matched++;
    const at = record * RECORD_NUMBERS;
    const before = numbers[at + counting.place];
    const windowStart = numbers[at + START];
    const hour = hourOf(windowStart);
    const pastKey =
      rule.unusual === undefined ? undefined : pastKeyOf(rule, this.fields.keyOf(rule, row));
    const expected = pastKey === undefined ? undefined : this.past.expected(pastKey, hour);
    const line = lineOf(rule, expected);
    const share = before / (line + 1);
    const needsDetails = counting.distinct !== undefined || share >= DETAIL_SHARE;
    const serial = words[record * RECORD_WORDS + SERIAL_WORD];
    const details = needsDetails ? detailsOf(counting, serial) : undefined;
    const total = before + weightOf(counting, batch, i, details);
    numbers[at + counting.place] = total;
    if (pastKey !== undefined) this.past.note(pastKey, hour, total);
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
      first: numbers[at + FIRST],
      at: row.time,
      isCrossing,
      access: accessOf(row),
      earlier: isCrossing ? (details?.accesses ?? []) : [],
    };
  }

  private addWindow(group: Group, row: Row, windowStart: number): number {
    const { table } = group;
    if (table.size === table.capacity) this.makeRoom(group);
    const added = table.add();
    const at = added * RECORD_NUMBERS;
    for (let total = 0; total < TOTALS; total++) table.numbers[at + total] = 0;
    table.numbers[at + FIRST] = row.time;
    table.numbers[at + START] = windowStart;
    table.words[added * RECORD_WORDS + SERIAL_WORD] = this.serial++;
    return added;
  }

  /** Closes windows that no late file can reach; grows, or closes the older half, when that is not enough. */
  private makeRoom(group: Group): void {
    const { table } = group;
    const open = this.newest - this.latenessMs;
    keepAfter(group, open);
    if (table.size <= table.capacity / 2) return;
    if (table.capacity < this.maxWindows) {
      table.grow();
      return;
    }
    const starts = new Float64Array(table.size);
    for (let i = 0; i < table.size; i++) starts[i] = table.numbers[i * RECORD_NUMBERS + START];
    starts.sort();
    const before = table.size;
    keepAfter(group, starts[starts.length >> 1]);
    this.forgotten += before - table.size;
  }

  /** As many rules to a group as a record has totals for. */
  private group(rules: readonly Rule[]): Group[] {
    const groups: Group[] = [];
    const open = new Map<string, Group>();
    for (const [ruleAt, rule] of rules.entries()) {
      const name = groupOf(rule);
      let group = open.get(name);
      if (group === undefined || group.rules.length === TOTALS) {
        group = {
          rules: [],
          withinMs: rule.withinSeconds * 1000,
          isPerClient: rule.per.includes("client"),
          others: this.fields.hashedKey(rule),
          table: new RecordTable(1024),
        };
        groups.push(group);
        open.set(name, group);
      }
      group.rules.push({
        rule,
        ruleAt,
        distinct: this.fields.distinctOf(rule),
        sum: this.fields.sumOf(rule),
        place: group.rules.length,
        details: new Map(),
        matched: 0,
      });
    }
    return groups;
  }
}

function weightOf(
  { rule, sum, distinct }: CountingRule,
  batch: RowBatch,
  i: number,
  details: Details | undefined,
): number {
  if (sum !== undefined) return sum(batch.rows[i]);
  if (distinct === undefined || details === undefined) return 1;
  const value = distinct(batch, i);
  if (details.values.has(value)) return 0;
  // Past twice the line there is nothing left to learn from more values.
  if (details.values.size <= 2 * rule.moreThan) details.values.add(value);
  return 1;
}

function detailsOf({ details }: CountingRule, serial: number): Details {
  const known = details.get(serial);
  if (known !== undefined) return known;
  const fresh = { values: new Set<number>(), accesses: [] };
  details.set(serial, fresh);
  return fresh;
}

/** Drops windows that began at a time or before. */
function keepAfter({ table, rules }: Group, time: number): void {
  table.keep((record) => {
    if (table.numbers[record * RECORD_NUMBERS + START] > time) return true;
    const serial = table.words[record * RECORD_WORDS + SERIAL_WORD];
    for (const { details } of rules) if (details.size > 0) details.delete(serial);
    return false;
  });
}

const accessOf = (row: Row): Access => toAccess(row, row.client?.text);
