import { setTimeout } from "node:timers/promises";

/** Waits. */
export const pause = async (ms: number): Promise<void> => {
  if (ms > 0) await setTimeout(ms);
};
