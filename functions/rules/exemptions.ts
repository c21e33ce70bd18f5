import { checkRules, describeMistake } from "./check-rules";
import type { Rule } from "./rule";

/** Accesses that no rule on S3 counts: somebody's backup, a known partner, a test. */
export interface Exemption {
  /** Conditions as a rule has them: client, requester, userAgent, operation, bucket and so on. */
  readonly where: NonNullable<Rule["where"]>;
  /** Why; for whoever wonders a year from now. */
  readonly reason: string;
  /** ISO 8601, such as 2027-03-31; accesses from then on count again. @default - for ever */
  readonly until?: string;
}

export type CheckedExemptions =
  | { readonly ok: true; readonly exemptions: readonly Exemption[] }
  | { readonly ok: false; readonly mistakes: readonly string[] };

const KEYS = ["where", "reason", "until"];

/** Checks exemptions as people write them; every mistake is named. */
export function checkExemptions(input: unknown): CheckedExemptions {
  if (!Array.isArray(input)) return { ok: false, mistakes: ["exempt: must be a list"] };
  const mistakes = input.flatMap((one: unknown, i) =>
    mistakesIn(one).map((mistake) => `exempt[${i}]: ${mistake}`),
  );
  return mistakes.length > 0
    ? { ok: false, mistakes }
    : { ok: true, exemptions: input as Exemption[] };
}

/** An exemption as a rule, so that its conditions are checked and matched as those of rules. */
export const asRule = ({ where }: Pick<Exemption, "where">, i: number): Rule => ({
  name: `exempt-${i}`,
  where,
  per: ["client"],
  count: "requests",
  moreThan: 0,
  withinSeconds: 60,
  then: { alert: "low" },
});

function mistakesIn(input: unknown): string[] {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return [`must be { where, reason, until }, got ${JSON.stringify(input)}`];
  const { where, reason, until } = input as Partial<Record<keyof Exemption, unknown>>;
  const unknown = Object.keys(input).filter((key) => !KEYS.includes(key));
  const hasWhere = typeof where === "object" && where !== null && Object.keys(where).length > 0;
  const checked = hasWhere
    ? checkRules([asRule({ where: where as Exemption["where"] }, 0)])
    : undefined;
  return [
    ...unknown.map((key) => `"${key}" is unknown, allowed are ${KEYS.join(", ")}`),
    ...(hasWhere ? [] : [`"where" must name at least one field, got ${JSON.stringify(where)}`]),
    ...(checked?.ok === false ? checked.mistakes.map(describeMistake) : []),
    ...(typeof reason === "string" && reason.trim() !== "" ? [] : ['"reason" must say why']),
    ...(until === undefined || (typeof until === "string" && !Number.isNaN(Date.parse(until)))
      ? []
      : [`"until" must be a date such as 2027-03-31, got ${JSON.stringify(until)}`]),
  ];
}
