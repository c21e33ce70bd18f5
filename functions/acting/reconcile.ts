import { canonicalCidr } from "../parsing/address";
import type { Mode } from "../rules/rule";
import type { Decision } from "./decision";
import { nextAddresses } from "./ip-set-contents";
import type { Family } from "./ranges";

/** One IP set, as something that is read and replaced whole. */
export interface IpSet {
  readonly action: Mode;
  readonly family: Family;
  readonly read: () => Promise<{ addresses: readonly string[]; lockToken: string }>;
  /** Waits as long as WAF's limit of one write a second asks for. */
  readonly write: (addresses: readonly string[], lockToken: string) => Promise<WriteOutcome>;
}

/** `conflict`: somebody wrote since it was read. `busy`: throttled, or WAF has trouble. */
export type WriteOutcome = "written" | "conflict" | "busy";

export interface ReconcilePorts {
  readonly sets: readonly IpSet[];
  /** The decisions in force; asked again after a conflict, because whoever wrote may know more. */
  readonly decisions: (isAfterConflict: boolean) => Promise<readonly Decision[]>;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

export interface ReconcileSettings {
  readonly allow: readonly string[];
  /** Epoch milliseconds after which no further try begins. */
  readonly deadline: number;
}

/** What became of the sets. */
export interface Reconciled {
  readonly written: number;
  /** Addresses that were put in and taken out. */
  readonly added: number;
  readonly removed: number;
  readonly conflicts: number;
  /** Sets that could not be brought up to date in time. */
  readonly failed: number;
  /** Entries of the fullest set, of 10,000. */
  readonly mostEntries: number;
  /** Clients that had no room. */
  readonly leftOut: number;
  /** Why the last try failed, for the log. */
  readonly trouble: string | undefined;
}

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5000;

/**
 * Makes the IP sets equal to the decisions in force: reads each set, compares, and writes only when
 * they differ. What was added or removed by hand is put right on the way.
 */
export async function reconcile(
  ports: ReconcilePorts,
  settings: ReconcileSettings,
): Promise<Reconciled> {
  const total = { written: 0, added: 0, removed: 0, conflicts: 0, failed: 0, mostEntries: 0 };
  const leftOut = new Map<Mode, number>();
  let trouble: string | undefined;
  for (const set of ports.sets) {
    let isAfterConflict = false;
    for (let attempt = 0; ; attempt++) {
      const result = await bringUpToDate(set, ports, { ...settings, isAfterConflict });
      if (result.kind === "current") {
        total.written += result.written;
        total.added += result.added;
        total.removed += result.removed;
        total.mostEntries = Math.max(total.mostEntries, result.entries);
        leftOut.set(set.action, result.leftOut);
        break;
      }
      isAfterConflict = result.kind === "conflict";
      if (isAfterConflict) total.conflicts++;
      trouble = result.trouble;
      const wait = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      if (ports.now() + wait > settings.deadline) {
        total.failed++;
        break;
      }
      await ports.pause(wait);
    }
  }
  return { ...total, leftOut: [...leftOut.values()].reduce((sum, n) => sum + n, 0), trouble };
}

type Step =
  | {
      readonly kind: "current";
      readonly written: number;
      readonly added: number;
      readonly removed: number;
      readonly entries: number;
      readonly leftOut: number;
    }
  | { readonly kind: "conflict" | "busy"; readonly trouble: string };

async function bringUpToDate(
  set: IpSet,
  ports: ReconcilePorts,
  { allow, isAfterConflict }: ReconcileSettings & { readonly isAfterConflict: boolean },
): Promise<Step> {
  const decisions = await ports.decisions(isAfterConflict);
  const contents = nextAddresses(decisions, set.action, { now: ports.now(), allow });
  const wanted = contents[set.family];
  const { leftOut } = contents;
  try {
    const current = await set.read();
    const before = new Set(current.addresses.map((cidr) => canonicalCidr(cidr) ?? cidr));
    const added = wanted.filter((cidr) => !before.has(cidr)).length;
    const removed = before.size - (wanted.length - added);
    const entries = wanted.length;
    if (added === 0 && removed === 0)
      return { kind: "current", written: 0, added, removed, entries, leftOut };
    const outcome = await set.write(wanted, current.lockToken);
    if (outcome === "written")
      return { kind: "current", written: 1, added, removed, entries, leftOut };
    return { kind: outcome, trouble: outcome };
  } catch (error) {
    return { kind: "busy", trouble: error instanceof Error ? error.name : String(error) };
  }
}
