import { mock } from "node:test";

/** Runs until the promise is settled, letting all waiting on mocked timers end at once. */
export async function withoutWaiting<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  while (!isDone) {
    await new Promise(setImmediate);
    if (!isDone) mock.timers.tick(50);
  }
  return done;
}
