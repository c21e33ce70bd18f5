import assert from "node:assert/strict";
import { NearMisses } from "../../../functions/counting/near-misses";

describe("NearMisses", () => {
  it("keep the highest total of a client, and are asked no more about less", () => {
    const near = new NearMisses(2);
    const key = { path: "/a" };
    near.note("a", { total: 5, bound: 5, key });
    assert.equal(near.isNews("a", 5), false);
    near.note("a", { total: 4, bound: 9, key: { path: "/b" } });
    assert.equal(near.isNews("a", 9), false);
    assert.equal(near.isNews("b", 3), true);
    assert.deepEqual(near.closest(), [{ key, total: 5 }]);
  });

  it("keep the twenty that came closest", () => {
    const near = new NearMisses(0);
    for (let i = 1; i <= 200; i++) near.note(`c${i}`, { total: i, bound: i, key: {} });
    const totals = near.closest().map(({ total }) => total);
    assert.deepEqual(
      totals.slice(0, 20),
      Array.from({ length: 20 }, (_, i) => 200 - i),
    );
    assert.ok(near.least > 100);
  });
});
