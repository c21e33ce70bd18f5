// AssemblyScript: `npm run wasm` compiles it to WebAssembly. The memory holds what `cut` found, from 0,
// and from `TEXT` the bytes of a log; see `LineCutter` for both. Bytes are looked at 16 at a time.

const TEXT: i32 = 64;

const NEWLINE: u8 = 10;
const SPACE: u8 = 32;
const QUOTE: u8 = 34;
const PERCENT: u8 = 37;
const PLUS: u8 = 43;
const DASH: u8 = 45;
const ZERO: u8 = 48;
const COLON: u8 = 58;
const QUESTION_MARK: u8 = 63;
const OPEN_BRACKET: u8 = 91;
const BACKSLASH: u8 = 92;
const UNDERSCORE: u8 = 95;
const OPEN_BRACE: u8 = 123;

/** Texts of two and four bytes, as they lie in memory. */
const SPACE_QUOTE: u16 = 0x2220;
const SPACE_BRACKET: u16 = 0x5b20;
const BRACKET_SPACE: u16 = 0x205d;
const SPACE_DASH_SPACE_DASH: u32 = 0x2d202d20;
const QUOTE_SPACE_QUOTE: u32 = 0x222022;
const GET_SPACE: u32 = 0x20544547;
const HTTP: u32 = 0x50545448;
/** `/0.0`, and what any two digits leave of it. */
const VERSION: u32 = 0x302e302f;
const VERSION_MASK: u32 = 0xf0fff0ff;

const MAX_ADDRESS: i32 = 48;
const MAX_METHOD: i32 = 32;
/** More digits are no exact number. */
const MAX_DIGITS: i32 = 15;
/** `22/Nov/2026:01:45:34 +0000` */
const TIME: i32 = 26;

/**
 * Cuts the line that begins at `start` of the text, of which `end` bytes are there, provided that it is
 *
 *     192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "GET /a?b HTTP/1.1" 200 3 "https://…" "Mozilla/5.0"
 *
 * with anything behind that, and holds no backslash. Returns where it ends, or -1 for any other line.
 * The digits of the time are the caller's to read.
 */
export function cut(start: i32, end: i32): i32 {
  const line = TEXT + start;
  const last = TEXT + end - 1;

  const addressEnd = skipAddress(line);
  if (addressEnd < 0 || byteAt(line) == OPEN_BRACE) return -1;
  if (load<u32>(addressEnd) != SPACE_DASH_SPACE_DASH) return -1;
  if (load<u16>(addressEnd + 4) != SPACE_BRACKET) return -1;
  const time = addressEnd + 6;
  const timeEnd = time + TIME;
  if (byteAt(time + 11) != COLON || byteAt(time + 20) != SPACE || !isWhole(time)) return -1;
  if (load<u16>(timeEnd) != BRACKET_SPACE || byteAt(timeEnd + 2) != QUOTE) return -1;

  const request = timeEnd + 3;
  const methodEnd = skipMethod(request);
  if (methodEnd < 0) return -1;
  const targetEnd = skipTarget(methodEnd + 1, last);
  if (targetEnd < 0 || load<u32>(targetEnd + 1) != HTTP) return -1;
  if ((load<u32>(targetEnd + 5) & VERSION_MASK) != VERSION) return -1;
  const requestEnd = targetEnd + 9;
  if (byteAt(requestEnd) != QUOTE || byteAt(requestEnd + 1) != SPACE) return -1;

  const status = requestEnd + 2;
  const size = status + 4;
  if (skipDigits(status) != size - 1 || byteAt(size - 1) != SPACE || byteAt(status) == ZERO)
    return -1;
  const sizeEnd = skipDigits(size);
  if (sizeEnd == size || sizeEnd - size > MAX_DIGITS) return -1;
  if (load<u16>(sizeEnd) != SPACE_QUOTE) return -1;

  const refererEnd = skipTo(QUOTE, sizeEnd + 2, last);
  if ((load<u32>(refererEnd) & 0xffffff) != QUOTE_SPACE_QUOTE) return -1;
  const agentEnd = skipTo(QUOTE, refererEnd + 3, last);
  if (byteAt(agentEnd) != QUOTE) return -1;
  const lineEnd = skipTo(NEWLINE, agentEnd + 1, last);
  if (lineEnd > last || byteAt(lineEnd) != NEWLINE) return -1;

  // In the order in which `LineCutter` names them.
  store<i32>(0, addressEnd - TEXT);
  store<i32>(4, request - TEXT);
  store<i32>(8, methodEnd - TEXT);
  store<i32>(12, pathEnd - TEXT);
  store<i32>(16, targetEnd - TEXT);
  store<i32>(20, hasEscapes ? 1 : 0);
  store<i32>(24, <i32>integer(status, size - 1));
  store<i32>(28, sizeEnd - TEXT);
  store<i32>(32, refererEnd - TEXT);
  store<i32>(36, agentEnd - TEXT);
  store<f64>(40, <f64>integer(size, sizeEnd));
  return lineEnd - TEXT;
}

