import { parentPort, workerData } from "node:worker_threads";
import { runShard, type RunSettings } from "./replay/run-shard";

/** One share of the clients, in a thread of its own; any message stops it, and its result is the answer. */
async function main(): Promise<void> {
  const { settings, index } = workerData as { settings: RunSettings; index: number };
  const interruption = new AbortController();
  parentPort?.once("message", () => {
    interruption.abort();
  });
  const result = await runShard(
    settings,
    { index, of: settings.jobs },
    { onProgress: () => undefined, signal: interruption.signal },
  );
  parentPort?.postMessage(result);
  parentPort?.close();
}

void main();
