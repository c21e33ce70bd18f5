import { AddressSet, canonicalCidr } from "../parsing/address";
import type { Client } from "../parsing/client-directory";
import type { Row } from "../parsing/row";
import type { Condition, Rule, Value } from "../rules/rule";
import { partsOf, readRange } from "../rules/rule-values";
import type { FieldValues } from "./field-values";
import { Patterns } from "./patterns";

/** What a field must be for a rule: bits that one mask must and must not have. */
export interface CompiledCondition {
  readonly field: string;
  readonly mask: number;
  readonly required: number;
  readonly forbidden: number;
}

/** Works out some conditions of one field at once: bit `i` for the condition that was added `i`th. */
interface Masker {
  readonly evaluate: (row: Row) => number;
  readonly add: (values: readonly Value[]) => number;
}

const MASK_BITS = Patterns.MAX_GROUPS;

/**
 * All conditions of all rules, asked once a line: each field is looked at once, however many rules
 * speak of it, and what a rule then has left to do is compare a few bits.
 */
export class Conditions {
  /** What `evaluate` found out, by mask. */
  readonly masks: Int32Array;
  private readonly maskers: Masker[] = [];
  private readonly places = new Map<string, number[]>();
  private readonly counts: number[] = [];
  private readonly compiled = new Map<Rule, readonly CompiledCondition[]>();
  private readonly fields: FieldValues;

  constructor(rules: readonly Rule[], fields: FieldValues) {
    this.fields = fields;
    for (const rule of rules) {
      const conditions = Object.entries(rule.where ?? {});
      this.compiled.set(
        rule,
        conditions.map(([field, condition]) => this.compile(field, condition)).flat(),
      );
    }
    this.masks = new Int32Array(this.maskers.length);
  }

  /** The conditions of a rule, to be tested against `masks`. */
  of(rule: Rule): readonly CompiledCondition[] {
    return this.compiled.get(rule) ?? [];
  }

  /** Works out every condition for the row. */
  evaluate(row: Row): void {
    for (let i = 0; i < this.maskers.length; i++) this.masks[i] = this.maskers[i].evaluate(row);
  }

  holds({ mask, required, forbidden }: CompiledCondition): boolean {
    const found = this.masks[mask];
    return (found & required) === required && (found & forbidden) === 0;
  }

  allHold(conditions: readonly CompiledCondition[]): boolean {
    for (let i = 0; i < conditions.length; i++) if (!this.holds(conditions[i])) return false;
    return true;
  }

  private compile(field: string, condition: Condition): CompiledCondition[] {
    const { is, not } = partsOf(condition);
    const compiled: CompiledCondition[] = [];
    if (is !== undefined) {
      const { mask, bit } = this.place(field, is);
      compiled.push({ field, mask, required: bit, forbidden: 0 });
    }
    if (not.length > 0) {
      const { mask, bit } = this.place(field, not);
      compiled.push({ field, mask, required: 0, forbidden: bit });
    }
    return compiled;
  }

  /** Gives a list of values its bit in a mask of its field. */
  private place(name: string, values: readonly Value[]): { mask: number; bit: number } {
    const places = this.places.get(name) ?? [];
    this.places.set(name, places);
    let mask = places.at(-1);
    if (mask === undefined || this.counts[mask] === MASK_BITS) {
      mask = this.maskers.push(this.masker(name, places.length === 0)) - 1;
      this.counts.push(0);
      places.push(mask);
    }
    this.counts[mask]++;
    return { mask, bit: 1 << this.maskers[mask].add(values) };
  }

  private masker(name: string, isFirst: boolean): Masker {
    const field = this.fields.named[name];
    switch (field.kind) {
      case "client":
        return clientMasker();
      case "number":
        return numberMasker(field.read);
      case "text":
      case "derived":
        return isFirst ? this.fields.text(name) : this.fields.another(name);
    }
  }
}

function numberMasker(read: (row: Row) => number): Masker {
  const conditions: (readonly (readonly [number, number])[])[] = [];
  const maskOf = (value: number): number =>
    conditions.reduce(
      (mask, ranges, i) =>
        ranges.some(([low, high]) => value >= low && value <= high) ? mask | (1 << i) : mask,
      0,
    );
  /** Statuses are few: what they fulfil is worked out once. */
  const known = new Int32Array(1000).fill(-1);
  return {
    add: (values) => {
      known.fill(-1);
      return conditions.push(values.map(readRange).filter((range) => range !== undefined)) - 1;
    },
    evaluate: (row) => {
      const value = read(row);
      if (!(value >= 0 && value < known.length) || !Number.isInteger(value)) return maskOf(value);
      if (known[value] < 0) known[value] = maskOf(value);
      return known[value];
    },
  };
}

function clientMasker(): Masker {
  const sets: AddressSet[] = [];
  const known = new WeakMap<Client, number>();
  return {
    add: (values) =>
      sets.push(
        new AddressSet(values.map(String).filter((text) => canonicalCidr(text) !== undefined)),
      ) - 1,
    evaluate: ({ client }) => {
      if (client === undefined) return 0;
      const before = known.get(client);
      if (before !== undefined) return before;
      const mask = sets.reduce(
        (bits, set, i) => (set.has(client.address) ? bits | (1 << i) : bits),
        0,
      );
      known.set(client, mask);
      return mask;
    },
  };
}
