import * as z from "zod";
import { canonicalCidr, DEFAULT_PREFIXES, type ClientPrefixes } from "../parsing/address";
import { isTrust, type Trust } from "../parsing/client-address";
import { checkRules, describeMistake } from "./check-rules";
import { NGINX_RULES } from "./nginx-rules";
import { checkExemptions, type Exemption } from "./exemptions";
import { MODES, type Mode, type Rule } from "./rule";
import { S3_RULES } from "./s3-rules";

/** What a stack says about finding and blocking; the rest of its configuration is about resources. */
export interface StackSettings {
  readonly rules: readonly Rule[];
  /** CIDR blocks that are never blocked. */
  readonly allow: readonly string[];
  readonly trust: Trust;
  /** No decision goes further than this. */
  readonly mode: Mode;
  readonly prefixes: ClientPrefixes;
  /** Accesses to S3 that no rule counts. */
  readonly exempt: readonly Exemption[];
  /** New blocks and challenges in a minute; past it decisions are only counted. */
  readonly maxBlocksPerMinute: number;
}

export const DEFAULT_RULES: readonly Rule[] = [...NGINX_RULES, ...S3_RULES];

export const DEFAULT_SETTINGS: StackSettings = {
  rules: DEFAULT_RULES,
  allow: [],
  // A private peer is a load balancer of one's own; on anything else this has no effect.
  trust: ["alb"],
  mode: "block",
  prefixes: DEFAULT_PREFIXES,
  exempt: [],
  maxBlocksPerMinute: 100,
};

export const CIDR_ALLOWED = "an address or CIDR block such as 192.0.2.0/24 or 2001:db8::/32";
export const TRUST_ALLOWED = "a CIDR block, a number of hops from 1 to 10, alb or cloudfront";

const cidr = z
  .string({ error: CIDR_ALLOWED })
  .refine((text) => canonicalCidr(text) !== undefined, CIDR_ALLOWED);
/** Pulumi takes no number where it expects a text. */
const trust = z.string({ error: `a text: ${TRUST_ALLOWED}` }).refine(isTrust, TRUST_ALLOWED);
/** Also as text, which is what `pulumi config set` writes. */
const wholeNumber = (min: number, max: number): z.ZodType<number> => {
  const allowed = `a whole number from ${String(min)} to ${String(max)}`;
  return z.preprocess(
    (given) => (typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given),
    z.number({ error: allowed }).int(allowed).min(min, allowed).max(max, allowed),
  );
};

/** The keys, without the project's name, that are read here. */
const schema = z.object({
  allow: z.array(cidr, { error: "a list of CIDR blocks" }).default([]),
  trust: z
    .array(trust, { error: `a list; each ${TRUST_ALLOWED}` })
    .default([...DEFAULT_SETTINGS.trust]),
  mode: z.enum(MODES, { error: `one of ${MODES.join(", ")}` }).default("block"),
  ipv4Prefix: wholeNumber(8, 32).default(DEFAULT_PREFIXES.ipv4Prefix),
  ipv6Prefix: wholeNumber(16, 128).default(DEFAULT_PREFIXES.ipv6Prefix),
  maxBlocksPerMinute: wholeNumber(1, 10_000).default(DEFAULT_SETTINGS.maxBlocksPerMinute),
});

/**
 * Reads settings from a stack's configuration, keys without `floodgate:`. The program and the
 * command line both read them here, so that a replay judges by what `pulumi up` would deploy.
 *
 * @throws Error that names every wrong key, the value found and what is allowed.
 */
export function readStackSettings(config: Readonly<Record<string, unknown>>): StackSettings {
  const parsed = schema.safeParse(config, { reportInput: true });
  const mistakes = (parsed.error?.issues ?? []).map(
    (issue) =>
      `"${issue.path.join(".")}": got ${JSON.stringify(issue.input)}, allowed is ${issue.message}`,
  );
  // A key that `Pulumi.yaml` declares needs a default there, and for rules that is an empty list.
  const given = config["rules"] ?? [];
  const hasRules = !Array.isArray(given) || given.length > 0;
  const checked = hasRules ? checkRules(given) : undefined;
  if (checked?.ok === false) mistakes.push(...checked.mistakes.map(describeMistake));
  const exempt = checkExemptions(config["exempt"] ?? []);
  if (!exempt.ok) mistakes.push(...exempt.mistakes);
  if (!parsed.success || mistakes.length > 0) throw new Error(mistakes.join("\n"));
  const { allow, mode, ipv4Prefix, ipv6Prefix, maxBlocksPerMinute } = parsed.data;
  return {
    rules: checked?.ok === true ? checked.rules : DEFAULT_RULES,
    allow,
    trust: parsed.data.trust,
    mode,
    prefixes: { ipv4Prefix, ipv6Prefix },
    exempt: exempt.ok ? exempt.exemptions : [],
    maxBlocksPerMinute,
  };
}
