import type { Mode } from "../rules/rule";

/** What is done about a client, and until when. */
export interface Decision {
  /** A CIDR block: one address, or the prefix that counts as one client. */
  readonly client: string;
  readonly action: Mode;
  /** Epoch milliseconds; in force from `from` until just before `until`. */
  readonly from: number;
  readonly until: number;
  readonly rule: string;
  /** How often the client was decided on before, less what time has forgiven. */
  readonly level: number;
  /** What was seen: the finding's count and key, and a line such as a person would quote. */
  readonly evidence: string;
  /** Who decided: `rule`, or a person by name. */
  readonly by: string;
  /** Event time of the finding, and when it was decided on: epoch milliseconds. */
  readonly foundAt: number;
  readonly decidedAt: number;
}

export const isInForce = (decision: Decision, now: number): boolean =>
  decision.from <= now && now < decision.until;

/** Modes from the mildest to the most severe. */
export const severityOf = (action: Mode): number =>
  ["observe", "count", "challenge", "block"].indexOf(action);
