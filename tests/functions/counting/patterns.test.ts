import assert from "node:assert/strict";
import fc from "fast-check";
import { Patterns } from "../../../functions/counting/patterns";
import { SIGNATURE_PACKS } from "../../../functions/rules/signature-packs";
import { NGINX_RULES } from "../../../functions/rules/nginx-rules";
import { Counter } from "../../../functions/counting/counter";
import { findingsOf, ltsvOf, RowMaker, START } from "../../support/rows";

const matches = (globs: readonly string[], text: string, ignoreCase = false): boolean => {
  const buf = Buffer.from(text);
  return new Patterns([globs], ignoreCase).match(buf, 0, buf.length) === 1;
};

/** The plain meaning of a glob, slow and certain. */
function meansMatch(glob: string, text: string): boolean {
  const source = glob.split("*").map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(`^${source.join("[^]*")}$`).test(text);
}

describe("Patterns", () => {
  const cases: readonly (readonly [glob: string, text: string, expected: boolean])[] = [
    ["/wp-admin/*", "/wp-admin/x", true],
    ["/wp-admin/*", "/x/wp-admin/", false],
    ["a*b", "xab", false],
    ["a*", "xa", false],
    ["*.js", "/a.js", true],
    ["*.js", "/a.js?x", false],
    ["exact", "exact", true],
    ["exact", "exactly", false],
    ["*", "", true],
    ["", "", true],
    ["", "x", false],
    ["a*a", "a", false],
    ["*aa*aa*", "aaa", false],
    ["*aa*aa*", "aaaa", true],
    ["a*b*c", "a-b-b-c", true],
    ["*b", "bb", true],
  ];
  for (const [glob, text, expected] of cases) {
    it(`says ${String(expected)} for ${JSON.stringify(glob)} on ${JSON.stringify(text)}`, () => {
      assert.equal(matches([glob], text), expected);
    });
  }

  it("means what a glob means, for many globs at once", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "*", "/"), maxLength: 6 });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
        fc.array(text, { maxLength: 4 }),
        (groups, texts) => {
          const patterns = new Patterns(groups, false);
          for (const one of texts) {
            const buf = Buffer.from(`<${one}>`);
            const expected = groups.reduce(
              (mask, globs, i) =>
                globs.some((glob) => meansMatch(glob, one)) ? mask | (1 << i) : mask,
              0,
            );
            assert.equal(
              patterns.match(buf, 1, buf.length - 1),
              expected,
              JSON.stringify([groups, one]),
            );
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("means the same for globs of long pieces, which are looked for by their rare triples first", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "b", "/"), minLength: 3, maxLength: 5 });
    const glob = fc
      .tuple(
        fc.constantFrom("", "*"),
        fc.array(piece, { minLength: 1, maxLength: 2 }),
        fc.constantFrom("", "*"),
      )
      .map(([before, pieces, behind]) => before + pieces.join("*") + behind);
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/", "A"), maxLength: 16 });
    fc.assert(
      fc.property(fc.array(glob, { minLength: 1, maxLength: 5 }), text, (globs, one) => {
        assert.equal(
          matches(globs, one),
          globs.some((each) => meansMatch(each, one)),
        );
        assert.equal(
          matches(globs, one, true),
          globs.some((each) => meansMatch(each, one.toLowerCase())),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("ignores ASCII case when told to", () => {
    assert.equal(matches(["*SQLMap*"], "sqlMAP/1.0", true), true);
    assert.equal(matches(["*sqlmap*"], "SQLMAP", false), false);
  });
});

describe("signature packs", () => {
  const makeCounter = (pack: string): Counter =>
    new Counter({
      rules: [
        {
          name: "pack",
          where: { [pack === "scanner-agents" ? "userAgent" : "decodedUrl"]: [`@${pack}`] },
          per: ["client"],
          count: "requests",
          moreThan: 0,
          withinSeconds: 1,
          then: { blockSeconds: 60 },
        },
      ],
    });
  for (const { name, field, matching, harmless, globs } of SIGNATURE_PACKS) {
    const isFound = (value: string): boolean => {
      const request =
        field === "userAgent" ? { userAgent: value } : { path: value.replaceAll(" ", "%20") };
      return (
        findingsOf(makeCounter(name), new RowMaker().row(ltsvOf({ time: START, ...request })))
          .length === 1
      );
    };
    it(`${name} matches its ${String(matching.length)} examples of attacks`, () => {
      for (const value of matching) assert.equal(isFound(value), true, value);
    });
    it(`${name} leaves its ${String(harmless.length)} harmless examples alone`, () => {
      for (const value of harmless) assert.equal(isFound(value), false, value);
    });
    it(`${name} has each signature once`, () => {
      assert.equal(new Set(globs).size, globs.length);
    });
  }

  it("are matched after decoding, twice if need be", () => {
    const counter = makeCounter("traversals");
    const path = "/x?f=%252e%252e%252f%252e%252e%252fetc%252fpasswd";
    assert.equal(findingsOf(counter, new RowMaker().row(ltsvOf({ time: START, path }))).length, 1);
  });

  it("leave ordinary requests to the default rules alone", () => {
    const counter = new Counter({ rules: NGINX_RULES });
    const maker = new RowMaker();
    const paths = [
      "/",
      "/shop/shoes?color=red&size=42",
      "/search?q=select+a+union+jack",
      "/.well-known/acme-challenge/x",
      "/api/v1/users/42",
    ];
    paths.forEach((path, i) => {
      assert.deepEqual(
        findingsOf(counter, maker.row(ltsvOf({ time: START + i * 1000, path }))),
        [],
      );
    });
  });
});
