import assert from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  AddressSet,
  canonicalAddress,
  canonicalCidr,
  clientOf,
  DEFAULT_PREFIXES,
  isBlockable,
  parseAddress,
} from "../../../functions/parsing/address";
import { viewOf } from "../../../functions/parsing/bytes";
import { ClientDirectory, type Client } from "../../../functions/parsing/client-directory";
import { ClientResolver } from "../../../functions/parsing/client-address";
import { networkEndIPv6 } from "../../../functions/parsing/plain-address";

const LOCAL = ["127.0.0.0/8", "10.0.0.0/8"];

describe("ClientResolver", () => {
  const cases: readonly (readonly [
    trust: readonly string[],
    peer: string,
    header: string | undefined,
    client: string,
  ])[] = [
    [LOCAL, "127.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.1", "2.2.2.2"],
    [LOCAL, "127.0.0.1", "10.0.0.5, 10.0.0.1", "10.0.0.5"],
    [LOCAL, "127.0.0.1", "1.1.1.1, garbage, 10.0.0.1", "10.0.0.1"],
    [LOCAL, "127.0.0.1", "garbage", "127.0.0.1"],
    [LOCAL, "127.0.0.1", "", "127.0.0.1"],
    [LOCAL, "127.0.0.1", "unknown, 10.0.0.1", "10.0.0.1"],
    [LOCAL, "127.0.0.1", "1.1.1.1,,10.0.0.1", "1.1.1.1"],
    [LOCAL, "127.0.0.1", "[2001:db8::1]:443, 10.0.0.1", "2001:db8::1"],
    [LOCAL, "127.0.0.1", "1.2.3.4:5678", "1.2.3.4"],
    [LOCAL, "127.0.0.1", "2.2.2.2, ::ffff:10.0.0.1", "2.2.2.2"],
    [LOCAL, "127.0.0.1", "1.1.1.1, 3.3.3.3", "3.3.3.3"],
    [LOCAL, "127.0.0.1", "1.1.1.1 10.0.0.1", "1.1.1.1"],
    [LOCAL, "127.0.0.1", "1.1.1.1, ::10.0.0.1, 10.0.0.1", "::a00:1"],
    [LOCAL, "192.0.2.9", "1.1.1.1", "192.0.2.9"],
    [LOCAL, "127.0.0.1", undefined, "127.0.0.1"],
    [[], "10.0.0.1", "1.1.1.1", "10.0.0.1"],
    [["alb"], "10.0.0.7", "203.0.113.66, 198.51.100.4", "198.51.100.4"],
    [["alb"], "10.0.0.7", "203.0.113.66, 10.9.9.9", "10.9.9.9"],
    [["alb"], "198.51.100.4", "203.0.113.66", "198.51.100.4"],
    [["cloudfront"], "130.176.1.1", "203.0.113.66, 198.51.100.4", "198.51.100.4"],
    [["alb", "cloudfront"], "10.0.0.7", "203.0.113.66, 198.51.100.4, 130.176.1.1", "198.51.100.4"],
    [["2"], "192.0.2.9", "203.0.113.66, 198.51.100.4, 192.0.2.8", "198.51.100.4"],
  ];
  for (const [trust, peer, header, client] of cases) {
    it(`finds ${client} behind ${peer} with ${JSON.stringify(header)}, trusting ${trust.join(" ") || "nobody"}`, () => {
      assert.equal(new ClientResolver(trust).resolve(peer, header).address?.toString(), client);
    });
  }

  it("never lets what stands left of the first unknown hop decide", () => {
    const resolver = new ClientResolver(LOCAL);
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (forged) => {
        const { address, isProxy } = resolver.resolve(
          "127.0.0.1",
          `${forged}, 198.51.100.4, 10.0.0.1`,
        );
        assert.equal(address?.toString(), "198.51.100.4");
        assert.equal(isProxy, false);
      }),
    );
  });

  it("says that the answer is a proxy when the chain ends in garbage or in nobody else", () => {
    const resolver = new ClientResolver(LOCAL);
    assert.equal(resolver.resolve("127.0.0.1", "1.1.1.1, garbage, 10.0.0.1").isProxy, true);
    assert.equal(resolver.resolve("127.0.0.1", undefined).isProxy, true);
    assert.equal(new ClientResolver(["alb"]).resolve("10.0.0.7", "198.51.100.4").isProxy, false);
  });

  it("looks at the right end of an endless header only", () => {
    const header = `${"1.1.1.1, ".repeat(100_000)}198.51.100.4`;
    assert.equal(
      new ClientResolver(["127.0.0.1"]).resolve("127.0.0.1", header).address?.toString(),
      "198.51.100.4",
    );
  });
});

