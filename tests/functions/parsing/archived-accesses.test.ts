import assert from "node:assert/strict";
import { ArchivedAccesses } from "../../../functions/parsing/archived-accesses";
import { s3LineOf } from "../../support/s3-lines";

describe("ArchivedAccesses", () => {
  it("counts what it cannot parse, and reads on behind it", () => {
    const accesses = new ArchivedAccesses("object");
    const keys: (string | undefined)[] = [];
    const read = (): void => {
      while (accesses.next() !== undefined) keys.push(accesses.row.columns()["key"]);
    };
    const text = `${s3LineOf({ key: "a" })}\nnothing known\n\n${s3LineOf({ key: "b" })}\n${s3LineOf({ key: "c" })}`;
    for (let at = 0; at < text.length; at += 100) {
      accesses.push(Buffer.from(text.slice(at, at + 100)));
      read();
    }
    accesses.end();
    read();

    assert.deepEqual(keys, ["a", "b", "c"]);
    assert.equal(accesses.unparsed, 1);
  });

  it("refuses an object whose line never ends", () => {
    const accesses = new ArchivedAccesses("object");
    assert.throws(() => {
      accesses.push(Buffer.alloc(9 << 20, "x"));
    }, /a line of more than 8 MiB/);
  });
});
