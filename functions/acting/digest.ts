import type { Decision } from "./decision";
import { toAscii, toSubject } from "./subject";

/** A message to people. */
export interface Notice {
  /** At most 99 printable ASCII characters, as SNS wants it. */
  readonly subject: string;
  readonly message: string;
}

const LISTED = 50;
const MAX_EVIDENCE = 300;

/** What was decided since the last notice, newest first, in one message. */
export function toDigest(name: string, decisions: readonly Decision[]): Notice {
  const newest = [...decisions].sort(
    (a, b) => b.decidedAt - a.decidedAt || (a.client < b.client ? -1 : 1),
  );
  const counts = (["block", "challenge", "count", "observe"] as const)
    .map((action) => ({ action, n: decisions.filter((one) => one.action === action).length }))
    .filter(({ n }) => n > 0)
    .map(({ action, n }) => `${n} ${action}`);
  const more = newest.length - LISTED;
  return {
    subject: toSubject(`Floodgate ${name}: ${counts.join(", ")}`),
    message: [
      `New decisions of Floodgate ${name}: ${counts.join(", ")}.`,
      "",
      ...newest.slice(0, LISTED).map(describe),
      ...(more > 0 ? [`... and ${more} more in the decisions table.`] : []),
    ].join("\n"),
  };
}

/** The limit of new blocks in a minute was reached: more likely a mistake of a rule than an attack. */
export function toMassBlockNotice(name: string, minute: number, limit: number): Notice {
  return {
    subject: toSubject(`Floodgate ${name}: more than ${limit} new blocks in a minute`),
    message: [
      `In the minute from ${new Date(minute).toISOString()} rules asked for more than ${limit} new blocks.`,
      "Every further decision of that minute is only counted, in case a rule is mistaken.",
      "Look at the findings: if they are right, raise the limit; if not, set the rule to observe.",
    ].join("\n"),
  };
}

function describe(decision: Decision): string {
  const { client, action, rule, level, from, until } = decision;
  const times = `${new Date(from).toISOString()} to ${new Date(until).toISOString()}`;
  const repeat = level > 0 ? `, level ${level}` : "";
  return `${action} ${client} by ${rule}${repeat}, ${times}: ${toAscii(decision.evidence).slice(0, MAX_EVIDENCE)}`;
}
