import { runJobs } from "./jobs";
import { openProgress } from "./progress";
import type { ReplayResult } from "./result";
import { runShard, type RunSettings } from "./run-shard";

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
