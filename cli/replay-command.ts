import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Source } from "../functions/parsing/line-parser";
import type { StackSettings } from "../functions/rules/stack-settings";
import { renderReport } from "./report/render-report";
import { findInputs, type Input } from "./replay/inputs";
import { toJson } from "./replay/json";
import { runReplay } from "./replay/run-replay";
import { logsIn, summarize } from "./replay/summary";
import { readRules, settingsFrom, type JudgeOptions } from "./settings";
import { leftOutBy } from "./stack-file";
import { UsageError } from "./usage-error";

export interface ReplayOptions extends JudgeOptions {
  readonly from?: string;
  readonly to?: string;
  readonly format: Source;
  readonly compare?: string;
  /** A file; true (the default) for the usual one; false for none. */
  readonly report: string | boolean | undefined;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly jobs: string;
}

const DEFAULT_REPORT = "floodgate-report.html";
const MAX_JOBS = 64;

/** Replays logs; returns the exit status: 0 replayed, 1 something could not be read. */
export async function replayCommand(
  files: readonly string[],
  options: ReplayOptions,
): Promise<number> {
  const stacks = stacksFrom(options);
  const from = readTime(options.from, "--from");
  const to = readTime(options.to, "--to");
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError(`--from ${options.from ?? ""} is not before --to ${options.to ?? ""}`);
  }
  const jobs = readJobs(options.jobs);
  const isSample = files.length === 0;
  const { inputs, problems } = await findInputs(isSample ? [samplesFolder()] : files);
  const say = (text: string): void => {
    if (options.quiet !== true) process.stderr.write(text);
  };
  if (isSample)
    say("No files named: replaying the bundled samples. On your own logs: npm start -- FILE…\n");

  const result = await runReplay({
    inputs,
    jobs,
    source: options.format,
    stacks,
    from,
    to,
    showsProgress: options.quiet !== true,
    problems,
  });
  if (options.stack !== undefined) {
    for (const [log, key] of leftOutBy(options.stack)) {
      if (logsIn(result).has(log))
        say(`Note: floodgate:${key} is false: this stack would judge no ${log} log.\n`);
    }
  }
  for (const problem of result.problems) process.stderr.write(`floodgate: ${problem}\n`);

  const report = reportFile(options);
  if (report !== undefined) {
    writeReport(
      report,
      renderReport(result, { files: describeInputs(inputs), madeAt: new Date() }),
    );
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(toJson(result))}\n`);
  else if (options.quiet !== true) process.stdout.write(summarize(result));
  if (report !== undefined) {
    const line = `Report: ${resolve(report)}\n`;
    if (options.json === true) say(line);
    else if (options.quiet !== true) process.stdout.write(line);
  }
  return result.problems.length > 0 ? 1 : result.isInterrupted ? 130 : 0;
}

function stacksFrom(options: ReplayOptions): StackSettings[] {
  const first = settingsFrom(options);
  return options.compare === undefined
    ? [first]
    : [first, { ...first, rules: readRules(options.compare) }];
}

/** A report is written unless it is refused; with `--json` or `--quiet` only when it is asked for. */
function reportFile({ report, json, quiet }: ReplayOptions): string | undefined {
  if (typeof report === "string") return report;
  if (report === false || json === true || quiet === true) return undefined;
  return DEFAULT_REPORT;
}

function writeReport(file: string, html: string): void {
  try {
    writeFileSync(file, html);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--report ${file}: cannot be written: ${reason}`);
  }
}

function readTime(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(/^\d{4}-\d\d-\d\d(T[\d:.]+)?$/.test(text) ? withZone(text) : text);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `${option} "${text}": allowed is a time such as 2026-11-22 or 2026-11-22T01:45:00Z (UTC)`,
  );
}

const withZone = (text: string): string => (text.includes("T") ? `${text}Z` : text);

function readJobs(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= MAX_JOBS) return jobs;
  throw new UsageError(`--jobs "${text}": allowed is a whole number from 1 to ${String(MAX_JOBS)}`);
}

/** Beside the bundle in an installed package and in a checkout alike. */
function samplesFolder(): string {
  return (
    [join(__dirname, "../../samples/logs"), join(__dirname, "../samples/logs")].find(existsSync) ??
    "samples/logs"
  );
}

function describeInputs(inputs: readonly Input[]): string {
  const [first] = inputs;
  if (inputs.length === 0) return "nothing";
  return inputs.length === 1
    ? first.path
    : `${String(inputs.length)} files, the first ${first.path}`;
}
