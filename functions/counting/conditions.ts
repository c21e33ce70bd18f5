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
/** Rules told apart by the bits of one word. */
const WORD_BITS = 32;
const MAX_REMEMBERED = 1024;

/**
 * All conditions of all rules, asked once a line: each field is looked at once, however many rules
 * speak of it, and says which rules it leaves in play. A field has few masks, so what a mask means
 * for the rules is worked out once.
 */
export class Conditions {
  /** The rules that the last row matched, by their place: bit `i % 32` of word `i / 32`. */
  readonly matching: Int32Array;
  private readonly all: Int32Array;
  /** What `evaluate` found out, by mask; and which rules that leaves. */
  private readonly masks: number[] = [];
  private readonly left: Int32Array[] = [];
  private readonly remembered: Map<number, Int32Array>[] = [];
  private readonly maskers: Masker[] = [];
  private readonly places = new Map<string, number[]>();
  private readonly counts: number[] = [];
  private readonly compiled: readonly (readonly CompiledCondition[])[];
  private readonly fields: FieldValues;

  /** The place of a rule is its place in `rules`. */
  constructor(rules: readonly Rule[], fields: FieldValues) {
    this.fields = fields;
    this.compiled = rules.map(({ where = {} }) =>
      Object.entries(where).flatMap(([field, condition]) => this.compile(field, condition)),
    );
    this.matching = new Int32Array(Math.ceil(rules.length / WORD_BITS));
    this.all = new Int32Array(this.matching.length);
    rules.forEach((_, place) => {
      this.all[place >> 5] |= 1 << (place & 31);
    });
    for (let i = 0; i < this.maskers.length; i++) {
      this.masks.push(0);
      this.remembered.push(new Map());
      this.left.push(this.leftBy(i, 0));
    }
  }

  /** Works out every condition for the row. */
  evaluate(row: Row): void {
    const { matching, maskers, masks } = this;
    for (let word = 0; word < matching.length; word++) matching[word] = this.all[word];
    for (let i = 0; i < maskers.length; i++) {
      const mask = maskers[i].evaluate(row);
      if (mask !== masks[i]) {
        masks[i] = mask;
        this.left[i] = this.leftBy(i, mask);
      }
      const left = this.left[i];
      for (let word = 0; word < matching.length; word++) matching[word] &= left[word];
    }
  }

  /** Whether the last row fulfilled all conditions of a rule. */
  matches(place: number): boolean {
    return (this.matching[place >> 5] & (1 << (place & 31))) !== 0;
  }

  /** The first condition of a rule that the last row did not fulfil. */
  failed(place: number): CompiledCondition | undefined {
    return this.compiled[place].find((condition) => !holds(condition, this.masks[condition.mask]));
  }

  /** The rules that a mask of a field leaves in play. */
  private leftBy(place: number, mask: number): Int32Array {
    const remembered = this.remembered[place];
    const known = remembered.get(mask);
    if (known !== undefined) return known;
    const left = new Int32Array(this.matching.length);
    this.compiled.forEach((conditions, rule) => {
      const isLeft = conditions.every(
        (condition) => condition.mask !== place || holds(condition, mask),
      );
      if (isLeft) left[rule >> 5] |= 1 << (rule & 31);
    });
    // Whoever sends lines chooses the masks.
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(mask, left);
    return left;
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

const holds = ({ required, forbidden }: CompiledCondition, mask: number): boolean =>
  (mask & required) === required && (mask & forbidden) === 0;

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
      const before = known[value];
      if (before >= 0) return before;
      const mask = maskOf(value);
      if (value in known) known[value] = mask;
      return mask;
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
