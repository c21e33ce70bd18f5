import assert from "node:assert/strict";
import { Quotes } from "../../../functions/parsing/quotes";

const LINE = 100;

describe("Quotes", () => {
  it("finds the same after searches that ran past their lines as before them", () => {
    const lines = 5000;
    const buf = Buffer.alloc(lines * LINE, "x");
    const quoted = [7, 2500, 4999];
    for (const line of quoted) buf.write('"\\""', line * LINE + 50);
    const quotes = new Quotes();
    for (let line = 0; line < lines; line++) {
      const [start, end] = [line * LINE, (line + 1) * LINE];
      const expected = quoted.includes(line) ? start + 50 : -1;
      assert.equal(quotes.closing(buf, start, end), expected);
      if (expected >= 0) assert.equal(quotes.closing(buf, expected + 1, end), expected + 3);
    }
  });

  it("does not search to the end of the buffer line by line", () => {
    let searched = 0;
    const buf = Buffer.alloc(1000 * LINE, "x");
    const indexOf = buf.indexOf.bind(buf);
    buf.indexOf = (value: unknown, from?: unknown): number => {
      searched += buf.length - Number(from);
      return indexOf(value as number, from as number);
    };
    const quotes = new Quotes();
    for (let start = 0; start < buf.length; start += LINE)
      assert.equal(quotes.closing(buf, start, start + LINE), -1);
    assert.ok(searched > 0);
    assert.ok(searched < 4 * buf.length, String(searched));
  });
});
