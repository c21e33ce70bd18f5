import type { Request } from "../parsing/records";

/** What counting saw: the rule's condition truly held in the log. */
export interface Finding {
  readonly rule: string;
  /** The `per` values. */
  readonly key: Readonly<Record<string, string>>;
  /** The total of the window at the line that crossed it; requests, distinct values or bytes. */
  readonly count: number;
  /** Event time of the first line of that window, epoch milliseconds. */
  readonly first: number;
  /** Event time of the line that crossed it, epoch milliseconds. */
  readonly at: number;
  /** What the requests of the window took together, milliseconds; unknown durations are 0. */
  readonly durationMs: number;
  /** Whom it concerns: the address as counted; undefined when the rule does not count per client. */
  readonly client: string | undefined;
  /** The exact address of the line that crossed it. */
  readonly address: string | undefined;
  readonly isBlockable: boolean;
  /** The line that crossed it. */
  readonly sample: Request;
}
