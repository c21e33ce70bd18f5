import { setMaxListeners } from "node:events";
import { runJobs } from "./jobs";
import { openProgress } from "./progress";
import type { ReplayResult } from "./result";
import { runShard, type RunSettings, type Watch } from "./run-shard";

/** Replays in this thread, or in several; Ctrl-C ends the reading and keeps what was found so far. */
export async function runReplay(settings: RunSettings): Promise<ReplayResult> {
  const total = settings.inputs.reduce((sum, input) => sum + input.size, 0);
  const progress = openProgress(total, settings.showsProgress);
  const interruption = new AbortController();
  // Each pipe and each worker listens.
  setMaxListeners(0, interruption.signal);
  const onInterrupt = (): void => {
    interruption.abort();
  };
  process.once("SIGINT", onInterrupt);
  try {
    const watch: Watch = {
      onProgress: (taken) => {
        progress.update(taken);
      },
      signal: interruption.signal,
    };
    const shared = settings.jobs > 1 ? await runJobs(settings, watch) : undefined;
    return shared ?? (await runShard(settings, { index: 0, of: 1 }, watch));
  } finally {
    process.off("SIGINT", onInterrupt);
    progress.close();
  }
}
