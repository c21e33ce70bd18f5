import type { Finding } from "../counting/finding";
import { canonicalCidr } from "../parsing/address";
import type { Block, Mode, Rule } from "../rules/rule";
import { severityOf, type Decision } from "./decision";
import { rangeOf } from "./ranges";

export interface DecideSettings {
  readonly rules: readonly Rule[];
  /** Never blocked, not even inside a range. @default - nobody */
  readonly allow?: readonly string[];
  /** No decision goes further than this. @default "block" */
  readonly ceiling?: Mode;
  /** New blocks and challenges in any minute; past it, decisions are only counted. @default 100 */
  readonly maxBlocksPerMinute?: number;
  /** After this long without a block a client's level is one lower. @default 24 */
  readonly forgiveHours?: number;
}

/** What became of a finding. */
export type Outcome =
  /** A new decision, or a more severe one. */
  | { readonly kind: "decided"; readonly decision: Decision }
  /** A decision on this client is in force already. */
  | { readonly kind: "folded"; readonly decision: Decision }
  /** Nobody to act on: no client, an allowed one, a proxy or a private address; or nothing to act by. */
  | {
      readonly kind: "spared";
      readonly reason: "no client" | "allowed" | "not blockable" | "unknown rule";
    };

const MINUTE = 60_000;
const HOUR = 3_600_000;
export const DEFAULT_MAX_BLOCKS_PER_MINUTE = 100;
const DEFAULT_FORGIVE_HOURS = 24;
const DEFAULT_MAX_BLOCK_SECONDS = 7 * 24 * 3600;
const MAX_LEVEL = 20;
/** A finding that is older, or from the future, comes from a wrong clock or a long queue. */
const MAX_AGE_MS = 5 * MINUTE;

/**
 * Turns findings into decisions. A repeat offender is blocked twice as long each time, up to a cap;
 * many findings of one client make one decision; a wave of blocks beyond the limit of a minute is
 * only counted, for it is more likely a mistake of a rule than that many attackers.
 */
export class Decider {
  /** Minutes in which the limit was reached, for a notice each. */
  readonly massBlocks: number[] = [];
  private readonly settings: DecideSettings;
  private readonly rules: ReadonlyMap<string, Rule>;
  private readonly allowed: readonly ReturnType<typeof rangeOf>[];
  private readonly newest = new Map<string, Decision>();
  private minute = -1;
  private blocksInMinute = 0;

  constructor(settings: DecideSettings) {
    this.settings = settings;
    this.rules = new Map(settings.rules.map((rule) => [rule.name, rule]));
    this.allowed = (settings.allow ?? []).map((text) => rangeOf(canonicalCidr(text) ?? text));
  }

  /** The clients of findings, as decisions name them, each once. */
  clientsOf(findings: readonly Finding[]): string[] {
    const named = findings.flatMap(({ client }) => (client ? [toCidr(client)] : []));
    return [...new Set(named)];
  }

  /** Takes in the newest decision on a client that was made before. */
  recall(decision: Decision): void {
    const known = this.newest.get(decision.client);
    if (known === undefined || known.from < decision.from) {
      this.newest.set(decision.client, decision);
    }
  }

  /** Takes in how many blocks and challenges were decided in a minute before, epoch milliseconds. */
  recallMinute(minute: number, blocks: number): void {
    this.minute = Math.floor(minute / MINUTE);
    this.blocksInMinute = blocks;
  }

  /** The last minute in which clients were blocked or challenged, and how many. */
  lastMinute(): { minute: number; blocks: number } {
    return { minute: this.minute * MINUTE, blocks: this.blocksInMinute };
  }

