import assert from "node:assert/strict";
import fc from "fast-check";
import type { Decision } from "../../../functions/acting/decision";
import { nextAddresses } from "../../../functions/acting/ip-set-contents";
import { rangeOf, subtract, toCidrs, union, type Range } from "../../../functions/acting/ranges";

const NOW = 1_000_000;
const decision = (client: string, change: Partial<Decision> = {}): Decision => ({
  client,
  action: "block",
  from: 0,
  until: NOW + 1,
  rule: "r",
  level: 0,
  evidence: "",
  by: "rule",
  foundAt: 0,
  decidedAt: 0,
  ...change,
});
const settings = { now: NOW, allow: [] };

/** Blocks within 198.51.100.0/26, so that every address can be looked at. */
const cidrArb = fc.tuple(fc.nat(63), fc.integer({ min: 26, max: 32 })).map(([host, bits]) => {
  const size = 2 ** (32 - bits);
  return `198.51.100.${String(host - (host % size))}/${String(bits)}`;
});
const members = (cidrs: readonly string[]): Set<bigint> => {
  const all = new Set<bigint>();
  for (const cidr of cidrs) {
    const { range } = rangeOf(cidr);
    for (let at = range.first; at <= range.last; at++) all.add(at);
  }
  return all;
};

describe("ranges", () => {
  it("merge exactly: the same addresses, in as few blocks as there are", () => {
    fc.assert(
      fc.property(fc.array(cidrArb, { maxLength: 12 }), (cidrs) => {
        const merged = toCidrs(union(cidrs.map((cidr) => rangeOf(cidr).range)), "ipv4");
        assert.deepEqual([...members(merged)].sort(), [...members(cidrs)].sort());
        for (const one of merged) {
          const { first, last } = rangeOf(one).range;
          const size = last - first + 1n;
          const twin = first % (2n * size) === 0n ? first + size : first - size;
          const hasTwin = merged.some(
            (other) =>
              rangeOf(other).range.first === twin && rangeOf(other).range.last === twin + size - 1n,
          );
          assert.equal(hasTwin, false, `${one} and its neighbour are one block`);
        }
      }),
    );
  });

  it("subtract what lies before, within, across and behind", () => {
    const range = (first: number, last: number): Range => ({
      first: BigInt(first),
      last: BigInt(last),
    });
    assert.deepEqual(
      subtract(
        [range(10, 19), range(30, 39), range(50, 59)],
        [range(0, 5), range(8, 11), range(13, 14), range(35, 52), range(70, 79)],
      ),
      [range(12, 12), range(15, 19), range(30, 34), range(53, 59)],
    );
  });

  it("subtract exactly", () => {
    fc.assert(
      fc.property(
        fc.array(cidrArb, { maxLength: 8 }),
        fc.array(cidrArb, { maxLength: 8 }),
        (cidrs, holes) => {
          const left = members(
            toCidrs(
              subtract(
                union(cidrs.map((c) => rangeOf(c).range)),
                union(holes.map((c) => rangeOf(c).range)),
              ),
              "ipv4",
            ),
          );
          const gone = members(holes);
          assert.deepEqual(
            [...left].sort(),
            [...members(cidrs)].filter((address) => !gone.has(address)).sort(),
          );
        },
      ),
    );
  });

  it("never make a /0, which WAF refuses", () => {
    assert.deepEqual(toCidrs(union([rangeOf("0.0.0.0/0").range]), "ipv4"), [
      "0.0.0.0/1",
      "128.0.0.0/1",
    ]);
    assert.deepEqual(toCidrs(union([rangeOf("::/0").range]), "ipv6"), ["::/1", "8000::/1"]);
  });

  it("write IPv6 in canonical form", () => {
    assert.deepEqual(
      toCidrs(union([rangeOf("2001:db8::/64").range, rangeOf("2001:db8:0:1::/64").range]), "ipv6"),
      ["2001:db8::/63"],
    );
  });
});

describe("nextAddresses", () => {
  it("holds the decisions in force of one action, families apart, in order", () => {
    const contents = nextAddresses(
      [
        decision("198.51.100.9/32"),
        decision("198.51.100.1/32"),
        decision("198.51.100.2/32", { until: NOW }),
        decision("198.51.100.3/32", { from: NOW + 1 }),
        decision("198.51.100.4/32", { action: "count" }),
        decision("2001:db8::/64"),
      ],
      "block",
      settings,
    );
    assert.deepEqual(contents, {
      ipv4: ["198.51.100.1/32", "198.51.100.9/32"],
      ipv6: ["2001:db8::/64"],
      leftOut: 0,
    });
  });

  it("never covers an allowed address, not even inside a block, and covers all the rest", () => {
    fc.assert(
      fc.property(
        fc.array(cidrArb, { maxLength: 10 }),
        fc.array(cidrArb, { maxLength: 4 }),
        (clients, allow) => {
          const { ipv4 } = nextAddresses(
            clients.map((client) => decision(client)),
            "block",
            { now: NOW, allow },
          );
          const allowed = members(allow);
          assert.deepEqual(
            [...members(ipv4)].sort(),
            [...members(clients)].filter((address) => !allowed.has(address)).sort(),
          );
        },
      ),
    );
  });

  it("gives the same whatever the order of the decisions, and again from its own answer", () => {
    fc.assert(
      fc.property(fc.array(cidrArb, { maxLength: 10 }), (clients) => {
        const once = nextAddresses(
          clients.map((client) => decision(client)),
          "block",
          settings,
        );
        const reversed = nextAddresses(
          [...clients].reverse().map((client) => decision(client)),
          "block",
          settings,
        );
        const again = nextAddresses(
          once.ipv4.map((client) => decision(client)),
          "block",
          settings,
        );
        assert.deepEqual(reversed, once);
        assert.deepEqual(again.ipv4, once.ipv4);
      }),
    );
  });

  it("keeps the most severe and most recent at the limit", () => {
    const clients = Array.from({ length: 10_001 }, (_, i) =>
      decision(`10.${String(i >> 8)}.${String(i & 255)}.${String((i * 2) % 256)}/32`, { from: i }),
    );
    clients.push(decision("198.51.100.1/32", { from: 0, level: 3 }));

    const { ipv4, leftOut } = nextAddresses(clients, "block", settings);

    assert.equal(ipv4.length, 10_000);
    assert.equal(leftOut, 2);
    assert.ok(ipv4.includes("198.51.100.1/32"));
    assert.ok(!ipv4.includes("10.0.0.0/32"));
    assert.ok(!ipv4.includes("10.0.1.2/32"));
  });

  it("is never over the limit", () => {
    fc.assert(
      fc.property(
        fc.array(cidrArb, { maxLength: 20 }),
        fc.array(cidrArb, { maxLength: 3 }),
        fc.integer({ min: 1, max: 5 }),
        (clients, allow, limit) => {
          const { ipv4 } = nextAddresses(
            clients.map((client) => decision(client)),
            "block",
            { now: NOW, allow, limit },
          );
          assert.ok(ipv4.length <= limit);
        },
      ),
    );
  });
});
