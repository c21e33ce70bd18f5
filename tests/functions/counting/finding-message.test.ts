import assert from "node:assert/strict";
import { readMessage, toMessage } from "../../../functions/counting/finding-message";
import type { Finding } from "../../../functions/counting/finding";
import { START } from "../../support/rows";

const FINDING: Finding = {
  rule: "page-flood",
  key: { url: "/search?q=secret", referer: "https://example.com/?token=1", query: "q=secret" },
  count: 21,
  first: START,
  at: START + 500,
  durationMs: 40,
  client: undefined,
  address: undefined,
  isBlockable: false,
  sample: {
    time: START + 500,
    client: undefined,
    method: "GET",
    path: "/search",
    query: "q=secret",
    status: 200,
    bytes: 10,
    referer: "https://example.com/?token=1",
    userAgent: "x".repeat(1000),
  },
};

describe("a finding's message", () => {
  it("holds nothing of what visitors type into forms", () => {
    const message = toMessage(FINDING);
    assert.deepEqual(message.key, { url: "/search", referer: "https://example.com/", query: "" });
    assert.ok(!JSON.stringify(message).includes("secret"));
    assert.ok(!JSON.stringify(message).includes("token"));
    assert.equal(message.userAgent.length, 500);
  });

  it("names no client where the rule counts all together", () => {
    const message = toMessage(FINDING);
    assert.ok(!("client" in message));
    assert.ok(!("address" in message));
  });

  it("is read again as it was", () => {
    const read = readMessage(JSON.stringify(toMessage(FINDING)));
    assert.deepEqual(read, {
      ...FINDING,
      key: { url: "/search", referer: "https://example.com/", query: "" },
      sample: { ...FINDING.sample, query: "", bytes: 0, referer: "", userAgent: "x".repeat(500) },
    });
  });

  it("needs a rule and two times, and no more", () => {
    const least = { rule: "r", time: "2026-11-22T01:45:00Z", firstTime: "2026-11-22T01:45:00Z" };
    assert.deepEqual(readMessage(JSON.stringify(least)), {
      rule: "r",
      key: {},
      count: 0,
      first: START,
      at: START,
      durationMs: 0,
      client: undefined,
      address: undefined,
      isBlockable: false,
      sample: {
        time: START,
        client: undefined,
        method: "",
        path: "",
        query: "",
        status: 0,
        bytes: 0,
        referer: "",
        userAgent: "",
      },
    });
    for (const text of ["", "null", "3", "{}", JSON.stringify({ ...least, time: "soon" })])
      assert.equal(readMessage(text), undefined, text);
  });
});
