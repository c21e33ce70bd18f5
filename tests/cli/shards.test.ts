import assert from "node:assert/strict";
import fc from "fast-check";
import { shardAt, shardOf } from "../../cli/replay/shards";
import { viewOf } from "../../functions/parsing/bytes";

describe("shards of the clients", () => {
  it("are the same for a client's text and for where it stands in a line", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 64 }), (text, of) => {
        const line = Buffer.from(`x${text} - -`);
        const shard = shardOf(text, of);
        assert.equal(shardAt(viewOf(line), 1, 1 + text.length, of), shard);
        assert.ok(shard >= 0 && shard < of);
      }),
    );
  });

  it("are about equal", () => {
    const sizes = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) sizes[shardOf(`192.0.${i >> 8}.${i & 255}`, 4)]++;
    for (const size of sizes) assert.ok(size > 800 && size < 1200, String(sizes));
  });
});
