import { parentPort, workerData } from "node:worker_threads";
import type { WorkerMessage } from "./replay/jobs";
import { runShard, type RunSettings } from "./replay/run-shard";

/** One share of the clients, in a thread of its own. */
async function main(): Promise<void> {
  const { settings, index } = workerData as { settings: RunSettings; index: number };
  let isStopped = false;
  const send = (message: WorkerMessage): void => parentPort?.postMessage(message);
  parentPort?.once("message", () => {
    isStopped = true;
  });
  const result = await runShard(
    settings,
    { index, of: settings.jobs },
    {
      onProgress: (taken) => {
        send({ taken });
        return !isStopped;
      },
      isInterrupted: () => isStopped,
    },
  );
  send({ result });
  parentPort?.close();
}

void main();
