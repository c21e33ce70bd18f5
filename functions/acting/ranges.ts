import ipaddr from "ipaddr.js";

/** Whole ranges of addresses as numbers, both ends included. */
export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export type Family = "ipv4" | "ipv6";

const WIDTH: Readonly<Record<Family, number>> = { ipv4: 32, ipv6: 128 };

/** The family and range of a CIDR block in canonical form, or of one address. */
export function rangeOf(cidr: string): { family: Family; range: Range } {
  const [address, bits] = cidr.split("/");
  const parsed = ipaddr.parse(address);
  const family = parsed.kind();
  const width = WIDTH[family];
  const size = 1n << BigInt(width - (bits === undefined ? width : Number(bits)));
  const value = parsed.toByteArray().reduce((n, byte) => (n << 8n) | BigInt(byte), 0n);
  const first = value - (value % size);
  return { family, range: { first, last: first + size - 1n } };
}

/** The same addresses in as few ranges as there are, in order. */
export function union(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Range[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) {
      merged.push(range);
    } else if (range.last > before.last) {
      merged[merged.length - 1] = { first: before.first, last: range.last };
    }
  }
  return merged;
}

/** What of `ranges` lies in none of `holes`; both in order and apart, as `union` leaves them. */
export function subtract(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  const left: Range[] = [];
  let from = 0;
  for (const { first, last } of ranges) {
    let start = first;
    while (from < holes.length && holes[from].last < first) from++;
    for (let i = from; i < holes.length && holes[i].first <= last; i++) {
      if (holes[i].first > start) left.push({ first: start, last: holes[i].first - 1n });
      start = holes[i].last + 1n;
    }
    if (start <= last) left.push({ first: start, last });
  }
  return left;
}

/** The fewest CIDR blocks that cover exactly these addresses; never `/0`, which WAF refuses. */
export function toCidrs(ranges: readonly Range[], family: Family): string[] {
  return ranges.flatMap((range) => rangeToCidrs(range, family));
}

function rangeToCidrs({ first, last }: Range, family: Family): string[] {
  const width = WIDTH[family];
  const cidrs: string[] = [];
  let start = first;
  while (start <= last) {
    let bits = 0;
    while (
      bits < width - 1 &&
      start % (2n << BigInt(bits)) === 0n &&
      start + (2n << BigInt(bits)) - 1n <= last
    ) {
      bits++;
    }
    cidrs.push(`${addressText(start, family)}/${String(width - bits)}`);
    start += 1n << BigInt(bits);
  }
  return cidrs;
}

function addressText(value: bigint, family: Family): string {
  const length = WIDTH[family] / 8;
  const bytes = Array.from({ length }, (_, i) =>
    Number((value >> BigInt(8 * (length - 1 - i))) & 255n),
  );
  return ipaddr.fromByteArray(bytes).toString();
}
