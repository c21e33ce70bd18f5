import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_PREFIXES } from "../../../functions/parsing/address";
import { ClientDirectory } from "../../../functions/parsing/client-directory";
import { Interner } from "../../../functions/parsing/interner";
import { LineParser } from "../../../functions/parsing/line-parser";

describe("Interner", () => {
  it("gives equal texts the same number and others another, within its memory", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 100 }), { maxLength: 60 }), (texts) => {
        const interner = new Interner({ values: 64, bytes: 1 << 14 });
        const numbers = new Map<string, number>();
        for (const text of texts) {
          const bytes = Buffer.from(text).toString();
          const number = interner.internText(bytes);
          assert.equal(numbers.get(bytes) ?? number, number);
          numbers.set(bytes, number);
        }
        assert.equal(new Set(numbers.values()).size, numbers.size);
      }),
    );
  });

  it("keeps the numbers of values that come again while others pass by", () => {
    const interner = new Interner({ values: 8, bytes: 1024 });
    const number = interner.internText("often");
    for (let i = 0; i < 200; i++) {
      interner.internText(`once ${i}`);
      assert.equal(interner.internText("often"), number);
    }
    assert.ok(interner.generation > 10);
    assert.equal(interner.texts().get(number), "often");
  });

  it("never gives a forgotten number to another value", () => {
    const interner = new Interner({ values: 4, bytes: 256 });
    const numbers = Array.from({ length: 100 }, (_, i) => interner.internText(`value ${i}`));
    assert.equal(new Set(numbers).size, 100);
  });

  it("does not mix up values that are too long for its memory", () => {
    const interner = new Interner({ values: 4, bytes: 256 });
    const long = "x".repeat(5000);
    assert.notEqual(interner.internText(long), interner.internText(`${long}y`));
  });

  it("stays right under values whose hashes were crafted to be equal", () => {
    const interner = new Interner({ values: 1024, bytes: 1 << 18 });
    /** What the hash makes of its first word; the third one is chosen to undo the difference. */
    const mixed = (word: number): number => {
      const product = Math.imul(16 ^ word, 0x9e3779b1);
      return product ^ (product >>> 15);
    };
    const crafted = Array.from({ length: 400 }, (_, i) => {
      const view = new DataView(new ArrayBuffer(16));
      view.setInt32(0, i, true);
      view.setInt32(8, mixed(i) ^ 12_345, true);
      return view;
    });
    const slots = crafted.map((view) => interner.intern(view, 0, 16));
    assert.equal(new Set(slots).size, crafted.length);
    const again = crafted.map((view) => interner.intern(view, 0, 16));
    // As many are found as are looked at for one hash; the others are new each time.
    assert.equal(again.filter((slot, i) => slot === slots[i]).length, 127);
  });

  it("finds a value wherever its hint points", () => {
    const interner = new Interner({ values: 64, bytes: 4096 });
    const view = new DataView(Uint8Array.from(Buffer.from("one,two,one")).buffer);
    const [one, two] = [interner.intern(view, 0, 3, 5), interner.intern(view, 4, 7, 5)];
    assert.notEqual(one, two);
    assert.deepEqual(
      [5, 6, 1029].map((hint) => interner.intern(view, 8, 11, hint)),
      [one, one, one],
    );
    assert.equal(interner.intern(view, 4, 7, 5), two);
  });
});

describe("ClientDirectory", () => {
  const line = (peer: string, header: string): string =>
    `msec:1795311934\tremote_addr:${peer}\tstatus:200\turi:/\thttp_x_forwarded_for:${header}`;

  it("resolves by the whole chain, and remembers it", () => {
    const places: string[] = [];
    const directory = new ClientDirectory({
      trust: ["10.0.0.0/8"],
      prefixes: DEFAULT_PREFIXES,
      register: (counted) => places.push(counted),
    });
    const parser = new LineParser();
    const resolve = (peer: string, header: string): string | undefined => {
      parser.parseText(line(peer, header));
      directory.resolve(parser.row);
      return parser.row.client?.counted;
    };

    const chains = [
      resolve("10.0.0.1", "198.51.100.4"),
      resolve("10.0.0.1", "198.51.100.4"),
      resolve("10.0.0.1", "203.0.113.1, 198.51.100.4"),
      resolve("10.0.0.1", "2001:db8::1"),
      resolve("198.51.100.4", "192.0.2.1"),
      resolve("nonsense", "192.0.2.1"),
      resolve("10.0.0.1", "-"),
    ];

    assert.deepEqual(chains, [
      "198.51.100.4",
      "198.51.100.4",
      "198.51.100.4",
      "2001:db8::/64",
      "198.51.100.4",
      undefined,
      "10.0.0.1",
    ]);
    assert.deepEqual(places, [
      "198.51.100.4",
      "198.51.100.4",
      "2001:db8::/64",
      "198.51.100.4",
      "10.0.0.1",
    ]);
    assert.equal(directory.names().get(directory.idOf("198.51.100.4")), "198.51.100.4");
  });
});
