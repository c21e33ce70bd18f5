import { AddressSet, canonicalCidr, isPrivate, parseAddress, type Address } from "./address";
import { CLOUDFRONT_RANGES } from "./cloudfront-ranges";

/**
 * Who is trusted to have written `X-Forwarded-For`: CIDR blocks, a number of hops, and presets.
 * `alb` trusts one private peer, the load balancer; `cloudfront` trusts CloudFront's own ranges.
 */
export type Trust = readonly string[];

const TRUST_PRESETS = ["alb", "cloudfront"] as const;

/** One address of the chain, nearest first. */
export interface Hop {
  /** As it was logged. */
  readonly text: string;
  /** Undefined when the text is no address. */
  readonly address: Address | undefined;
  readonly trusted: boolean;
}

export interface ClientAddress {
  /** Undefined when not even the peer is an address. */
  readonly address: Address | undefined;
  /** What was looked at, nearest first; the last one decided. */
  readonly hops: readonly Hop[];
  /**
   * The answer is a proxy of ours, because the chain ended in text that is no address or held
   * nobody else. It may be counted, and must not be blocked.
   */
  readonly isProxy: boolean;
}

/** Only the right end of a header was written by machines we know; the rest can be any length. */
const MAX_HEADER_CHARACTERS = 4096;
const MAX_HOPS = 50;

/** Whether a text can stand in `trust`: a CIDR block, a number of hops from 1 to 10, or a preset. */
export function isTrust(text: string): boolean {
  return (
    (TRUST_PRESETS as readonly string[]).includes(text) ||
    /^([1-9]|10)$/.test(text) ||
    canonicalCidr(text) !== undefined
  );
}

/**
 * Finds clients by walking `X-Forwarded-For` from the right over trusted hops, as nginx's
 * `real_ip_recursive on` does: the first hop that is not trusted is the client, whatever stands
 * left of it. Without trusted hops the peer is the client and the header is ignored.
 *
 * @see https://nginx.org/en/docs/http/ngx_http_realip_module.html
 */
export class ClientResolver {
  private readonly trusted: AddressSet;
  private readonly hopCount: number;
  private readonly trustsPrivatePeer: boolean;
  readonly walks: boolean;
  /** Whoever comes from the internet is the client, whatever the header says. */
  readonly trustsNobodyOutside: boolean;

  constructor(trust: Trust) {
    const cidrs = trust.filter((text) => canonicalCidr(text) !== undefined);
    const ranges = trust.includes("cloudfront") ? CLOUDFRONT_RANGES : [];
    this.trusted = new AddressSet([...cidrs, ...ranges]);
    this.hopCount = Math.max(0, ...trust.filter((text) => /^\d+$/.test(text)).map(Number));
    this.trustsPrivatePeer = trust.includes("alb");
    this.walks = trust.length > 0;
    this.trustsNobodyOutside = trust.every((text) => text === "alb");
  }

  /** `forwardedFor` is the header as logged, or undefined when the request had none. */
  resolve(peer: string, forwardedFor: string | undefined): ClientAddress {
    const hops: Hop[] = [this.hop(peer, 0)];
    let client = hops[0];
    if (forwardedFor !== undefined && client.trusted) {
      for (const text of fromTheRight(forwardedFor)) {
        const hop = this.hop(text, hops.length);
        hops.push(hop);
        if (hop.address === undefined) break;
        client = hop;
        if (!hop.trusted) break;
      }
    }
    return {
      address: client.address,
      hops,
      isProxy: client.trusted && !this.isLeftmost(client, hops),
    };
  }

  private hop(text: string, position: number): Hop {
    const address = parseAddress(text);
    return { text, address, trusted: address !== undefined && this.isTrusted(address, position) };
  }

  private isTrusted(address: Address, position: number): boolean {
    if (position < this.hopCount || this.trusted.has(address)) return true;
    return position === 0 && this.trustsPrivatePeer && isPrivate(address);
  }

  /** Trusted by its place in the chain alone, and nobody stood left of it: a client that came in directly. */
  private isLeftmost(client: Hop, hops: readonly Hop[]): boolean {
    const inChain = hops.length > 1 && client === hops[hops.length - 1];
    return inChain && client.address !== undefined && !this.trusted.has(client.address);
  }
}

/** The elements of the header, between commas and spaces, last one first; empty ones are skipped. */
function fromTheRight(header: string): string[] {
  const end = header.slice(-MAX_HEADER_CHARACTERS);
  const elements = end.split(/[ ,]+/).filter((element) => element !== "");
  const whole = end.length === header.length ? elements : elements.slice(1);
  return whole.slice(-MAX_HOPS).reverse();
}
