import * as z from "zod";
import { group } from "./digits";
import { canonicalCidr } from "../parsing/address";
import { MODES, SEVERITIES, type Condition, type Log, type Rule, type Value } from "./rule";
import { keyFieldsOf, numberFieldsOf, RULE_FIELDS } from "./rule-fields";
import { partsOf, readRange } from "./rule-values";
import { packOf, SIGNATURE_PACKS } from "./signature-packs";

/** One mistake in a rule set, in the words of the person who wrote it. */
export interface RuleMistake {
  /** The rule's name, or its place such as `rule 3` when it has none. */
  readonly rule: string;
  /** `where.status`, `withinSeconds`, …; empty when the rule as a whole is meant. */
  readonly field: string;
  /** The value found; undefined when there is none. */
  readonly value: unknown;
  readonly allowed: string;
}

export type CheckedRules =
  | { readonly ok: true; readonly rules: readonly Rule[] }
  | { readonly ok: false; readonly mistakes: readonly RuleMistake[] };

const MAX_BLOCK_SECONDS = 30 * 24 * 3600;
const MAX_DISTINCT = 2000;

const wholeNumber = (min: number, max: number): z.ZodType<number> => {
  const allowed = `a whole number from ${group(min)} to ${group(max)}`;
  return z.number({ error: allowed }).int(allowed).min(min, allowed).max(max, allowed);
};
const VALUES_ALLOWED =
  'a text or number, a list of one or more of them, or an object with "is" and "not"';
const value = z.union([z.string(), z.number()], { error: VALUES_ALLOWED });
const values = z.union([value, z.array(value).min(1, VALUES_ALLOWED)], { error: VALUES_ALLOWED });
const condition = z.union(
  [values, z.strictObject({ is: values.optional(), not: values.optional() })],
  { error: VALUES_ALLOWED },
);
const fieldName = z.string({ error: "the name of a field" });
const NAME_ALLOWED =
  "lower-case letters, digits and hyphens, 1 to 64 characters, beginning with a letter";
const FACTOR_ALLOWED = "a number from 1.5 to 1,000";
const COUNT_ALLOWED = '"requests", { distinct: FIELD } or { sum: FIELD }';
const THEN_ALLOWED =
  "{ blockSeconds: 1 to 2,592,000, maxBlockSeconds (optional) } for nginx, or " +
  `{ alert: ${SEVERITIES.join(" | ")} } for S3`;
const blockSeconds = wholeNumber(1, MAX_BLOCK_SECONDS);

const ruleSchema = z.strictObject(
  {
    name: z.string({ error: NAME_ALLOWED }).regex(/^[a-z][a-z0-9-]{0,63}$/, NAME_ALLOWED),
    description: z.string({ error: "a sentence" }).optional(),
    where: z
      .record(z.string(), condition, { error: "an object from field to condition" })
      .optional(),
    per: z
      .array(fieldName, { error: "a list of fields" })
      .min(1, "a list of 1 to 8 fields")
      .max(8, "a list of 1 to 8 fields"),
    count: z.union(
      [
        z.literal("requests"),
        z.strictObject({ distinct: z.string() }),
        z.strictObject({ sum: z.string() }),
      ],
      { error: COUNT_ALLOWED },
    ),
    moreThan: wholeNumber(0, 1e15),
    unusual: z
      .strictObject(
        {
          factor: z
            .number({ error: FACTOR_ALLOWED })
            .min(1.5, FACTOR_ALLOWED)
            .max(1000, FACTOR_ALLOWED),
          atLeast: wholeNumber(1, 1e15),
        },
        { error: "{ factor, atLeast }" },
      )
      .optional(),
    withinSeconds: wholeNumber(1, 3600),
    then: z.union(
      [
        z.strictObject({ blockSeconds, maxBlockSeconds: blockSeconds.optional() }),
        z.strictObject({ alert: z.enum(SEVERITIES) }),
      ],
      { error: THEN_ALLOWED },
    ),
    mode: z.enum(MODES, { error: `one of ${MODES.join(", ")}` }).optional(),
  },
  { error: "an object with name, per, count, moreThan, withinSeconds and then" },
);

