import type { Source } from "../../functions/parsing/line-parser";
import type { StackSettings } from "../../functions/rules/stack-settings";
import type { Input } from "./inputs";
import { openProgress } from "./progress";
import { readLogs } from "./read-logs";
import { Replay } from "./replay";
import type { ReplayResult } from "./result";
import { runJobs } from "./jobs";

export interface RunSettings {
  readonly inputs: readonly Input[];
  readonly jobs: number;
  readonly source: Source;
  readonly stacks: readonly StackSettings[];
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly showsProgress: boolean;
  /** What went wrong before reading began. */
  readonly problems: readonly string[];
}

/** Replays in this thread, or in several; Ctrl-C ends the reading and keeps what was found so far. */
export async function runReplay(settings: RunSettings): Promise<ReplayResult> {
  const total = settings.inputs.reduce((sum, input) => sum + input.size, 0);
  const progress = openProgress(total, settings.showsProgress);
  let isInterrupted = false;
  const onInterrupt = (): void => {
    isInterrupted = true;
  };
  process.once("SIGINT", onInterrupt);
  try {
    const onProgress = (taken: number): boolean => {
      progress.update(taken);
      return !isInterrupted;
    };
    if (settings.jobs > 1) {
      const shared = await runJobs(settings, onProgress);
      if (shared !== undefined) return { ...shared, isInterrupted };
    }
    return await runShard(
      settings,
      { index: 0, of: 1 },
      { onProgress, isInterrupted: () => isInterrupted },
    );
  } finally {
    process.off("SIGINT", onInterrupt);
    progress.close();
  }
}

/** Replays one share of the clients in this thread. */
export async function runShard(
  settings: RunSettings,
  shard: { readonly index: number; readonly of: number },
  watch: { readonly onProgress: (taken: number) => boolean; readonly isInterrupted: () => boolean },
): Promise<ReplayResult> {
  const { stacks, from, to, source } = settings;
  const replay = new Replay({ stacks, from, to, shard });
  const problems = await readLogs(settings.inputs, replay, {
    source,
    wants: replay.wants,
    onProgress: watch.onProgress,
  });
  return replay.result([...settings.problems, ...problems], watch.isInterrupted());
}
