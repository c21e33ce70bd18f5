import { COLON, DOT, hexDigit, ZERO } from "./bytes";

/** The first bits of the IPv4 addresses that are never blocked, and how many of them count. */
const UNBLOCKABLE: readonly (readonly [bits: number, length: number])[] = [
  [0, 8],
  [10, 8],
  [(100 << 2) | 1, 10],
  [127, 8],
  [(169 << 8) | 254, 16],
  [(172 << 4) | 1, 12],
  [(192 << 8) | 168, 16],
  [0b111, 3],
];

/**
 * Whether a canonical IPv4 address stands at `[start, end)`, and one that may be blocked: what
 * `parseAddress` and `isBlockable` would say, found without taking it out of the line. Of the last
 * eighth of all addresses, which no client has, it always says no.
 */
export function isBlockableIPv4(view: DataView, start: number, end: number): boolean {
  let address = 0;
  let octet = -1;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const byte = view.getUint8(i);
    if (byte === DOT && octet >= 0) {
      address = (address << 8) | octet;
      octet = -1;
      dots++;
      continue;
    }
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9 || octet === 0) return false;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return false;
  }
  if (dots !== 3 || octet < 0) return false;
  address = (address << 8) | octet;
  for (const [bits, length] of UNBLOCKABLE) if (address >>> (32 - length) === bits) return false;
  return true;
}

const GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * Where the text of the first 64 bits ends of the canonical IPv6 address at `[start, end)`: with
 * `::/64` behind it, that is its network in canonical form. -1 for any other text, for an address
 * outside 2000::/3, in which all lie that may be blocked, and for the few whose zeros make it harder.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5952 (the canonical form)
 */
export function networkEndIPv6(view: DataView, start: number, end: number): number {
  const first = end - start > 4 ? view.getUint8(start) : 0;
  if ((first !== TWO && first !== THREE) || view.getUint8(start + 4) !== COLON) return -1;
  let groups = 0;
  /** Groups in front of `::`. */
  let gapAt = -1;
  let networkEnd = -1;
  let wasZero = false;
  for (let at = start; at < end;) {
    const groupEnd = hexGroupEnd(view, at, end);
    if (groupEnd < 0) return -1;
    const isZero = view.getUint8(at) === ZERO;
    // Zeros side by side, or beside the gap: whether these are canonical takes a longer look.
    if (isZero && (wasZero || groups === gapAt)) return -1;
    groups++;
    at = groupEnd + 1;
    const isGap = at < end && view.getUint8(at) === COLON;
    if (isGap && (isZero || gapAt >= 0)) return -1;
    if (groups === NETWORK_GROUPS && gapAt < 0) networkEnd = isZero ? -1 : groupEnd;
    if (isGap) {
      gapAt = groups;
      if (groups < NETWORK_GROUPS) networkEnd = groupEnd;
      at++;
    } else if (at === end) {
      return -1;
    }
    wasZero = isZero;
  }
  if (gapAt < 0) return groups === GROUPS ? networkEnd : -1;
  const behind = groups - gapAt;
  return groups <= GROUPS - 2 && behind <= GROUPS - NETWORK_GROUPS ? networkEnd : -1;
}

const TWO = 50;
const THREE = 51;

/** The end of one to four hexadecimal digits in lower case without leading zeros, or -1. */
function hexGroupEnd(view: DataView, start: number, end: number): number {
  let at = start;
  for (; at < end && view.getUint8(at) !== COLON; at++) {
    const byte = view.getUint8(at);
    if (hexDigit(byte) < 0 || (byte >= 65 && byte <= 70)) return -1;
  }
  const length = at - start;
  if (length === 0 || length > 4) return -1;
  return length > 1 && view.getUint8(start) === ZERO ? -1 : at;
}