/**
 * Checks a rule set as read from YAML, JSON or stack configuration: every mistake is reported, not
 * only the first one.
 */
export function checkRules(input: unknown): CheckedRules {
  if (!Array.isArray(input)) {
    const allowed = "a list of rules";
    return { ok: false, mistakes: [{ rule: "the rule set", field: "", value: input, allowed }] };
  }
  const mistakes: RuleMistake[] = [];
  const rules: Rule[] = [];
  const names = new Set<string>();
  input.forEach((candidate: unknown, i) => {
    const label = nameOf(candidate) ?? `rule ${String(i + 1)}`;
    const before = mistakes.length;
    const parsed = ruleSchema.safeParse(candidate, { reportInput: true });
    for (const issue of parsed.error?.issues ?? [])
      mistakes.push(...fromIssue(label, issue, candidate));
    if (names.has(label)) {
      mistakes.push({
        rule: label,
        field: "name",
        value: label,
        allowed: "a name that no other rule has",
      });
    }
    names.add(label);
    for (const mistake of fieldMistakes(candidate)) mistakes.push({ ...mistake, rule: label });
    if (mistakes.length === before) rules.push(parsed.data as Rule);
  });
  return mistakes.length === 0 ? { ok: true, rules } : { ok: false, mistakes };
}

/** One line a mistake, such as `rule "x", "withinSeconds": got 0, allowed is a whole number from 1 to 3,600`. */
export function describeMistake({ rule, field, value: found, allowed }: RuleMistake): string {
  const place = field === "" ? "" : `, "${field}"`;
  const got = found === undefined ? "is missing" : `got ${show(found)}`;
  return `rule "${rule}"${place}: ${got}, allowed is ${allowed}`;
}

function fromIssue(rule: string, issue: z.core.$ZodIssue, candidate: unknown): RuleMistake[] {
  const field = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(ruleSchema.shape).join(", ");
    const allowed = field === "" ? `one of ${known}` : VALUES_ALLOWED;
    return issue.keys.map((key) => ({
      rule,
      field: field === "" ? key : `${field}.${key}`,
      value: at(candidate, [...issue.path, key]),
      allowed: `no such field here; ${allowed}`,
    }));
  }
  return [{ rule, field, value: at(candidate, issue.path), allowed: issue.message }];
}

/** What of a rule the schema accepts: a mistake in one part must not hide those in another. */
function soundParts(candidate: unknown): Partial<Rule> {
  const parts = Object.entries(ruleSchema.shape).flatMap(([name, schema]) => {
    const { success, data }: { success: boolean; data?: unknown } = schema.safeParse(
      at(candidate, [name]),
    );
    return success && data !== undefined ? [[name, data] as const] : [];
  });
  const where = z.record(z.string(), z.unknown()).safeParse(at(candidate, ["where"])).data ?? {};
  const conditions = Object.entries(where).map(([name, given]) => {
    return [name, condition.safeParse(given).data ?? []] as const;
  });
  return { ...Object.fromEntries(parts), where: Object.fromEntries(conditions) } as Partial<Rule>;
}

type FieldMistake = Omit<RuleMistake, "rule">;

/**
 * What a schema cannot say: which fields a log has, and which values each of them takes. While
 * nothing says which log is meant, it is the one of which more is right.
 */
function fieldMistakes(candidate: unknown): FieldMistake[] {
  const parts = soundParts(candidate);
  const [first, ...others] = logsOf(candidate).map((log) => mistakesOn(log, parts));
  return others.reduce((least, one) => (one.length < least.length ? one : least), first);
}

function logsOf(candidate: unknown): Log[] {
  if (at(candidate, ["then", "alert"]) !== undefined) return ["s3"];
  return at(candidate, ["then", "blockSeconds"]) !== undefined ? ["nginx"] : ["nginx", "s3"];
}

