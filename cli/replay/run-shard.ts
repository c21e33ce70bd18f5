import type { Source } from "../../functions/parsing/line-parser";
import type { StackSettings } from "../../functions/rules/stack-settings";
import type { Input } from "./inputs";
import { readLogs } from "./read-logs";
import { Replay } from "./replay";
import type { ReplayResult } from "./result";

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

export interface Watch {
  /** Called now and then with the bytes taken from the disk. */
  readonly onProgress: (taken: number) => void;
  /** Ends the reading; what was read until then is the result. */
  readonly signal: AbortSignal;
}

/** Replays one share of the clients in this thread. */
export async function runShard(
  settings: RunSettings,
  shard: { readonly index: number; readonly of: number },
  watch: Watch,
): Promise<ReplayResult> {
  const { stacks, from, to, source } = settings;
  const replay = new Replay({ stacks, from, to, shard });
  const problems = await readLogs(settings.inputs, replay, {
    source,
    wants: replay.wants,
    ...watch,
  });
  return replay.result([...settings.problems, ...problems], watch.signal.aborted);
}
