import { REASONS } from "../../functions/parsing/reasons";
import { differences } from "./json";
import type { ReplayResult, RuleResult, Verdict } from "./result";
import { safetyOf } from "./safety";
import { group, printable, time } from "../wording";

const SHOWN = 10;

/** What a person reads on the terminal when a replay is done. */
export function summarize(result: ReplayResult): string {
  const [verdict, compared] = result.verdicts;
  const paragraphs = [
    overview(result),
    unparsed(result),
    proxies(result),
    nameless(result),
    ...(result.counted === 0
      ? []
      : [rules(verdict, logsIn(result)), ...verdictParagraphs(result, verdict)]),
    compared === undefined ? "" : comparison(verdict, compared),
  ];
  return `${paragraphs.filter((text) => text !== "").join("\n\n")}\n`;
}

/** The kinds of log that were in the input: what their rules say is worth a line, and no other's. */
export function logsIn({ formats }: ReplayResult): ReadonlySet<string> {
  return new Set(Object.keys(formats).map((format) => (format.startsWith("s3") ? "s3" : "nginx")));
}

function verdictParagraphs(result: ReplayResult, verdict: Verdict): string[] {
  const logs = logsIn(result);
  return [
    ...(logs.has("nginx") ? [decisions(verdict), cost(result, verdict)] : []),
    ...(logs.has("s3") ? [alerts(verdict)] : []),
  ];
}

function overview({
  lines,
  parsed,
  counted,
  clients,
  formats,
  from,
  to,
  isInterrupted,
}: ReplayResult): string {
  if (lines === 0) return "Nothing to replay: the input holds no lines.";
  const kinds = Object.entries(formats).map(([format, n]) => `${format} ${group(n)}`);
  const when =
    from === undefined || to === undefined
      ? "None of them is within the time asked for, or none could be parsed."
      : `From ${time(from)} to ${time(to)}: ${group(counted)} requests of ${group(clients)} clients.`;
  return [
    `${isInterrupted ? "Interrupted; until then read" : "Read"} ${group(lines)} lines, parsed ${group(parsed)} (${kinds.join(", ")}).`,
    when,
  ].join("\n");
}

function unparsed({ unparsedByReason, unparsedExamples }: ReplayResult): string {
  const reasons = Object.entries(unparsedByReason);
  if (reasons.length === 0) return "";
  return [
    "Could not be parsed:",
    ...reasons.flatMap(([reason, n]) => [
      `  ${group(n)} x ${reason}: ${REASONS[reason as keyof typeof REASONS]}`,
      ...unparsedExamples
        .filter((example) => example.reason === reason)
        .map(({ file, line }) => `      ${file}: ${printable(line).slice(0, 120)}`),
    ]),
  ].join("\n");
}

function proxies({ privateClients, counted }: ReplayResult): string {
  if (privateClients * 2 <= counted || counted === 0) return "";
  const percent = Math.round((100 * privateClients) / counted);
  return (
    `Note: ${String(percent)} % of the requests come from private addresses or proxies, which are never blocked.\n` +
    "Is there another proxy in front? Then log X-Forwarded-For and say so, for example with --trust cloudfront."
  );
}

function nameless({ nameless: n }: ReplayResult): string {
  if (n === 0) return "";
  const who = n === 1 ? "1 request names" : `${group(n)} requests name`;
  return `Note: ${who} no client address, so the rules pass over them. "explain LINE" shows what stands in its place.`;
}

function rules(verdict: Verdict, logs: ReadonlySet<string>): string {
  const all = verdict.rules.filter(({ log }) => logs.has(log));
  const width = Math.max(...all.map(({ name }) => name.length), 4);
  const rows = all.map((rule) => ruleRow(rule, width));
  return [
    `${"Rule".padEnd(width)}  findings  clients  mode       may be trusted with blocking?`,
    ...rows,
  ].join("\n");
}

function ruleRow(rule: RuleResult, width: number): string {
  const { name, findings, clients, mode, log } = rule;
  const verdict = log === "s3" ? "alerts only" : trust(rule);
  return `${name.padEnd(width)}  ${group(findings).padStart(8)}  ${group(clients).padStart(7)}  ${(log === "s3" ? "alert" : mode).padEnd(9)}  ${verdict}`;
}

function trust(rule: RuleResult): string {
  const { isSafe, why } = safetyOf(rule);
  return `${isSafe ? "yes" : "not yet"}: ${why}`;
}

function decisions({ decisions: all, findings }: Verdict): string {
  if (all.length === 0) return "No client would have been blocked.";
  const shown = all.slice(0, SHOWN).map(({ client, action, from, until, rule, evidence }) => {
    const minutes = Math.round((until - from) / 60_000);
    return `  ${time(from)}  ${action.padEnd(9)} ${client.padEnd(20)} ${String(minutes)} min  ${rule}: ${printable(evidence)}`;
  });
  const more =
    all.length > SHOWN ? [`  … and ${group(all.length - SHOWN)} more, all in the report`] : [];
  return [
    `Decisions (${group(all.length)}, from ${group(findings.length)} findings):`,
    ...shown,
    ...more,
  ].join("\n");
}

function alerts({ alerts: all }: Verdict): string {
  if (all.length === 0) return "No alert would have been sent.";
  const shown = all.slice(0, SHOWN).map(({ subject, from, to, count }) => {
    return `  ${time(from)} to ${time(to)}  ${printable(subject)} (${group(count)})`;
  });
  const more =
    all.length > SHOWN ? [`  … and ${group(all.length - SHOWN)} more, all in the report`] : [];
  return [`Alerts (${group(all.length)}):`, ...shown, ...more].join("\n");
}

function cost({ counted }: ReplayResult, verdict: Verdict): string {
  const share = ((100 * verdict.requestsBlocked) / counted).toFixed(2);
  const blocked = `Had the blocks been in force, ${group(verdict.requestsBlocked)} requests (${share} %) of ${group(verdict.clientsBlocked)} clients would have been stopped.`;
  const { massBlocks } = verdict;
  if (massBlocks.length === 0) return blocked;
  return `${blocked}\nIn ${group(massBlocks.length)} minutes more clients were found than may be blocked at once; the rest was only counted. First: ${time(massBlocks[0])}.`;
}

function comparison(before: Verdict, after: Verdict): string {
  const { newlyBlocked, noLongerBlocked } = differences(before, after);
  const list = (clients: readonly string[]): string => {
    const shown = clients.slice(0, SHOWN).join(", ");
    return clients.length > SHOWN ? `${shown}, …` : shown;
  };
  return [
    "With the rules to compare with:",
    `  findings ${group(before.findings.length)} -> ${group(after.findings.length)}, requests stopped ${group(before.requestsBlocked)} -> ${group(after.requestsBlocked)}`,
    `  newly blocked (${group(newlyBlocked.length)}): ${list(newlyBlocked)}`,
    `  no longer blocked (${group(noLongerBlocked.length)}): ${list(noLongerBlocked)}`,
  ].join("\n");
}
