import type { Row } from "../parsing/row";
import type { RowBatch } from "../parsing/row-batch";
import { RULE_FIELDS, type RuleField } from "../rules/rule-fields";
import type { Log, Rule } from "../rules/rule";
import { TextValues } from "./text-values";

/** The fields of one log, as its rules use them; each is shared by all rules that do. */
export class FieldValues {
  readonly named: Readonly<Record<string, RuleField>>;
  private readonly texts = new Map<string, TextValues>();

  constructor(log: Log) {
    this.named = RULE_FIELDS[log];
  }

  text(name: string): TextValues {
    const known = this.texts.get(name);
    if (known !== undefined) return known;
    const values = this.another(name);
    this.texts.set(name, values);
    return values;
  }

  /** A text field apart from the shared one, for when that has all the conditions it can hold. */
  another(name: string): TextValues {
    const field = this.named[name];
    if (field.kind !== "text" && field.kind !== "derived")
      throw new Error(`"${name}" is not a text field`);
    const isUrl = field.kind === "derived" && field.from === "url";
    return new TextValues(field, isUrl ? this.text("path") : undefined);
  }

  /** A text field of which hashes are wanted. */
  hashed(name: string): TextValues {
    const values = this.text(name);
    values.useHash();
    return values;
  }

  /** The text fields of a rule's key. */
  hashedKey(rule: Rule): TextValues[] {
    return rule.per.filter((name) => name !== "client").map((name) => this.hashed(name));
  }

  /** The number that `{ sum: field }` adds up, or undefined for a rule that does not. */
  sumOf(rule: Rule): ((row: Row) => number) | undefined {
    if (typeof rule.count !== "object" || !("sum" in rule.count)) return undefined;
    const field = this.named[rule.count.sum];
    return field.kind === "number" ? (row) => Math.max(0, field.read(row)) : undefined;
  }

  /** A number for a row's value of `{ distinct: field }`, or undefined for a rule that has none. */
  distinctOf(rule: Rule): ((batch: RowBatch, i: number) => number) | undefined {
    if (typeof rule.count !== "object" || !("distinct" in rule.count)) return undefined;
    if (rule.count.distinct === "client") return ({ rows }, i) => rows[i].client?.id ?? 0;
    const values = this.hashed(rule.count.distinct);
    return (batch, i) => {
      values.loadRow(batch, i);
      return values.lows[i];
    };
  }

  /** The row's value of any field, as text. */
  show(name: string, row: Row): string {
    const field = this.named[name];
    if (field.kind === "client") return row.client?.text ?? "";
    return field.kind === "number" ? String(field.read(row)) : this.text(name).text(row);
  }

  /** The values of a rule's key, as text. */
  keyOf(rule: Rule, row: Row): Record<string, string> {
    return Object.fromEntries(
      rule.per.map((name) => [
        name,
        name === "client" ? (row.client?.counted ?? "") : this.text(name).text(row),
      ]),
    );
  }
}

/**
 * Writes the key of row `i`: a client's number (0: counted for all), which is compared in full, and
 * 64 bits for the other values. Should two paths of one client ever share them, it is that client's
 * own requests that are counted together.
 */
export function setKey(
  key: Int32Array,
  batch: RowBatch,
  i: number,
  {
    isPerClient,
    others,
    seed,
  }: { isPerClient: boolean; others: readonly TextValues[]; seed: number },
): void {
  let high = seed;
  let low = Math.imul(seed, 0x27d4eb2f);
  for (let other = 0; other < others.length; other++) {
    const values = others[other];
    values.loadRow(batch, i);
    high = Math.imul(high, 0x9e3779b1) ^ values.highs[i];
    low = Math.imul(low, 0x85ebca6b) ^ values.lows[i];
  }
  const client = isPerClient ? batch.rows[i].client : undefined;
  key[0] = client?.id ?? 0;
  key[1] = high;
  key[2] = low;
}