describe("canonicalAddress", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    [" 192.0.2.1 ", "192.0.2.1"],
    ["::ffff:192.0.2.9", "192.0.2.9"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::10.0.0.1", "::a00:1"],
    ["2001:db8::192.0.2.1", "2001:db8::c000:201"],
    ["2001:db8::192.0.2.256", undefined],
    ["192.0.2.1:65535", "192.0.2.1"],
    ["192.0.2.1:65536", undefined],
    ["[2001:db8::1]:0", undefined],
    ["[2001:db8::1]", "2001:db8::1"],
    ["256.0.0.1", undefined],
    ["010.0.0.1", undefined],
    ["10.0.1", undefined],
    ["localhost", undefined],
    ["unix:", undefined],
    ["_hidden", undefined],
    ["", undefined],
    ["[2001:db8::1]:x", undefined],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text)} as ${String(expected)}`, () => {
      assert.equal(canonicalAddress(text), expected);
    });
  }
});

describe("canonicalCidr", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["192.0.2.77/24", "192.0.2.0/24"],
    ["192.0.2.77", "192.0.2.77/32"],
    ["2001:db8::1/64", "2001:db8::/64"],
    ["::ffff:192.0.2.0/120", "192.0.2.0/24"],
    ["192.0.2.0/33", undefined],
    ["192.0.2.0/x", undefined],
    ["192.0.2.0/24/1", undefined],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text} as ${String(expected)}`, () => {
      assert.equal(canonicalCidr(text), expected);
    });
  }
});

describe("AddressSet", () => {
  it("says whether an address lies in one of its blocks", () => {
    const set = new AddressSet(["192.0.2.0/24", "2001:db8::/32"]);
    const has = (text: string): boolean => {
      const address = parseAddress(text);
      return address !== undefined && set.has(address);
    };
    assert.deepEqual(["192.0.2.9", "192.0.3.9", "2001:db8::9", "::ffff:192.0.2.9"].map(has), [
      true,
      false,
      true,
      true,
    ]);
  });

  it("refuses what is no block, and says what is one", () => {
    assert.throws(() => new AddressSet(["192.0.2.0/24", "office"]), /"office" is not a CIDR block/);
  });
});

describe("clientOf", () => {
  it("counts IPv6 by prefix and IPv4 by address", () => {
    const count = (text: string, ipv4Prefix: number, ipv6Prefix: number): string => {
      const address = parseAddress(text);
      assert.ok(address);
      return clientOf(address, { ipv4Prefix, ipv6Prefix });
    };
    assert.equal(count("2001:db8:1:2:3::4", 32, 64), "2001:db8:1:2::/64");
    assert.equal(count("2001:db8::4", 32, 128), "2001:db8::4");
    assert.equal(count("192.0.2.77", 32, 64), "192.0.2.77");
    assert.equal(count("192.0.2.77", 24, 64), "192.0.2.0/24");
  });
});

