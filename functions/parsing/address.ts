import ipaddr from "ipaddr.js";

/** How much of an address makes one client: bits of prefix. */
export interface ClientPrefixes {
  /** 8 to 32. @default 32 - every IPv4 address is a client of its own. */
  readonly ipv4Prefix: number;
  /** 16 to 128. @default 64 - one subscriber owns at least a /64. */
  readonly ipv6Prefix: number;
}

export const DEFAULT_PREFIXES: ClientPrefixes = { ipv4Prefix: 32, ipv6Prefix: 64 };

/** Ranges of addresses that never reach a load balancer from outside, so they are never blocked. */
const UNBLOCKABLE = new Set([
  "unspecified",
  "broadcast",
  "multicast",
  "linkLocal",
  "loopback",
  "carrierGradeNat",
  "private",
  "uniqueLocal",
]);

/** `toString()` gives the canonical form: IPv6 compressed and in lower case (RFC 5952). */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The canonical form of an address as text; see `parseAddress`. */
export function canonicalAddress(text: string): string | undefined {
  return parseAddress(text)?.toString();
}

/** The client that an address counts as: itself, or the prefix in CIDR form. */
export function clientOf(address: Address, prefixes: ClientPrefixes): string {
  const isIPv4 = address.kind() === "ipv4";
  const bits = isIPv4 ? prefixes.ipv4Prefix : prefixes.ipv6Prefix;
  if (bits === (isIPv4 ? 32 : 128)) return address.toString();
  const network = address.toByteArray().map((byte, i) => byte & networkBits(bits - 8 * i));
  return `${ipaddr.fromByteArray(network).toString()}/${bits}`;
}

/** A byte with its first bits set: none below 1, all from 8 on. */
const networkBits = (bits: number): number => (0xff00 >> Math.min(8, Math.max(0, bits))) & 0xff;

/** Whether an address can be a client from the internet: not private, loopback, link-local, multicast. */
export const isBlockable = (address: Address): boolean => !UNBLOCKABLE.has(address.range());

/** Whether an address lies in a private range (RFC 1918, RFC 6598, RFC 4193) or is loopback. */
export function isPrivate(address: Address): boolean {
  return ["private", "uniqueLocal", "carrierGradeNat", "loopback"].includes(address.range());
}

/** A CIDR block (or one address) in canonical form with its host bits cleared, or undefined. */
export function canonicalCidr(text: string): string | undefined {
  const [addressText, bitsText, ...rest] = text.trim().split("/");
  const parsed = parseAddress(addressText);
  if (parsed === undefined || rest.length > 0) return undefined;
  const isIPv4 = parsed.kind() === "ipv4";
  const width = isIPv4 ? 32 : 128;
  const wasMapped = isIPv4 && addressText.includes(":");
  const bits = bitsText === undefined ? width : readBits(bitsText) - (wasMapped ? 96 : 0);
  if (Number.isNaN(bits) || bits < 0 || bits > width) return undefined;
  const family = isIPv4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const network = family.networkAddressFromCIDR(`${parsed.toString()}/${String(bits)}`);
  return `${network.toString()}/${String(bits)}`;
}

/** A fixed set of CIDR blocks that answers whether an address lies in one of them. */
export class AddressSet {
  private readonly blocks: readonly (readonly [Address, number])[];

  /** @throws Error when a text is no CIDR block; check the texts with `canonicalCidr` first. */
  constructor(cidrs: readonly string[]) {
    this.blocks = cidrs.map((text) => {
      const cidr = canonicalCidr(text);
      if (cidr === undefined) {
        throw new Error(
          `"${text}" is not a CIDR block; write an address or range such as 192.0.2.0/24 or 2001:db8::/32`,
        );
      }
      return ipaddr.parseCIDR(cidr);
    });
  }

  has(address: Address): boolean {
    return this.blocks.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
  }
}

/**
 * Reads an address from a log: without spaces, port, brackets or zone, and IPv4-mapped IPv6 as IPv4.
 * Undefined for anything that is not one address: octets above 255, leading zeros, host names,
 * `unknown`, `unix:`.
 */
export function parseAddress(text: string): Address | undefined {
  const bare = withoutPort(text.trim());
  if (isIPv4(bare)) return new ipaddr.IPv4(bare.split(".").map(Number));
  if (!bare.includes(":")) return undefined;
  const zoneless = bare.replace(/%.*$/, "");
  try {
    const address = ipaddr.IPv6.parse(withoutDots(zoneless));
    return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
  } catch {
    return undefined;
  }
}

/** Whether a text is an IPv4 address as it is, in canonical form. */
const isIPv4 = (text: string): boolean => IPV4.test(text);

/**
 * IPv6 whose end may be written as IPv4 (RFC 4291, 2.2), in hexadecimal throughout: of `::192.0.2.1`
 * the library would make an IPv4-mapped address, which it is not.
 */
function withoutDots(text: string): string {
  const end = text.lastIndexOf(":") + 1;
  if (!isIPv4(text.slice(end))) return text;
  const [a, b, c, d] = text.slice(end).split(".").map(Number);
  return `${text.slice(0, end)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** Four numbers from 0 to 255 without leading zeros, which some programs take for octal. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** `[2001:db8::1]:443`, `[2001:db8::1]` and `192.0.2.1:8080` without brackets and port. */
function withoutPort(text: string): string {
  const parts = /^\[(.*)\](?::(\d+))?$/.exec(text) ?? /^([\d.]+):(\d+)$/.exec(text) ?? [];
  // Where there is no port, any possible one will do.
  const [, address = text, port = "1"] = parts;
  return Number(port) >= 1 && Number(port) <= 65_535 ? address : text;
}

function readBits(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : NaN;
}
