import type { Outcome } from "../../functions/acting/decide";
import type { Decision } from "../../functions/acting/decision";
import type { Alert } from "../../functions/acting/alert";
import type { Mode } from "../../functions/rules/rule";

/** A finding as a replay keeps it. */
export interface ReplayFinding {
  readonly rule: string;
  readonly key: Readonly<Record<string, string>>;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly first: number;
  readonly at: number;
  /** The client's requests up to and including the one that crossed the line. */
  readonly requestsBefore: number;
  readonly client: string | undefined;
  /** What became of it; S3 findings lead to alerts instead. */
  readonly outcome: Outcome["kind"] | "alerted";
}

/** A decision with the line that led to it; empty beyond the first thousand. */
export interface ReplayDecision extends Decision {
  readonly line: string;
}

export interface ReplayAlert extends Alert {
  readonly client: string;
  readonly bucket: string;
  readonly rule: string;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** How one rule did. */
export interface RuleResult {
  readonly name: string;
  readonly description: string;
  readonly mode: Mode;
  readonly log: "nginx" | "s3";
  readonly moreThan: number;
  readonly withinSeconds: number;
  /** Lines that fulfilled its conditions. */
  readonly matched: number;
  readonly findings: number;
  readonly clients: number;
  /** Clients that came close and that no rule found, the closest first. */
  readonly nearMisses: readonly { readonly client: string; readonly total: number }[];
  readonly forgotten: number;
}

/** What one rule set made of the log. */
export interface Verdict {
  readonly findings: readonly ReplayFinding[];
  /** Findings beyond those kept in `findings`. */
  readonly findingsOmitted: number;
  readonly decisions: readonly ReplayDecision[];
  readonly alerts: readonly ReplayAlert[];
  readonly rules: readonly RuleResult[];
  readonly requestsBlocked: number;
  readonly clientsBlocked: number;
  /** Minutes in which more clients would have been blocked than the limit allows, epoch milliseconds. */
  readonly massBlocks: readonly number[];
  /** Stopped requests by minute since the epoch. */
  readonly blockedByMinute: ReadonlyMap<number, number>;
}

export interface UnparsedExample {
  readonly reason: string;
  readonly file: string;
  readonly line: string;
}

/** All that a replay found out. */
export interface ReplayResult {
  readonly lines: number;
  readonly parsed: number;
  readonly unparsedByReason: Readonly<Record<string, number>>;
  readonly unparsedExamples: readonly UnparsedExample[];
  readonly formats: Readonly<Record<string, number>>;
  readonly clients: number;
  /** Requests and accesses that were counted: parsed and within `--from` and `--to`. */
  readonly counted: number;
  /** Requests whose client is a private address: a proxy that `trust` should name? */
  readonly privateClients: number;
  /** Requests that name no client, so that no rule which counts by client sees them. */
  readonly nameless: number;
  /** Epoch milliseconds; undefined when nothing was counted. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly requestsByMinute: ReadonlyMap<number, number>;
  readonly verdicts: readonly Verdict[];
  /** Inputs that could not be read, each with why. */
  readonly problems: readonly string[];
  readonly isInterrupted: boolean;
}

/** Counts by name, the most frequent first. */
export const mostFirst = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
