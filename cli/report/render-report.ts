import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Eta } from "eta";
import { REASONS } from "../../functions/parsing/reasons";
import { differences } from "../replay/json";
import type { ReplayResult, RuleResult, Verdict } from "../replay/result";
import { safetyOf } from "../replay/safety";
import { group, printable, time } from "../wording";

export interface ReportSettings {
  /** What was replayed, in words. */
  readonly files: string;
  readonly madeAt: Date;
}

const MAX_ROWS = 1000;
const MAX_POINTS = 600;
const MINUTE = 60_000;

/** The report as one self-contained HTML page. Everything from the log is escaped: strangers wrote it. */
export function renderReport(result: ReplayResult, settings: ReportSettings): string {
  const assets = readAssets();
  const eta = new Eta({ autoEscape: true, autoTrim: false });
  return eta.renderString(assets.template, {
    ...view(result, settings),
    chartCss: assets.css,
    chartScript: assets.script,
    scriptHash: createHash("sha256").update(assets.script).digest("base64"),
    chartData: JSON.stringify(chartData(result)).replaceAll("<", "\\u003c"),
  });
}

/** The build puts them beside the bundle. */
function readAssets(): { template: string; css: string; script: string } {
  const read = (name: string): string => readFileSync(join(__dirname, "report", name), "utf8");
  return {
    template: read("report.eta"),
    css: read("uPlot.min.css"),
    // A page ends a script at the first closing tag, wherever it stands.
    script: read("charts.js").replaceAll("</script", "<\\/script"),
  };
}

function view(result: ReplayResult, { files, madeAt }: ReportSettings): object {
  const [verdict, compared] = result.verdicts;
  const { from, to, counted } = result;
  const share = counted === 0 ? 0 : (100 * verdict.requestsBlocked) / counted;
  return {
    files,
    madeAt: `${time(madeAt.getTime())} UTC`,
    period: from === undefined || to === undefined ? "" : `${time(from)} to ${time(to)} UTC`,
    isInterrupted: result.isInterrupted,
    problems: result.problems,
    numbers: [
      { label: "lines read", value: group(result.lines) },
      { label: "could not be parsed", value: group(result.lines - result.parsed) },
      { label: "clients", value: group(result.clients) },
      { label: "clients blocked", value: group(verdict.clientsBlocked) },
      {
        label: "requests stopped",
        value: `${group(verdict.requestsBlocked)} (${share.toFixed(2)} %)`,
      },
      { label: "alerts", value: group(verdict.alerts.length) },
    ],
    rules: verdict.rules.map(ruleView),
    comparison: compared === undefined ? undefined : comparisonView(verdict, compared),
    decisions: verdict.decisions.slice(0, MAX_ROWS).map((one) => ({
      ...one,
      from: time(one.from),
      length: duration(one.until - one.from),
      evidence: printable(one.evidence),
      line: printable(one.line),
    })),
    decisionsOmitted: Math.max(0, verdict.decisions.length - MAX_ROWS),
    alerts: verdict.alerts.slice(0, MAX_ROWS).map((alert) => ({
      ...alert,
      when: `${time(alert.from)} to ${time(alert.to)}, ${group(alert.count)} in all`,
    })),
    unparsed: Object.entries(result.unparsedByReason).map(([reason, count]) => ({
      reason,
      count: group(count),
      description: REASONS[reason as keyof typeof REASONS],
      examples: result.unparsedExamples
        .filter((example) => example.reason === reason)
        .map(({ file, line }) => `${file}: ${printable(line)}`),
    })),
  };
}

function ruleView(rule: RuleResult): object {
  const [closest] = rule.nearMisses as readonly (RuleResult["nearMisses"][number] | undefined)[];
  const percent =
    closest === undefined ? 0 : Math.round((100 * closest.total) / (rule.moreThan + 1));
  return {
    ...rule,
    line: `more than ${group(rule.moreThan)} within ${group(rule.withinSeconds)} s`,
    findings: group(rule.findings),
    clients: group(rule.clients),
    matched: group(rule.matched),
    closest:
      closest === undefined
        ? undefined
        : { client: closest.client, percent: `${String(percent)}%` },
    safety: rule.log === "s3" ? undefined : safetyOf(rule),
  };
}

function comparisonView(before: Verdict, after: Verdict): object {
  return {
    text: `Findings ${group(before.findings.length)} → ${group(after.findings.length)}, requests stopped ${group(before.requestsBlocked)} → ${group(after.requestsBlocked)}.`,
    ...differences(before, after),
  };
}

/** Requests and stopped requests in at most `MAX_POINTS` equal steps, times in seconds. */
function chartData(result: ReplayResult): {
  times: number[];
  requests: number[];
  stopped: number[];
} {
  const { from, to, requestsByMinute, verdicts } = result;
  if (from === undefined || to === undefined) return { times: [], requests: [], stopped: [] };
  const firstMinute = Math.floor(from / MINUTE);
  const minutes = Math.floor(to / MINUTE) - firstMinute + 1;
  const step = Math.ceil(minutes / MAX_POINTS);
  const points = Math.ceil(minutes / step);
  const requests = new Array<number>(points).fill(0);
  const stopped = new Array<number>(points).fill(0);
  for (const [minute, n] of requestsByMinute)
    requests[Math.floor((minute - firstMinute) / step)] += n;
  for (const [minute, n] of verdicts[0].blockedByMinute)
    stopped[Math.floor((minute - firstMinute) / step)] += n;
  const times = requests.map((_, i) => (firstMinute + i * step) * 60);
  return { times, requests, stopped };
}

function duration(ms: number): string {
  const minutes = Math.round(ms / MINUTE);
  return minutes < 120 ? `${String(minutes)} min` : `${String(Math.round(minutes / 60))} h`;
}
