import type { RowBatch } from "../parsing/row-batch";
import { asRule, type Exemption } from "../rules/exemptions";
import type { Rule } from "../rules/rule";
import { Conditions } from "./conditions";
import type { FieldValues } from "./field-values";

/** The conditions of rules, and what is exempt from all of them. */
export class ExemptConditions extends Conditions {
  private readonly exempt: readonly { readonly place: number; readonly until: number }[];

  constructor(rules: readonly Rule[], exemptions: readonly Exemption[], fields: FieldValues) {
    super([...rules, ...exemptions.map(asRule)], fields);
    this.exempt = exemptions.map(({ until }, i) => ({
      place: rules.length + i,
      until: until === undefined ? Infinity : Date.parse(until),
    }));
  }

  /** Whether row `i` is exempt from all rules. */
  isExempt({ rows }: RowBatch, i: number): boolean {
    return this.exempt.some(({ place, until }) => rows[i].time < until && this.matches(place, i));
  }
}
