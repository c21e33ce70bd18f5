import type { Mode } from "../rules/rule";
import { isInForce, type Decision } from "./decision";
import { rangeOf, subtract, toCidrs, union, type Family } from "./ranges";

export interface ProjectSettings {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Addresses and ranges that must not be covered. */
  readonly allow: readonly string[];
  /** Entries of one set. @default 10,000, the limit of an IP set */
  readonly limit?: number;
}

/** The addresses of a pair of IP sets, and how many clients had no room. */
export interface IpSetContents {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly leftOut: number;
}

/** @see https://docs.aws.amazon.com/waf/latest/developerguide/limits.html */
const IP_SET_LIMIT = 10_000;

/**
 * What the IP sets of one action should hold now: the clients of all decisions in force, adjacent
 * ones merged exactly, allowed addresses cut out. Past the limit the most severe and most recent stay.
 */
export function nextAddresses(
  decisions: readonly Decision[],
  action: Mode,
  settings: ProjectSettings,
): IpSetContents {
  const wanted = decisions
    .filter((decision) => decision.action === action && isInForce(decision, settings.now))
    .sort((a, b) => b.level - a.level || b.from - a.from || compare(a.client, b.client));
  const ipv4 = project(wanted, "ipv4", settings);
  const ipv6 = project(wanted, "ipv6", settings);
  return { ipv4: ipv4.cidrs, ipv6: ipv6.cidrs, leftOut: ipv4.leftOut + ipv6.leftOut };
}

function project(
  decisions: readonly Decision[],
  family: Family,
  { allow, limit = IP_SET_LIMIT }: ProjectSettings,
): { cidrs: string[]; leftOut: number } {
  const blocked = ofFamily(
    decisions.map((decision) => decision.client),
    family,
  );
  const allowed = union(ofFamily(allow, family));
  const cidrsOfFirst = (n: number): string[] =>
    toCidrs(subtract(union(blocked.slice(0, n)), allowed), family);
  let fits = blocked.length;
  let cidrs = cidrsOfFirst(fits);
  if (cidrs.length > limit) {
    // More clients mostly need more entries; where merging breaks that order, a few less are kept.
    let [low, high] = [0, blocked.length];
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (cidrsOfFirst(middle).length <= limit) low = middle;
      else high = middle;
    }
    fits = low;
    cidrs = cidrsOfFirst(fits);
  }
  return { cidrs, leftOut: blocked.length - fits };
}

function ofFamily(cidrs: readonly string[], family: Family): { first: bigint; last: bigint }[] {
  return cidrs
    .map(rangeOf)
    .filter((one) => one.family === family)
    .map((one) => one.range);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
