import type { RuleResult } from "./result";

/** Whether a rule may be trusted with more, and why, in words for the person who decides. */
export interface Safety {
  readonly isSafe: boolean;
  readonly why: string;
}

/** An ordinary client that comes this near to a line will cross it on another day. */
const TOO_CLOSE = 0.8;

/** Judges a rule by how far ordinary clients, those that no rule found, stayed from its line. */
export function safetyOf({ findings, nearMisses, moreThan, matched }: RuleResult): Safety {
  const [closest] = nearMisses as readonly (RuleResult["nearMisses"][number] | undefined)[];
  if (matched === 0)
    return {
      isSafe: false,
      why: "nothing in this log fulfils its conditions, so it shows nothing",
    };
  if (closest === undefined) {
    const what =
      findings === 0
        ? "no client came near its line"
        : "whoever it did not find stayed far from its line";
    return { isSafe: true, why: what };
  }
  const share = closest.total / (moreThan + 1);
  const percent = `${String(Math.round(share * 100))} %`;
  return share >= TOO_CLOSE
    ? {
        isSafe: false,
        why: `a client that no rule found (${closest.client}) came to ${percent} of its line`,
      }
    : { isSafe: true, why: `clients that no rule found came to ${percent} of its line at most` };
}
