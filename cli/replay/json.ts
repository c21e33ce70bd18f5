import type { Mode, Severity } from "../../functions/rules/rule";
import type { ReplayResult, Verdict } from "./result";

/** The document that `replay --json` prints; times are ISO 8601, clients of decisions CIDR blocks. */
export interface ReplayJson extends VerdictJson {
  readonly lines: number;
  readonly parsed: number;
  readonly unparsed: number;
  readonly unparsedByReason: Readonly<Record<string, number>>;
  readonly formats: Readonly<Record<string, number>>;
  readonly clients: number;
  readonly from: string | null;
  readonly to: string | null;
  /** What the rules of `--compare` make of the same log. */
  readonly compare?: VerdictJson & {
    readonly newlyBlocked: readonly string[];
    readonly noLongerBlocked: readonly string[];
  };
  readonly problems: readonly string[];
}

interface VerdictJson {
  readonly findings: readonly {
    readonly rule: string;
    readonly key: Readonly<Record<string, string>>;
    readonly count: number;
    readonly at: string;
    readonly first: string;
    readonly requestsBefore: number;
  }[];
  readonly findingsOmitted: number;
  readonly decisions: readonly {
    readonly client: string;
    readonly action: Mode;
    readonly from: string;
    readonly until: string;
    readonly rule: string;
    readonly level: number;
  }[];
  readonly alerts: readonly {
    readonly severity: Severity;
    readonly subject: string;
    readonly client: string;
    readonly bucket: string;
    readonly rule: string;
    readonly from: string;
    readonly to: string;
    readonly count: number;
  }[];
  readonly enforcement: {
    readonly requestsBlocked: number;
    readonly clientsBlocked: number;
    readonly requestsBlockedShare: number;
  };
}

export function toJson(result: ReplayResult): ReplayJson {
  const [verdict, compared] = result.verdicts;
  return {
    lines: result.lines,
    parsed: result.parsed,
    unparsed: result.lines - result.parsed,
    unparsedByReason: result.unparsedByReason,
    formats: result.formats,
    clients: result.clients,
    from: result.from === undefined ? null : iso(result.from),
    to: result.to === undefined ? null : iso(result.to),
    ...verdictJson(verdict, result.counted),
    ...(compared === undefined
      ? {}
      : {
          compare: { ...verdictJson(compared, result.counted), ...differences(verdict, compared) },
        }),
    problems: result.problems,
  };
}

/** Who is blocked by the second rule set only, and who by the first only. */
export function differences(
  before: Verdict,
  after: Verdict,
): { newlyBlocked: string[]; noLongerBlocked: string[] } {
  const [old, fresh] = [blockedBy(before), blockedBy(after)];
  return {
    newlyBlocked: [...fresh].filter((client) => !old.has(client)),
    noLongerBlocked: [...old].filter((client) => !fresh.has(client)),
  };
}

function blockedBy({ decisions }: Verdict): Set<string> {
  return new Set(decisions.filter(({ action }) => action === "block").map(({ client }) => client));
}

function verdictJson(verdict: Verdict, counted: number): VerdictJson {
  return {
    findings: verdict.findings.map(({ rule, key, count, at, first, requestsBefore }) => ({
      rule,
      key,
      count,
      at: iso(at),
      first: iso(first),
      requestsBefore,
    })),
    findingsOmitted: verdict.findingsOmitted,
    decisions: verdict.decisions.map(({ client, action, from, until, rule, level }) => ({
      client,
      action,
      from: iso(from),
      until: iso(until),
      rule,
      level,
    })),
    alerts: verdict.alerts.map(({ severity, subject, client, bucket, rule, from, to, count }) => ({
      severity,
      subject,
      client,
      bucket,
      rule,
      from: iso(from),
      to: iso(to),
      count,
    })),
    enforcement: {
      requestsBlocked: verdict.requestsBlocked,
      clientsBlocked: verdict.clientsBlocked,
      requestsBlockedShare: counted === 0 ? 0 : verdict.requestsBlocked / counted,
    },
  };
}

const iso = (time: number): string => new Date(time).toISOString();
