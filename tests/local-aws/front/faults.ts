import type { Call } from "./call";

/** What can go wrong with one call. */
export type Fault =
  /** Refused for coming too often. */
  | "throttle"
  /** Answered with 500, nothing done. */
  | "error"
  /** Never answered, nothing done. */
  | "silence"
  /** Done, but the answer never arrives. */
  | "lost-answer"
  /** Done, and the calling function's process is killed. */
  | "kill"
  /** Somebody else has written the IP set in between. */
  | "lost-token";

/** Goes wrong with calls of a service. */
export interface FaultRule {
  readonly fault: Fault;
  readonly service?: string;
  readonly action?: string;
  /** Part of the calling function's name. */
  readonly caller?: string;
  /** How many of the calls, 0 to 1. */
  readonly share: number;
  /** How many calls at most. @default - no limit */
  readonly times?: number;
}

/** The share of batches that come twice, though the function answered. */
export interface DeliveryFaults {
  readonly duplicates: number;
}

/** Faults on demand, and by a seed: the same seed gives the same luck in the same order of calls. */
export class Faults {
  #rules: { rule: FaultRule; left: number }[] = [];
  #delivery: DeliveryFaults = { duplicates: 0 };
  #state: number;
  /** How often each fault struck, for a run to show that it was a test at all. */
  readonly struck: Partial<Record<Fault | "duplicate", number>> = {};

  constructor(seed: number) {
    this.#state = seed;
  }

  set(rules: readonly FaultRule[], delivery: DeliveryFaults = { duplicates: 0 }): void {
    this.#rules = rules.map((rule) => ({ rule, left: rule.times ?? Infinity }));
    this.#delivery = delivery;
  }

  clear(): void {
    this.set([]);
  }

  /** What strikes a call of a function; whoever deploys and tests is spared. */
  strike({
    service,
    action,
    caller,
  }: Pick<Call, "service" | "action" | "caller">): Fault | undefined {
    if (caller === undefined) return undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.service !== undefined && rule.service !== service) continue;
      if (rule.action !== undefined && rule.action !== action) continue;
      if (rule.caller !== undefined && !caller.functionName.includes(rule.caller)) continue;
      if (entry.left <= 0 || this.random() >= rule.share) continue;
      entry.left--;
      this.#count(rule.fault);
      return rule.fault;
    }
    return undefined;
  }

  isDeliveredTwice(): boolean {
    if (this.#delivery.duplicates === 0 || this.random() >= this.#delivery.duplicates) return false;
    this.#count("duplicate");
    return true;
  }

  /** 0 to 1. Mulberry32. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  #count(what: Fault | "duplicate"): void {
    this.struck[what] = (this.struck[what] ?? 0) + 1;
  }
}
