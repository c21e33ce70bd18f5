import { AddressSet, canonicalCidr, parseAddress } from "../parsing/address";
import type { Client } from "../parsing/client-directory";
import type { Row } from "../parsing/row";
import { BATCH_ROWS, type RowBatch } from "../parsing/row-batch";
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

/** Works out some conditions of one field at once. */
interface Masker {
  readonly loadRow: (batch: RowBatch, i: number) => void;
  /** For each row of the batch that was loaded: bit `i` for the condition that was added `i`th. */
  readonly masks: Int32Array;
  readonly add: (values: readonly Value[]) => number;
}

const MASK_BITS = Patterns.MAX_GROUPS;
/** Rules told apart by the bits of one word. */
const WORD_BITS = 32;
const MAX_REMEMBERED = 1024;

/**
 * All conditions of all rules, asked once a batch: each field is looked at once, however many rules
 * speak of it, and says which rules it leaves in play. A field has few masks, so what a mask means
 * for the rules is worked out once.
 */
export class Conditions {
  /** The rules that each row matches, some words a row: bit `i % 32` of its word `i / 32` for rule `i`. */
  private readonly matching: Int32Array;
  /** Words a row. */
  private readonly width: number;
  private readonly all: Int32Array;
  /** For each field the rules that ask for it, and the fields, those first for which many ask. */
  private readonly asking: readonly Int32Array[];
  private readonly order: readonly number[];
  private readonly remembered: readonly Map<number, Int32Array>[];
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
    this.width = Math.ceil(rules.length / WORD_BITS);
    this.matching = new Int32Array(BATCH_ROWS * this.width);
    this.all = this.wordsOf([...rules.keys()]);
    this.remembered = this.maskers.map(() => new Map<number, Int32Array>());
    const askers = this.maskers.map((_, place) => this.rulesAsking(place));
    this.asking = askers.map((rules) => this.wordsOf(rules));
    this.order = [...askers.keys()].sort((a, b) => askers[b].length - askers[a].length);
  }

  /** Works out every condition that it takes to know which rules each row matches. */
  evaluate(batch: RowBatch): void {
    const { matching, width, all } = this;
    for (let i = 0; i < batch.size; i++)
      for (let word = 0; word < width; word++) matching[i * width + word] = all[word];
    for (const place of this.order) this.restrict(place, batch);
  }

  /** The first rule from `rule` on whose conditions row `i` fulfils, or -1. */
  nextMatch(i: number, rule: number): number {
    const { matching, width } = this;
    let rest = -1 << (rule & 31);
    for (let word = rule >> 5; word < width; word++) {
      const bits = matching[i * width + word] & rest;
      if (bits !== 0) return 32 * word + 31 - Math.clz32(bits & -bits);
      rest = -1;
    }
    return -1;
  }

  /** Whether row `i` fulfils all conditions of a rule. */
  matches(rule: number, i: number): boolean {
    return (this.matching[i * this.width + (rule >> 5)] & (1 << (rule & 31))) !== 0;
  }

  /** The first condition of a rule that row `i` does not fulfil. */
  failed(rule: number, batch: RowBatch, i: number): CompiledCondition | undefined {
    return this.compiled[rule].find((condition) => {
      const masker = this.maskers[condition.mask];
      masker.loadRow(batch, i);
      return !holds(condition, masker.masks[i]);
    });
  }

  /** Takes the rules away that a field leaves out; it is not looked at where none asks any more. */
  private restrict(place: number, batch: RowBatch): void {
    const { matching, width } = this;
    const masker = this.maskers[place];
    const asking = this.asking[place];
    let last = 0;
    let left = this.leftBy(place, last);
    for (let i = 0; i < batch.size; i++) {
      let isAsked = 0;
      for (let word = 0; word < width; word++) isAsked |= matching[i * width + word] & asking[word];
      if (isAsked === 0) continue;
      masker.loadRow(batch, i);
      const mask = masker.masks[i];
      if (mask !== last) {
        last = mask;
        left = this.leftBy(place, mask);
      }
      for (let word = 0; word < width; word++) matching[i * width + word] &= left[word];
    }
  }

  /** The rules that a mask of a field leaves in play. */
  private leftBy(place: number, mask: number): Int32Array {
    const remembered = this.remembered[place];
    const known = remembered.get(mask);
    if (known !== undefined) return known;
    const left = this.wordsOf(
      [...this.compiled.keys()].filter((rule) =>
        this.compiled[rule].every(
          (condition) => condition.mask !== place || holds(condition, mask),
        ),
      ),
    );
    // Whoever sends lines chooses the masks.
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(mask, left);
    return left;
  }

  private rulesAsking(place: number): number[] {
    return [...this.compiled.keys()].filter((rule) =>
      this.compiled[rule].some(({ mask }) => mask === place),
    );
  }

  /** A bit for each of some rules. */
  private wordsOf(rules: readonly number[]): Int32Array {
    const words = new Int32Array(this.width);
    for (const rule of rules) words[rule >> 5] |= 1 << (rule & 31);
    return words;
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
  const masks = new Int32Array(BATCH_ROWS);
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
    masks,
    add: (values) => {
      known.fill(-1);
      return conditions.push(values.map(readRange).filter((range) => range !== undefined)) - 1;
    },
    loadRow: ({ rows }, i) => {
      const value = read(rows[i]);
      const before = known[value];
      masks[i] = before >= 0 ? before : maskOf(value);
      if (before < 0) known[value] = masks[i];
    },
  };
}

function clientMasker(): Masker {
  const masks = new Int32Array(BATCH_ROWS);
  const sets: AddressSet[] = [];
  const known = new WeakMap<Client, number>();
  const maskOf = ({ text }: Client): number => {
    const address = parseAddress(text);
    return sets.reduce(
      (mask, set, i) => (address !== undefined && set.has(address) ? mask | (1 << i) : mask),
      0,
    );
  };
  return {
    masks,
    add: (values) =>
      sets.push(
        new AddressSet(values.map(String).filter((text) => canonicalCidr(text) !== undefined)),
      ) - 1,
    loadRow: ({ rows }, i) => {
      const { client } = rows[i];
      const mask = client === undefined ? 0 : (known.get(client) ?? maskOf(client));
      if (client !== undefined) known.set(client, mask);
      masks[i] = mask;
    },
  };
}
