import assert from "node:assert/strict";
import { reconcile, type IpSet, type Reconciled } from "../../../functions/acting/reconcile";

/** A set whose reading fails so many times; what is written into it, and how long was waited. */
async function reconcileAfter(
  failures: number,
  deadline: number,
): Promise<{ outcome: Reconciled; written: readonly string[][]; pauses: readonly number[] }> {
  const written: string[][] = [];
  const pauses: number[] = [];
  let [now, left] = [0, failures];
  const set: IpSet = {
    action: "block",
    family: "ipv4",
    read: () =>
      left-- > 0
        ? Promise.reject(Object.assign(new Error("later"), { name: "ThrottlingException" }))
        : Promise.resolve({ addresses: ["192.0.2.1/32"], lockToken: "t" }),
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

  it("gives a set up when its time is over, and says why", async () => {
    const { outcome, written, pauses } = await reconcileAfter(100, 2000);

    assert.deepEqual(pauses, [500, 1000]);
    assert.deepEqual(written, []);
    assert.deepEqual([outcome.written, outcome.failed], [0, 1]);
    assert.equal(outcome.trouble, "ThrottlingException");
  });
});