function mistakesOn(log: Log, rule: Partial<Rule>): FieldMistake[] {
  const mistakes: FieldMistake[] = [];
  for (const [name, given] of Object.entries(rule.where ?? {})) {
    mistakes.push(...conditionMistakes(log, name, given));
  }
  const { per = [] } = rule;
  const keys = keyFieldsOf(log);
  per.forEach((name, i) => {
    if (!keys.includes(name)) {
      mistakes.push({
        field: `per.${String(i)}`,
        value: name,
        allowed: `one of ${keys.join(", ")}`,
      });
    }
  });
  if (new Set(per).size !== per.length) {
    mistakes.push({ field: "per", value: per, allowed: "each field once" });
  }
  return [...mistakes, ...countMistakes(rule, log)];
}

function countMistakes(
  { count, moreThan = 0, unusual, then }: Partial<Rule>,
  log: Log,
): FieldMistake[] {
  const mistakes: FieldMistake[] = [];
  if (unusual !== undefined && log === "nginx") {
    const allowed = "only for rules on S3 (then: alert)";
    mistakes.push({ field: "unusual", value: unusual, allowed });
  }
  if (typeof count === "object" && "distinct" in count) {
    const keys = keyFieldsOf(log);
    if (!keys.includes(count.distinct)) {
      mistakes.push({
        field: "count.distinct",
        value: count.distinct,
        allowed: `one of ${keys.join(", ")}`,
      });
    }
    if (moreThan > MAX_DISTINCT) {
      const allowed = `at most ${group(MAX_DISTINCT)} with a distinct count`;
      mistakes.push({ field: "moreThan", value: moreThan, allowed });
    }
  }
  if (typeof count === "object" && "sum" in count) {
    const numbers = numberFieldsOf(log).filter((name) => name !== "status");
    if (!numbers.includes(count.sum)) {
      mistakes.push({
        field: "count.sum",
        value: count.sum,
        allowed: `one of ${numbers.join(", ")}`,
      });
    }
  }
  if (
    then !== undefined &&
    "maxBlockSeconds" in then &&
    then.maxBlockSeconds !== undefined &&
    then.maxBlockSeconds < then.blockSeconds
  ) {
    const allowed = `at least blockSeconds (${group(then.blockSeconds)})`;
    mistakes.push({ field: "then.maxBlockSeconds", value: then.maxBlockSeconds, allowed });
  }
  return mistakes;
}

function conditionMistakes(log: Log, name: string, given: Condition): FieldMistake[] {
  const fields = RULE_FIELDS[log];
  const field = `where.${name}`;
  if (!Object.hasOwn(fields, name)) {
    return [
      { field, value: given, allowed: `a field of ${log} logs: ${Object.keys(fields).join(", ")}` },
    ];
  }
  const { is, not } = partsOf(given);
  return [...(is ?? []), ...not].flatMap((one) => {
    const allowed = allowedValue(fields[name].kind, one);
    return allowed === undefined ? [] : [{ field, value: one, allowed }];
  });
}

/** What would be allowed, when the value is not. */
function allowedValue(
  kind: "client" | "number" | "text" | "derived",
  one: Value,
): string | undefined {
  switch (kind) {
    case "client":
      return canonicalCidr(String(one)) === undefined
        ? "an address or CIDR block such as 192.0.2.0/24"
        : undefined;
    case "number":
      return readRange(one) === undefined ? 'a number, or a range such as "400-499"' : undefined;
    case "text":
    case "derived": {
      const text = String(one);
      if (!text.startsWith("@") || packOf(text) !== undefined) return undefined;
      return `a text, or one of ${SIGNATURE_PACKS.map((pack) => `@${pack.name}`).join(", ")}`;
    }
  }
}

function nameOf(candidate: unknown): string | undefined {
  const name = at(candidate, ["name"]);
  return typeof name === "string" && name !== "" ? name : undefined;
}

function at(from: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (found, key) =>
      typeof found === "object" && found !== null
        ? (found as Record<PropertyKey, unknown>)[key]
        : undefined,
    from,
  );
}

function show(found: unknown): string {
  const text = JSON.stringify(found);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
