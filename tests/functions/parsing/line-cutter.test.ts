import assert from "node:assert/strict";
import fc from "fast-check";
import { LineCutter } from "../../../functions/parsing/line-cutter";
import { LineParser } from "../../../functions/parsing/line-parser";
import type { Row } from "../../../functions/parsing/row";

const USUAL =
  '192.0.2.4 - - [22/Nov/2026:01:45:34 +0000] "GET /x?q=1 HTTP/1.1" 200 3 "https://example.com/" "Mozilla/5.0"';

const SIZE = 4096;

const seen = (row: Row): unknown => ({
  ...row.columns(),
  numbers: [row.time, row.status, row.bytes, row.objectBytes, row.durationMs],
  kind: row.kind,
  format: row.format,
  partial: row.partial,
  hasPlainTarget: row.hasPlainTarget,
  line: row.lineText(),
});

/** Where the line ends that begins at `start` of `text`; the memory holds other things behind it. */
function cutOf(text: string, start = 0): number {
  const cutter = new LineCutter(SIZE);
  cutter.buf.fill('" "\n');
  return cutter.cut(start, cutter.buf.write(text, "latin1"));
}

/** What becomes of a line that was cut, and of the same line when the parser finds its columns. */
function bothWays(line: string): readonly [unknown, unknown] {
  const cutter = new LineCutter(SIZE);
  const end = cutter.cut(0, cutter.buf.write(`${line}\n`, "latin1"));
  assert.equal(end, line.length);
  const [ours, theirs] = [new LineParser("nginx"), new LineParser("nginx")];
  ours.load(cutter.buf);
  theirs.load(cutter.buf);
  return [
    ours.parseCut(cutter, 0, end) ?? seen(ours.row),
    theirs.parse(0, end) ?? seen(theirs.row),
  ];
}

