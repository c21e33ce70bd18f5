import { addAbortListener } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { DEFAULT_MAX_BLOCKS_PER_MINUTE } from "../../functions/acting/decide";
import { byTime, compare } from "./evaluation";
import type { Decision } from "../../functions/acting/decision";
import { EXAMPLES_PER_REASON } from "./replay";
import {
  mostFirst,
  type ReplayResult,
  type RuleResult,
  type UnparsedExample,
  type Verdict,
} from "./result";
import { runShard, type RunSettings, type Watch } from "./run-shard";

const MINUTE = 60_000;

/**
 * Shares the clients out among this thread and workers, each of which reads all files. Undefined when
 * that cannot give the result of a single thread: a rule counts for all clients together, an input can
 * be read only once, or so many clients were blocked in a minute that the limit on new blocks, which
 * no thread alone can see, would have been reached.
 */
export async function runJobs(
  settings: RunSettings,
  watch: Watch,
): Promise<ReplayResult | undefined> {
  const isPerClient = settings.stacks.every(({ rules }) =>
    rules.every((rule) => rule.per.includes("client")),
  );
  if (!isPerClient || settings.inputs.some(({ isOnce }) => isOnce)) return undefined;
  const withoutProblems = { ...settings, problems: [] };
  const workers = Array.from({ length: settings.jobs - 1 }, (_, i) =>
    runWorker(withoutProblems, i + 1, watch.signal),
  );
  const own = runShard(withoutProblems, { index: 0, of: settings.jobs }, watch);
  const results = await Promise.all([own, ...workers]);
  const merged = mergeResults(results, settings.problems);
  return merged.verdicts.some(({ decisions }) => reachesLimit(decisions)) ? undefined : merged;
}

function runWorker(
  settings: RunSettings,
  index: number,
  signal: AbortSignal,
): Promise<ReplayResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(__dirname, "replay-worker.js"), {
      workerData: { settings, index },
    });
    addAbortListener(signal, () => {
      worker.postMessage("stop");
    });
    worker.on("message", resolve);
    worker.on("error", reject);
  });
}

/** Each line is accounted for by one thread, and each client judged by one. */
function mergeResults(results: readonly ReplayResult[], problems: readonly string[]): ReplayResult {
  const [first] = results;
  const times = results.flatMap(({ from, to }) =>
    from === undefined || to === undefined ? [] : [from, to],
  );
  return {
    ...first,
    lines: sum(results.map((result) => result.lines)),
    parsed: sum(results.map((result) => result.parsed)),
    unparsedByReason: sumRecords(results.map((result) => result.unparsedByReason)),
    unparsedExamples: firstOfEach(results.flatMap((result) => result.unparsedExamples)),
    formats: sumRecords(results.map((result) => result.formats)),
    clients: sum(results.map((result) => result.clients)),
    counted: sum(results.map((result) => result.counted)),
    privateClients: sum(results.map((result) => result.privateClients)),
    nameless: sum(results.map((result) => result.nameless)),
    from: times.length === 0 ? undefined : Math.min(...times),
    to: times.length === 0 ? undefined : Math.max(...times),
    requestsByMinute: sumMaps(results.map((result) => result.requestsByMinute)),
    verdicts: first.verdicts.map((_, i) =>
      mergeVerdicts(results.map((result) => result.verdicts[i])),
    ),
    problems: [...problems, ...first.problems],
    isInterrupted: results.some(({ isInterrupted }) => isInterrupted),
  };
}

function mergeVerdicts(verdicts: readonly Verdict[]): Verdict {
  return {
    findings: verdicts.flatMap(({ findings }) => findings).sort(byTime),
    findingsOmitted: sum(verdicts.map((verdict) => verdict.findingsOmitted)),
    decisions: verdicts
      .flatMap(({ decisions }) => decisions)
      .sort((a, b) => a.from - b.from || compare(a.client, b.client)),
    alerts: verdicts.flatMap(({ alerts }) => alerts).sort((a, b) => a.from - b.from),
    rules: verdicts[0].rules.map((_, i) => mergeRules(verdicts.map(({ rules }) => rules[i]))),
    requestsBlocked: sum(verdicts.map((verdict) => verdict.requestsBlocked)),
    clientsBlocked: sum(verdicts.map((verdict) => verdict.clientsBlocked)),
    massBlocks: [],
    blockedByMinute: sumMaps(verdicts.map((verdict) => verdict.blockedByMinute)),
  };
}

function mergeRules(rules: readonly RuleResult[]): RuleResult {
  return {
    ...rules[0],
    matched: sum(rules.map((rule) => rule.matched)),
    findings: sum(rules.map((rule) => rule.findings)),
    clients: sum(rules.map((rule) => rule.clients)),
    nearMisses: rules
      .flatMap(({ nearMisses }) => nearMisses)
      .sort((a, b) => b.total - a.total)
      .slice(0, 20),
    forgotten: sum(rules.map((rule) => rule.forgotten)),
  };
}

function reachesLimit(decisions: readonly Decision[]): boolean {
  const byMinute = new Map<number, number>();
  for (const { action, from } of decisions) {
    if (action !== "block" && action !== "challenge") continue;
    const minute = Math.floor(from / MINUTE);
    byMinute.set(minute, (byMinute.get(minute) ?? 0) + 1);
  }
  return [...byMinute.values()].some((n) => n > DEFAULT_MAX_BLOCKS_PER_MINUTE);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** As many examples of each reason as a single thread would keep. */
function firstOfEach(examples: readonly UnparsedExample[]): UnparsedExample[] {
  const kept = new Map<string, UnparsedExample[]>();
  for (const example of examples) {
    const same = kept.get(example.reason) ?? [];
    kept.set(example.reason, same);
    if (same.length < EXAMPLES_PER_REASON) same.push(example);
  }
  return [...kept.values()].flat();
}

const sumRecords = (records: readonly Readonly<Record<string, number>>[]): Record<string, number> =>
  mostFirst(sumMaps(records.map((record) => new Map(Object.entries(record)))));

function sumMaps<Key>(maps: readonly ReadonlyMap<Key, number>[]): Map<Key, number> {
  const total = new Map<Key, number>();
  for (const map of maps) for (const [key, n] of map) total.set(key, (total.get(key) ?? 0) + n);
  return total;
}
