import assert from "node:assert/strict";
import { Counter } from "../../../functions/counting/counter";
import { Conditions } from "../../../functions/counting/conditions";
import { FieldValues } from "../../../functions/counting/field-values";
import type { Condition, Rule } from "../../../functions/rules/rule";
import { s3LineOf } from "../../support/s3-lines";
import { batchOf, findingsOf, ltsvOf, RowMaker, START, type TestRequest } from "../../support/rows";

const rule = (name: string, where: Readonly<Record<string, Condition>>): Rule => ({
  name,
  where,
  per: ["client"],
  count: "requests",
  moreThan: 0,
  withinSeconds: 1,
  then: { blockSeconds: 60 },
});

const isFulfilled = (
  where: Readonly<Record<string, Condition>>,
  request: Partial<TestRequest>,
): boolean =>
  findingsOf(
    new Counter({ rules: [rule("one", where)] }),
    new RowMaker().row(ltsvOf({ time: START, ...request })),
  ).length === 1;

describe("Conditions", () => {
  const cases: readonly (readonly [
    where: Readonly<Record<string, Condition>>,
    request: Partial<TestRequest>,
    expected: boolean,
  ])[] = [
    [{ status: 404 }, { status: 404 }, true],
    [{ status: [403, 404] }, { status: 200 }, false],
    [{ status: "400-499" }, { status: 499 }, true],
    [{ status: "400-499" }, { status: 500 }, false],
    [{ status: "500-" }, { status: 503 }, true],
    [{ status: "-399" }, { status: 404 }, false],
    [{ status: "404" }, { status: 404 }, true],
    [{ status: { is: "400-499", not: 404 } }, { status: 404 }, false],
    [{ status: { is: "400-499", not: 404 } }, { status: 403 }, true],
    [{ bytes: "1000-" }, { bytes: 123_456 }, true],
    [{ bytes: "1000-" }, { bytes: 999 }, false],
    [{ client: "192.0.2.0/24" }, { client: "192.0.2.7" }, true],
    [{ client: { not: ["192.0.2.0/24"] } }, { client: "192.0.2.7" }, false],
    [{ client: { not: ["192.0.2.0/24"] } }, { client: "198.51.100.7" }, true],
    [{ client: "2001:db8::/32" }, { client: "2001:db8::7" }, true],
    [{ path: ["/a", "/b*"] }, { path: "/bcd?x" }, true],
    [{ path: ["/a", "/b*"] }, { path: "/A" }, false],
    [{ url: "*?x" }, { path: "/bcd?x" }, true],
    [{ query: "x=*" }, { path: "/bcd?x=1" }, true],
    [{ query: "" }, { path: "/bcd" }, true],
    [{ method: "post" }, { method: "POST" }, true],
    [{ userAgent: { not: ["Test*"] } }, { userAgent: "test/1" }, false],
    [{ decodedUrl: "*/../*" }, { path: "/a/%2e%2E/b" }, true],
    [{ decodedUrl: "*a b*" }, { path: "/x?q=a+b" }, true],
    [{ decodedUrl: "*a b*" }, { path: "/a+b" }, false],
    [{ decodedUrl: "/%zz/x" }, { path: "/%zz/%78" }, true],
    [{ decodedUrl: "*/../x" }, { path: `/${"a".repeat(20_000)}/%2e%2e/x` }, true],
    [{ status: 200, path: "/a" }, { status: 200, path: "/b" }, false],
    [{}, {}, true],
  ];
  for (const [where, request, expected] of cases) {
    it(`says ${String(expected)} for ${JSON.stringify(where)} on ${JSON.stringify(request)}`, () => {
      assert.equal(isFulfilled(where, request), expected);
    });
  }

  it("keeps apart more conditions on one field than fit into one mask", () => {
    const rules = Array.from({ length: 70 }, (_, i) => rule(`r${i}`, { path: `/p${i}` }));
    const counter = new Counter({ rules });
    const maker = new RowMaker();
    for (const i of [0, 29, 30, 59, 69]) {
      const findings = findingsOf(counter, maker.row(ltsvOf({ time: START, path: `/p${i}` })));
      assert.deepEqual(
        findings.map((finding) => finding.rule),
        [`r${i}`],
      );
    }
  });

  it("finds all rules of each row of a batch, row by row, in the order of the rules", () => {
    const rules = Array.from({ length: 96 }, (_, i) => rule(`r${i}`, { path: `*/${i}/*` }));
    const matching = [[0, 31, 32, 63, 64, 95], [], [5, 95], [31], [32, 33]];
    const lines = matching.map((places, i) =>
      ltsvOf({ time: START, client: `192.0.2.${i}`, path: `/${places.join("//")}/` }),
    );

    const crossings = new Counter({ rules }).add(new RowMaker().batch(lines));

    assert.deepEqual(
      crossings.map(({ row, finding }) => [row, finding.rule]),
      matching.flatMap((places, row) => places.map((place) => [row, `r${place}`])),
    );
  });

  it("is right for every set of conditions that one value can fulfil, however many sets there are", () => {
    const letters = Array.from("abcdefghijkl");
    const rules = letters.map((letter) => rule(letter, { path: `*${letter}*` }));
    const conditions = new Conditions(rules, new FieldValues("nginx"));
    const maker = new RowMaker();
    for (let set = 1; set < 1 << letters.length; set++) {
      const inSet = letters.filter((_, i) => (set & (1 << i)) !== 0);
      conditions.evaluate(batchOf(maker.row(ltsvOf({ time: START, path: `/${inSet.join("")}` }))));
      const matched = letters.filter((_, place) => conditions.matches(place, 0));
      assert.deepEqual(matched, inSet);
    }
  });

  it("names the first condition that fails", () => {
    const maker = new RowMaker();
    const conditions = new Conditions(
      [rule("both", { status: 404, path: "/a" }), rule("none", {})],
      new FieldValues("nginx"),
    );
    const fieldsOf = (request: Partial<TestRequest>): (string | undefined)[] => {
      const batch = batchOf(maker.row(ltsvOf({ time: START, ...request })));
      conditions.evaluate(batch);
      return [0, 1].map((place) => conditions.failed(place, batch, 0)?.field);
    };
    assert.deepEqual(fieldsOf({ status: 200, path: "/b" }), ["status", undefined]);
    assert.deepEqual(fieldsOf({ status: 404, path: "/b" }), ["path", undefined]);
    assert.deepEqual(fieldsOf({ status: 404, path: "/a" }), [undefined, undefined]);
  });

  it("puts the URL together where the log has only its parts", () => {
    const line =
      "msec:1795311900.000\tremote_addr:192.0.2.1\turi:/a b\tquery_string:x=1\tstatus:200";
    const fields = new FieldValues("nginx");
    const row = new RowMaker().row(line);
    assert.equal(fields.show("url", row), "/a b?x=1");
    assert.equal(fields.show("status", row), "200");
    assert.equal(fields.show("client", row), "192.0.2.1");
    const bare = "msec:1795311900.000\tremote_addr:192.0.2.1\turi:/a\tstatus:200";
    assert.equal(fields.show("url", new RowMaker().row(bare)), "/a");
  });

  it("shows columns of S3 that stand far to the right, too", () => {
    const row = new RowMaker().row(s3LineOf({}));
    assert.equal(new FieldValues("s3").show("tlsVersion", row), "TLSv1.3");
  });

  it("has no text of a number, and no sum of a text", () => {
    const fields = new FieldValues("nginx");
    assert.throws(() => fields.another("status"), /"status" is not a text field/);
    const summed = (field: string) => fields.sumOf({ ...rule("r", {}), count: { sum: field } });
    assert.equal(summed("path"), undefined);
    assert.equal(typeof summed("bytes"), "function");
  });

  it("decodes keys as often as their operation says", () => {
    const fields = new FieldValues("s3");
    const access = { operation: "REST.GET.OBJECT" };
    const keys = ["plain.txt", "a%2520b+c%252B"].map((key) =>
      fields.show("key", new RowMaker().row(s3LineOf({ ...access, key }))),
    );
    assert.deepEqual(keys, ["plain.txt", "a b+c+"]);
  });

  it("counts for all clients together when a rule says so", () => {
    const counter = new Counter({
      rules: [{ ...rule("all", {}), per: ["path"], count: { distinct: "client" }, moreThan: 1 }],
    });
    const maker = new RowMaker();
    const clients = ["192.0.2.1", "192.0.2.1", "192.0.2.2"];
    const counts = clients.map(
      (client) => findingsOf(counter, maker.row(ltsvOf({ time: START, client }))).length,
    );
    assert.deepEqual(counts, [0, 0, 1]);
  });

  it("does not count per client what names none", () => {
    const maker = new RowMaker();
    const row = maker.row(ltsvOf({ time: START, client: "unix:" }));
    assert.deepEqual(findingsOf(new Counter({ rules: [rule("one", {})] }), row), []);
  });

  it("counts it where all clients are counted together, and never says to block it", () => {
    const per = ["path"];
    const counter = new Counter({
      rules: [
        { ...rule("page", {}), per, moreThan: 2 },
        { ...rule("clients", {}), per, count: { distinct: "client" }, moreThan: 1 },
        { ...rule("others", { client: { not: ["192.0.2.0/24"] } }), per, moreThan: 0 },
        { ...rule("named", { client: ["192.0.2.0/24"] }), per, moreThan: 0 },
      ],
    });
    const maker = new RowMaker();
    const findings = [0, 1, 2].map((i) =>
      findingsOf(counter, maker.row(ltsvOf({ time: START + i, client: "unix:" }))),
    );
    assert.deepEqual(
      findings.flat().map((one) => [one.rule, one.isBlockable, one.key]),
      [
        ["others", false, { path: "/" }],
        ["page", false, { path: "/" }],
      ],
    );
    assert.deepEqual(
      counter.rules[0].nearMisses.closest().map(({ total }) => total),
      [2],
    );
    const fields = new FieldValues("nginx");
    const row = maker.row(ltsvOf({ time: START, client: "unix:" }));
    assert.equal(fields.show("client", row), "");
    assert.deepEqual(fields.keyOf(rule("one", {}), row), { client: "" });
  });
});