/** What `skipTarget` found on its way: the first question mark, and whether there is a `%` or `+`. */
let pathEnd: i32 = 0;
let hasEscapes: bool = false;

function byteAt(at: i32): u8 {
  return load<u8>(at);
}

/** A bit for each of 16 bytes: those that equal `byte`. */
function bitsOf(bytes: v128, byte: u8): i32 {
  return i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(byte)));
}

/** To the space behind an address, or -1: no quote, control sign or byte beyond ASCII stands in one. */
function skipAddress(start: i32): i32 {
  for (let at = start; at - start < MAX_ADDRESS; at += 16) {
    const bytes = v128.load(at);
    const stops =
      i8x16.bitmask(i8x16.lt_s(bytes, i8x16.splat(SPACE + 1))) |
      bitsOf(bytes, QUOTE) |
      bitsOf(bytes, BACKSLASH);
    if (stops == 0) continue;
    const stop = at + ctz(stops);
    return stop > start && byteAt(stop) == SPACE ? stop : -1;
  }
  return -1;
}

/** Whether neither a line end nor a backslash stands in a time. */
function isWhole(time: i32): bool {
  const head = v128.load(time);
  const rest = v128.load(time + TIME - 16);
  const stops =
    bitsOf(head, NEWLINE) |
    bitsOf(head, BACKSLASH) |
    bitsOf(rest, NEWLINE) |
    bitsOf(rest, BACKSLASH);
  return stops == 0;
}

/** To the space behind a method, or -1. */
function skipMethod(start: i32): i32 {
  if (load<u32>(start) == GET_SPACE) return start + 3;
  let at = start;
  while (isMethodByte(byteAt(at))) at++;
  return at > start && at - start <= MAX_METHOD && byteAt(at) == SPACE ? at : -1;
}

function isMethodByte(byte: u8): bool {
  return (byte >= 65 && byte <= 90) || byte == UNDERSCORE || byte == DASH;
}

/** To the space behind a request target, or -1. */
function skipTarget(start: i32, last: i32): i32 {
  pathEnd = -1;
  hasEscapes = false;
  for (let at = start; at <= last; at += 16) {
    const bytes = v128.load(at);
    const stops =
      bitsOf(bytes, SPACE) |
      bitsOf(bytes, QUOTE) |
      bitsOf(bytes, BACKSLASH) |
      bitsOf(bytes, NEWLINE);
    const before = stops == 0 ? 0xffff : (stops & -stops) - 1;
    const questionMarks = bitsOf(bytes, QUESTION_MARK) & before;
    if (questionMarks != 0 && pathEnd < 0) pathEnd = at + ctz(questionMarks);
    if (((bitsOf(bytes, PERCENT) | bitsOf(bytes, PLUS)) & before) != 0) hasEscapes = true;
    if (stops == 0) continue;
    const stop = at + ctz(stops);
    if (pathEnd < 0) pathEnd = stop;
    return byteAt(stop) == SPACE ? stop : -1;
  }
  return -1;
}

/** To the byte that is looked for; in other lines to a backslash, the end of the line, or behind `last`. */
function skipTo(byte: u8, start: i32, last: i32): i32 {
  for (let at = start; at <= last; at += 16) {
    const bytes = v128.load(at);
    const stops = bitsOf(bytes, byte) | bitsOf(bytes, BACKSLASH) | bitsOf(bytes, NEWLINE);
    if (stops != 0) return at + ctz(stops);
  }
  return last + 1;
}

function skipDigits(start: i32): i32 {
  let at = start;
  while (<u8>(byteAt(at) - ZERO) <= 9) at++;
  return at;
}

function integer(start: i32, end: i32): i64 {
  let value: i64 = 0;
  for (let at = start; at < end; at++) value = value * 10 + (byteAt(at) - ZERO);
  return value;
}
