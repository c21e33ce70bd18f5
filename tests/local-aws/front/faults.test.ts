import assert from "node:assert/strict";
import { Faults, type FaultRule } from "./faults";

const caller = { functionName: "edge-act", pid: 1 };
const call = { service: "wafv2", action: "UpdateIPSet", caller };

const strikes = (seed: number, rule: FaultRule, n: number): (string | undefined)[] => {
  const faults = new Faults(seed);
  faults.set([rule]);
  return Array.from({ length: n }, () => faults.strike(call));
};

describe("the front's faults", () => {
  it("strike as often as they are told", () => {
    const struck = strikes(1, { fault: "throttle", share: 0.25 }, 10_000).filter(Boolean).length;
    assert.ok(struck > 2300 && struck < 2700, String(struck));
  });

  it("come again in the same order with the same seed", () => {
    const rule: FaultRule = { fault: "error", share: 0.5 };
    assert.deepEqual(strikes(7, rule, 50), strikes(7, rule, 50));
    assert.notDeepEqual(strikes(7, rule, 50), strikes(8, rule, 50));
  });

  it("stop after the number of times, and count them", () => {
    const faults = new Faults(1);
    faults.set([{ fault: "kill", share: 1, times: 2 }]);
    const all = Array.from({ length: 4 }, () => faults.strike(call));
    assert.deepEqual(all, ["kill", "kill", undefined, undefined]);
    assert.deepEqual(faults.struck, { kill: 2 });
  });

  it("strike the service and the action that they are meant for, and functions only", () => {
    const faults = new Faults(1);
    faults.set([{ fault: "error", service: "wafv2", action: "UpdateIPSet", share: 1 }]);
    assert.equal(faults.strike({ ...call, service: "dynamodb" }), undefined);
    assert.equal(faults.strike({ ...call, action: "GetIPSet" }), undefined);
    assert.equal(faults.strike({ ...call, caller: undefined }), undefined);
    assert.equal(faults.strike(call), "error");
    faults.set([{ fault: "error", caller: "-expire", share: 1 }]);
    assert.equal(faults.strike(call), undefined);
    assert.equal(
      faults.strike({ ...call, caller: { functionName: "edge-expire-1", pid: 1 } }),
      "error",
    );
  });
});
