/** A rule reads as the sentence it means: where, counted per what, more than how many, within how long, then what. */

/** How far a rule may go; trust is earned from left to right. */
export const MODES = ["observe", "count", "challenge", "block"] as const;
export type Mode = (typeof MODES)[number];

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * A number; a range of numbers as text (`"400-499"`, `"500-"`, `"-99"`); a text in which `*` stands
 * for any characters; for `client` an address or CIDR block; `"@name"` for a signature pack.
 */
export type Value = string | number;

/** Equal to one of the values; or to one of `is` (when given) and to none of `not`. */
export type Condition =
  | Value
  | readonly Value[]
  | { readonly is?: Value | readonly Value[]; readonly not?: Value | readonly Value[] };

type Count = "requests" | { readonly distinct: string } | { readonly sum: string };

/** What a finding leads to: a block of the client, or an alert to people. */
type Consequence = Block | { readonly alert: Severity };

export interface Block {
  readonly blockSeconds: number;
  /** For repeat offenders. @default 7 days, or `blockSeconds` where that is more */
  readonly maxBlockSeconds?: number;
}

/** A rule on nginx requests when `then` blocks, on S3 accesses when it alerts. */
export interface Rule {
  /** Lower-case words with hyphens; unique in its set. */
  readonly name: string;
  /** What it is for, in a sentence. */
  readonly description?: string;
  /** Every named field must fulfil its condition. @default - every line counts */
  readonly where?: Readonly<Record<string, Condition>>;
  /** The fields that make a key: lines with equal values are counted together. */
  readonly per: readonly string[];
  readonly count: Count;
  /** The line that must be crossed: a finding needs more than this. */
  readonly moreThan: number;
  /**
   * On S3: also what is `factor` times as much as this key's own past at this hour of the week, from
   * `atLeast` on. Where nothing is known of that hour yet, `moreThan` alone decides.
   */
  readonly unusual?: { readonly factor: number; readonly atLeast: number };
  /** 1 to 3,600. */
  readonly withinSeconds: number;
  readonly then: Consequence;
  /** Of a rule on S3, `observe` keeps its alerts back. @default "block" */
  readonly mode?: Mode;
}

export type Log = "nginx" | "s3";

export const logOf = (rule: Rule): Log => ("alert" in rule.then ? "s3" : "nginx");