  /**
   * Decides on a finding, with effect from its own time; from `now` when that is more than five
   * minutes off, so that a web server's wrong clock can neither shorten nor lengthen a block.
   * Findings come in about the order of time; the same one again changes nothing.
   */
  decide(finding: Finding, now = finding.at): Outcome {
    const rule = this.rules.get(finding.rule);
    // The rule set may have changed since the finding was made.
    if (rule === undefined || !("blockSeconds" in rule.then))
      return { kind: "spared", reason: "unknown rule" };
    if (finding.client === undefined || finding.client === "")
      return { kind: "spared", reason: "no client" };
    if (!finding.isBlockable) return { kind: "spared", reason: "not blockable" };
    const client = toCidr(finding.client);
    if (this.coversAllowed(client)) return { kind: "spared", reason: "allowed" };

    const action = milder(rule.mode ?? "block", this.settings.ceiling ?? "block");
    const before = this.newest.get(client);
    const at = finding.at > now || now - finding.at > MAX_AGE_MS ? now : finding.at;
    const isActive = before !== undefined && at < before.until;
    if (before !== undefined && (isActive || finding.at <= before.foundAt)) {
      const isSame = finding.at === before.foundAt && rule.name === before.rule;
      if (isSame || severityOf(before.action) >= severityOf(action))
        return { kind: "folded", decision: before };
    }
    const level = isActive ? before.level : this.levelAfter(before, at);
    const decision: Decision = {
      client,
      action: this.withinLimit(action, at),
      from: at,
      until: at + blockMs(rule.then, level),
      rule: rule.name,
      level,
      evidence: evidenceOf(finding),
      by: "rule",
      foundAt: finding.at,
      decidedAt: now,
    };
    // A decision that was milder only because of the limit is tried again when the next finding comes.
    this.newest.set(client, decision);
    return { kind: "decided", decision };
  }

  /** One more than last time, less one for each `forgiveHours` since that block ended. */
  private levelAfter(before: Decision | undefined, now: number): number {
    if (before === undefined) return 0;
    const forgiveMs = (this.settings.forgiveHours ?? DEFAULT_FORGIVE_HOURS) * HOUR;
    const forgiven = Math.floor(Math.max(0, now - before.until) / forgiveMs);
    return Math.min(MAX_LEVEL, Math.max(0, before.level + 1 - forgiven));
  }

  private withinLimit(action: Mode, now: number): Mode {
    if (severityOf(action) < severityOf("challenge")) return action;
    const minute = Math.floor(now / MINUTE);
    if (minute > this.minute) {
      this.minute = minute;
      this.blocksInMinute = 0;
    }
    this.blocksInMinute++;
    const limit = this.settings.maxBlocksPerMinute ?? DEFAULT_MAX_BLOCKS_PER_MINUTE;
    if (this.blocksInMinute <= limit) return action;
    if (this.blocksInMinute === limit + 1) this.massBlocks.push(minute * MINUTE);
    return "count";
  }

  /** Whether an allowed address lies in the client, or the client in an allowed range. */
  private coversAllowed(client: string): boolean {
    const { family, range } = rangeOf(client);
    return this.allowed.some(
      (allowed) =>
        allowed.family === family &&
        allowed.range.first <= range.last &&
        range.first <= allowed.range.last,
    );
  }
}

/** A client as counted is an address or a CIDR block; decisions always hold a CIDR block. */
function toCidr(client: string): string {
  if (client.includes("/")) return client;
  return `${client}/${client.includes(":") ? "128" : "32"}`;
}

function blockMs({ blockSeconds, maxBlockSeconds }: Block, level: number): number {
  const cap = maxBlockSeconds ?? Math.max(blockSeconds, DEFAULT_MAX_BLOCK_SECONDS);
  return Math.min(cap, blockSeconds * 2 ** level) * 1000;
}

const milder = (a: Mode, b: Mode): Mode => (severityOf(a) <= severityOf(b) ? a : b);

/** The finding in a sentence. Query strings are left out: they may hold what is nobody's business. */
function evidenceOf({ count, first, at, sample }: Finding): string {
  const seconds = Math.round((at - first) / 1000);
  const request = `${sample.method} ${sample.path}`.trim().slice(0, 200);
  return `${String(count)} within ${String(seconds)} s, the last one ${request} (${String(sample.status)})`;
}