describe("ClientDirectory", () => {
  const directory = new ClientDirectory({ trust: [], prefixes: DEFAULT_PREFIXES });
  const clientAt = (text: string): Client | undefined => {
    const bytes = Buffer.from(text);
    return directory.clientAt(viewOf(bytes), 0, bytes.length);
  };
  const cases: readonly (readonly [address: string, expected: boolean])[] = [
    ["0.0.0.0", false],
    ["10.0.0.1", false],
    ["11.0.0.1", true],
    ["100.63.255.255", true],
    ["100.64.0.1", false],
    ["127.0.0.1", false],
    ["128.0.0.1", true],
    ["169.254.1.1", false],
    ["172.15.0.1", true],
    ["172.16.0.1", false],
    ["192.0.2.1", true],
    ["192.168.1.1", false],
    ["223.255.255.255", true],
    ["224.0.0.1", false],
    ["239.1.2.3", false],
    ["255.255.255.255", false],
    ["::1", false],
    ["fe80::1", false],
    ["fd00::1", false],
    ["ff02::1", false],
    ["2001:db8::1", true],
    ["192.0.2", false],
    ["192.0.2.", false],
    ["192.0..1", false],
    ["192.0.2.1.1", false],
    ["192.0.2.256", false],
    ["192.0.2.01", false],
    ["not an address", false],
  ];
  for (const [address, expected] of cases) {
    it(`says that ${address} ${expected ? "may" : "must not"} be blocked`, () => {
      assert.equal(clientAt(address)?.isBlockable ?? false, expected);
    });
  }

  it("says what the library's ranges say of every IPv4 address", () => {
    const special = ["unspecified", "broadcast", "multicast", "linkLocal", "loopback"];
    const ranges = new Set<string>([...special, "carrierGradeNat", "private"]);
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const isSpecial = ranges.has(parseAddress(text)?.range() ?? "private");
        assert.equal(clientAt(text)?.isBlockable, !isSpecial);
      }),
      { numRuns: 2000 },
    );
  });

  it("counts every address as the library reads it, however it is written", () => {
    const group = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff));
    const groups = fc.array(group, { minLength: 8, maxLength: 8 });
    const first = fc.integer({ min: 0x1fff, max: 0x4000 });
    const written = fc.tuple(first, groups).map(([head, rest]) => {
      const parts = [head, ...rest.slice(1)];
      return new ipaddr.IPv6(parts).toString();
    });
    const change = fc.tuple(fc.nat(30), fc.constantFrom("", ":", "::", "0", "F", "f", "g", "."));
    const text = fc.oneof(
      written,
      fc.ipV6(),
      fc.tuple(fc.ipV4(), change).map(([t, [at, sign]]) => t.slice(0, at) + sign + t.slice(at + 1)),
      fc.tuple(written, change).map(([t, [at, sign]]) => t.slice(0, at) + sign + t.slice(at + 1)),
    );
    fc.assert(
      fc.property(text, (address) => {
        const parsed = parseAddress(address);
        const client = clientAt(address);
        assert.equal(client?.text, parsed?.toString());
        if (parsed === undefined) return;
        assert.equal(client?.counted, clientOf(parsed, DEFAULT_PREFIXES));
        assert.equal(client.isBlockable, isBlockable(parsed));
      }),
      { numRuns: 5000 },
    );
  });

  const NETWORKS: readonly (readonly [address: string, network: string | undefined])[] = [
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::1", "2001:db8:1:2"],
    ["2001:db8:0:2::1", "2001:db8:0:2"],
    ["2001:db8:1::1", "2001:db8:1"],
    ["2001:db8::1", "2001:db8"],
    ["2001:db8::", "2001:db8"],
    ["3fff::1:2:3:4", "3fff"],
    ["2001::1:2:3:4:5", undefined],
    ["2001:db8:1:0:2:3:4:5", undefined],
    ["2001:db8:1:0::1", undefined],
    ["2001:db8::0:1", undefined],
    ["2001:db8:0:0:1:2:3:4", undefined],
    ["2001:db8:1:2:3:4:5:6:7", undefined],
    ["2001:db8:1:2:3:4:5::7", undefined],
    ["2001:db8::1::2", undefined],
    ["2001:db8:::1", undefined],
    ["2001:db8:1:2:3:4:5:", undefined],
    ["2001:db8", undefined],
    ["2001:DB8::1", undefined],
    ["2001:0db8::1", undefined],
    ["2001:db8g::1", undefined],
    ["2001:db8::192.0.2.1", undefined],
    ["fd00::1", undefined],
    ["201:db8::1", undefined],
    ["2001", undefined],
    ["", undefined],
  ];
  for (const [address, network] of NETWORKS) {
    it(`${network === undefined ? "takes a longer look at" : "sees the network of"} "${address}"`, () => {
      const bytes = Buffer.from(address);
      const end = networkEndIPv6(viewOf(bytes), 0, bytes.length);
      assert.equal(end < 0 ? undefined : address.slice(0, end), network);
    });
  }
});