describe("LineCutter", () => {
  const CUT: readonly (readonly [string, string])[] = [
    ["a line as nearly all are", USUAL],
    ["no referer and no user agent", USUAL.replace(/"https.*$/, '"-" "-"')],
    ["empty ones", USUAL.replace(/"https.*$/, '"" ""')],
    ["no query", USUAL.replace("?q=1", "")],
    ["more than one question mark", USUAL.replace("?q=1", "?a?b?")],
    ["an empty query", USUAL.replace("?q=1", "?")],
    ["a target that begins with its query", USUAL.replace("/x?q=1", "?q=1")],
    ["escapes in the path", USUAL.replace("/x", "/%2e%2E/x")],
    ["a plus in the query", USUAL.replace("q=1", "q=a+b")],
    ["a long target", USUAL.replace("/x", `/${"long/".repeat(100)}`)],
    ["a long query", USUAL.replace("q=1", `q=${"a%20".repeat(100)}`)],
    ["an empty target", USUAL.replace("/x?q=1", "")],
    ["HTTP/1.0", USUAL.replace("HTTP/1.1", "HTTP/1.0")],
    ["HTTP/3.0", USUAL.replace("HTTP/1.1", "HTTP/3.0")],
    ["another method", USUAL.replace("GET", "VERSION-CONTROL")],
    ["a method that only begins like GET", USUAL.replace("GET", "GETS")],
    ["IPv6", USUAL.replace("192.0.2.4", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")],
    ["a big size", USUAL.replace(" 3 ", " 999999999999999 ")],
    ["bytes beyond ASCII", USUAL.replace("Mozilla", "\xc3\xa9\xff\x80").replace("/x", "/\xe9")],
    ["the end of a line in Windows", `${USUAL}\r`],
    ["a request time", `${USUAL} 0.250`],
    ["appended columns", `${USUAL} 0.250 0.1, 0.2 "198.51.100.7, 192.0.2.1" rid=abc "x y"`],
    ["a tail without a space", `${USUAL}x 1`],
    ["a tail that is cut short", `${USUAL} 0.250 "198.51`],
  ];
  for (const [name, line] of CUT) {
    it(`cuts ${name} as the parser does`, () => {
      const [ours, theirs] = bothWays(line);
      assert.deepEqual(ours, theirs);
    });
  }

  const LEFT: readonly (readonly [string, string])[] = [
    ["no byte", ""],
    ["no end", USUAL.slice(0, -1)],
    ["a user name", USUAL.replace("- - [", "- alice [")],
    ["an identity", USUAL.replace("- - [", "x - [")],
    ["a virtual host in front", `www.example.com ${USUAL}`],
    ["no address", USUAL.replace("192.0.2.4", "")],
    ["a long name instead of it", USUAL.replace("192.0.2.4", "a".repeat(48))],
    ["a quote in the address", USUAL.replace("192.0", '192"0')],
    ["a backslash in the address", USUAL.replace("192.0", "192\\0")],
    ["a mark of the byte order", `\xef\xbb\xbf${USUAL}`],
    ["what looks like JSON", `{${USUAL}`],
    ["a control sign in the address", USUAL.replace("192.0", "192\t0")],
    [
      "the time in another form",
      USUAL.replace("22/Nov/2026:01:45:34 +0000", "2026-11-22T01:45:34Z"),
    ],
    ["a time with a bracket in it", USUAL.replace("2026:01", "2026[01")],
    ["a line that ends in its time", USUAL.replace("Nov", "N\nv")],
    ["a line that ends late in its time", USUAL.replace("+0000", "+00\n0")],
    ["a backslash in its time", USUAL.replace("/Nov/", "/Nov\\")],
    ["a backslash late in its time", USUAL.replace("+0000", "+00\\0")],
    ["no bracket behind the time", USUAL.replace("]", ")")],
    ["no request", USUAL.replace("GET /x?q=1 HTTP/1.1", "-")],
    ["no method", USUAL.replace("GET ", " ")],
    ["a method in small letters", USUAL.replace("GET", "get")],
    ["a method of 33 letters", USUAL.replace("GET", "A".repeat(33))],
    ["a method and nothing else", USUAL.replace("GET /x?q=1 HTTP/1.1", "GET")],
    ["a target with a space", USUAL.replace("/x", "/x y")],
    ["a backslash in the target", USUAL.replace("/x", "/\\x22")],
    ["a target that is quoted", USUAL.replace("/x", '/"x')],
    ["a line that ends in its target", USUAL.replace("/x", "/\nx")],
    ["another protocol", USUAL.replace("HTTP/1.1", "ICAP/1.0")],
    ["a version without a part", USUAL.replace("HTTP/1.1", "HTTP/2")],
    ["HTTP/0.9", USUAL.replace(" HTTP/1.1", "")],
    ["text behind the protocol", USUAL.replace("HTTP/1.1", "HTTP/1.1x")],
    ["no space behind the request", USUAL.replace('1.1" ', '1.1"-')],
    ["a status of two digits", USUAL.replace("200", "20")],
    ["a status of four digits", USUAL.replace("200", "2000")],
    ["a status below 100", USUAL.replace("200", "099")],
    ["no size", USUAL.replace(" 3 ", " - ")],
    ["an empty size", USUAL.replace(" 3 ", "  ")],
    ["a size that is no exact number", USUAL.replace(" 3 ", " 9999999999999999 ")],
    ["the common format", USUAL.replace(/ "https.*$/, "")],
    ["no user agent", USUAL.replace(/ "Mozilla.*$/, "")],
    ["a backslash in the referer", USUAL.replace("example", "ex\\x22ample")],
    ["a line that ends in its referer", USUAL.replace("example", "ex\nample")],
    ["a backslash in the user agent", USUAL.replace("Mozilla", "Moz\\illa")],
    ["a line that ends in its user agent", USUAL.replace("Mozilla", "Moz\nilla")],
    ["a backslash in the tail", `${USUAL} "a\\x22b"`],
  ];
  for (const [name, line] of LEFT) {
    it(`leaves a line with ${name} to the parser`, () => {
      assert.equal(cutOf(`${line}\n${USUAL}\n`), -1);
    });
  }

  it("cuts lines one behind the other, wherever they begin", () => {
    const text = `${USUAL}\n`.repeat(20);
    for (let line = 0; line < 20; line++) {
      const start = line * (USUAL.length + 1);
      assert.equal(cutOf(text, start), start + USUAL.length);
    }
  });

  it("says where the address ends", () => {
    const cutter = new LineCutter(SIZE);
    cutter.cut(0, cutter.buf.write(`${USUAL}\n`));
    assert.equal(USUAL.slice(0, cutter.addressEnd), "192.0.2.4");
  });

  it("cuts no line of which a part is still to come", () => {
    for (let length = 0; length <= USUAL.length; length++)
      assert.equal(cutOf(USUAL.slice(0, length)), -1);
    assert.equal(cutOf(`${USUAL}\n`), USUAL.length);
  });

  it("reads no further than its memory", () => {
    for (const filling of ["0", "A", " ", "a", '"', "GET "]) {
      const cutter = new LineCutter((1 << 16) - 192);
      cutter.buf.fill(filling);
      assert.equal(cutter.cut(0, cutter.buf.length), -1);
      for (let start = cutter.buf.length - 600; start <= cutter.buf.length; start++) {
        cutter.buf.write(USUAL, Math.min(start, cutter.buf.length - 1), "latin1");
        assert.equal(cutter.cut(start, cutter.buf.length), -1);
      }
    }
  });

  it("leaves a line to the parser whose time has no meaning", () => {
    for (const time of ["31/Feb/2026:01:45:34 +0000", "22/Foo/2026:01:45:34 +0000"]) {
      const [ours, theirs] = bothWays(USUAL.replace(/\[.*?\]/, `[${time}]`));
      assert.equal(ours, "bad-time");
      assert.equal(theirs, "bad-time");
    }
  });

  it("finds what the parser finds, or leaves the line alone", () => {
    const byte = fc.oneof(
      fc.constantFrom(...Array.from(' "\\\n\r[]-?%+/:.0G{')),
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    );
    const change = fc.record({
      at: fc.nat(USUAL.length + 20),
      gone: fc.integer({ min: 0, max: 3 }),
      text: fc.array(byte, { maxLength: 3 }).map((bytes) => bytes.join("")),
    });
    let cut = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        let line = `${USUAL} 0.250 "192.0.2.1"`;
        for (const { at, gone, text } of changes)
          line = line.slice(0, at) + text + line.slice(at + gone);
        const end = cutOf(`${line}\n`);
        if (end < 0) return;
        cut++;
        const [ours, theirs] = bothWays(line.slice(0, end));
        assert.deepEqual(ours, theirs);
        assert.equal(end, line.includes("\n") ? line.indexOf("\n") : line.length);
      }),
      { numRuns: 5000 },
    );
    assert.ok(cut > 1000, `${cut} of 5000 lines were cut`);
  });
});
