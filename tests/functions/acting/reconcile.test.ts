import assert from "node:assert/strict";
import { reconcile, type IpSet, type Reconciled } from "../../../functions/acting/reconcile";

const THROTTLED = Object.assign(new Error("later"), { name: "ThrottlingException" });

/** A set whose reading fails so many times; what is written into it, and how long was waited. */
async function reconcileAfter(
  failures: number,
  deadline: number,
  {
    failure = THROTTLED,
    holds = ["192.0.2.1/32"],
  }: { failure?: unknown; holds?: readonly string[] } = {},
): Promise<{ outcome: Reconciled; written: readonly string[][]; pauses: readonly number[] }> {
  const written: string[][] = [];
  const pauses: number[] = [];
  let [now, left] = [0, failures];
  const set: IpSet = {
    action: "block",
    family: "ipv4",
    read: () =>
      left-- > 0
        ? // What is thrown need not be an error.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          Promise.reject(failure)
        : Promise.resolve({ addresses: holds, lockToken: "t" }),
    write: (addresses) => {
      written.push([...addresses]);
      return Promise.resolve("written");
    },
  };
  const outcome = await reconcile(
    {
      sets: [set],
      decisions: () => Promise.resolve([]),
      now: () => now,
      pause: (ms) => {
        pauses.push(ms);
        now += ms;
        return Promise.resolve();
      },
    },
    { allow: [], deadline },
  );
  return { outcome, written, pauses };
}

describe("reconcile", () => {
  it("tries a set again that cannot be read, longer and longer apart", async () => {
    const { outcome, written, pauses } = await reconcileAfter(5, 60_000);

    assert.deepEqual(pauses, [500, 1000, 2000, 4000, 5000]);
    assert.deepEqual(written, [[]]);
    assert.deepEqual([outcome.written, outcome.removed, outcome.failed], [1, 1, 0]);
    assert.equal(outcome.trouble, "ThrottlingException");
  });

  it("says what went wrong, whatever was thrown", async () => {
    const { outcome } = await reconcileAfter(1, 60_000, { failure: "gone away" });
    assert.equal(outcome.trouble, "gone away");
  });

  it("clears a set of what it cannot even read", async () => {
    const { outcome, written } = await reconcileAfter(0, 60_000, { holds: ["somebody"] });
    assert.deepEqual([outcome.removed, written], [1, [[]]]);
  });

  it("gives a set up when its time is over, and says why", async () => {
    const { outcome, written, pauses } = await reconcileAfter(100, 2000);

    assert.deepEqual(pauses, [500, 1000]);
    assert.deepEqual(written, []);
    assert.deepEqual([outcome.written, outcome.failed], [0, 1]);
    assert.equal(outcome.trouble, "ThrottlingException");
  });
});
