import assert from "node:assert/strict";
import { Waf } from "./waf";

const SCOPE = "REGIONAL";
const BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1";

interface Summary {
  readonly Summary: { Id: string; ARN: string; LockToken: string; Name: string };
}

/** A WAF whose clock moves on by two seconds a call, so that nothing is throttled. */
function play() {
  const clock = { now: 0, step: 2000 };
  const waf = new Waf({
    account: "123456789012",
    region: "eu-west-1",
    now: () => (clock.now += clock.step),
  });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  const call = <T>(action: string, input: unknown): T => waf.answer(action, input) as T;
  const makeSet = (Name: string, Addresses: string[], IPAddressVersion = "IPV4") =>
    call<Summary>("CreateIPSet", { Name, Scope: SCOPE, IPAddressVersion, Addresses }).Summary;
  const protect = (Rules: unknown[], DefaultAction: unknown = { Allow: {} }): void => {
    const acl = call<Summary>("CreateWebACL", { Name: "acl", Scope: SCOPE, DefaultAction, Rules });
    call("AssociateWebACL", { WebACLArn: acl.Summary.ARN, ResourceArn: BALANCER });
  };
  const judge = (address: string, headers: Record<string, string> = {}, at = 0) =>
    waf.acls.judge(BALANCER, { address, headers, at });
  return { clock, waf, call, makeSet, protect, judge };
}

const isNamed =
  (name: string) =>
  (error: Error): boolean =>
    error.name === name;
const rule = (Name: string, Priority: number, Action: unknown, Statement: unknown) => ({
  Name,
  Priority,
  Action,
  Statement,
});
const inSet = (ARN: string, rest: object = {}) => ({ IPSetReferenceStatement: { ARN, ...rest } });

describe("the front's WAF", () => {
  describe("IP sets", () => {
    it("are written whole, under the newest token only", () => {
      const { call, makeSet, waf } = play();
      const { Id, LockToken } = makeSet("a", ["192.0.2.1/32"]);
      const next = call<{ NextLockToken: string }>("UpdateIPSet", {
        Id,
        LockToken,
        Addresses: ["192.0.2.2/32"],
      });
      assert.deepEqual(waf.sets.all()[0].Addresses, ["192.0.2.2/32"]);
      const stale = { Id, LockToken, Addresses: [] };
      assert.throws(() => call("UpdateIPSet", stale), isNamed("WAFOptimisticLockException"));
      call("UpdateIPSet", { Id, LockToken: next.NextLockToken, Addresses: [] });
    });

    it("lose their description when a write has none", () => {
      const { call, waf } = play();
      const {
        Summary: { Id, LockToken },
      } = call<Summary>("CreateIPSet", {
        Name: "a",
        Scope: SCOPE,
        IPAddressVersion: "IPV4",
        Addresses: [],
        Description: "mine",
      });
      call("UpdateIPSet", { Id, LockToken, Addresses: [] });
      assert.equal(waf.sets.all()[0].Description, undefined);
    });

    for (const [what, version, addresses] of [
      ["no CIDR block", "IPV4", ["192.0.2.1"]],
      ["everything", "IPV4", ["0.0.0.0/0"]],
      ["everything of IPv6", "IPV6", ["::/0"]],
      ["the other family", "IPV4", ["2001:db8::/64"]],
      ["the other family", "IPV6", ["192.0.2.0/24"]],
      ["too long a prefix", "IPV4", ["192.0.2.0/33"]],
      ["an address twice", "IPV4", ["192.0.2.1/32", "192.0.2.1/32"]],
    ] as const)
      it(`refuse ${what}: ${addresses.join()} in ${version}`, () => {
        const { makeSet } = play();
        assert.throws(
          () => makeSet("a", [...addresses], version),
          isNamed("WAFInvalidParameterException"),
        );
      });

    it("take 10,000 addresses and no more", () => {
      const { makeSet } = play();
      const many = Array.from(
        { length: 10_001 },
        (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`,
      );
      makeSet("a", many.slice(1));
      assert.throws(() => makeSet("b", many), isNamed("WAFLimitsExceededException"));
    });

    it("take one write a second", () => {
      const { call, clock, makeSet } = play();
      const { Id, LockToken } = makeSet("a", []);
      const first = call<{ NextLockToken: string }>("UpdateIPSet", {
        Id,
        LockToken,
        Addresses: [],
      });
      clock.step = 999;
      const second = { Id, LockToken: first.NextLockToken, Addresses: [] };
      assert.throws(() => call("UpdateIPSet", second), isNamed("ThrottlingException"));
      clock.step = 1;
      call("UpdateIPSet", second);
    });

    it("cannot go while a rule asks them", () => {
      const { call, makeSet, protect } = play();
      const { Id, LockToken, ARN } = makeSet("a", []);
      protect([rule("r", 0, { Block: {} }, inSet(ARN))]);
      assert.throws(
        () => call("DeleteIPSet", { Id, LockToken }),
        isNamed("WAFAssociatedItemException"),
      );
    });
  });

  describe("a web ACL", () => {
    it("asks rules by priority, and goes on after one that counts", () => {
      const { judge, makeSet, protect } = play();
      const set = makeSet("a", ["192.0.2.0/24"]).ARN;
      protect([
        rule("third", 3, { Allow: {} }, inSet(set)),
        rule("second", 2, { Block: { CustomResponse: { ResponseCode: 429 } } }, inSet(set)),
        rule("first", 1, { Count: {} }, inSet(set)),
      ]);
      assert.deepEqual(judge("192.0.2.1"), {
        action: "block",
        rule: "second",
        counted: ["first"],
        status: 429,
      });
      assert.deepEqual(judge("198.51.100.1"), { action: "allow", counted: [] });
    });

    it("knows and, or, not, and both families", () => {
      const { judge, makeSet, protect } = play();
      const v4 = inSet(makeSet("v4", ["192.0.2.0/24"]).ARN);
      const v6 = inSet(makeSet("v6", ["2001:db8::/64"], "IPV6").ARN);
      const allowed = inSet(makeSet("allow", ["192.0.2.7/32"]).ARN);
      const Statement = {
        AndStatement: {
          Statements: [
            { OrStatement: { Statements: [v4, v6] } },
            { NotStatement: { Statement: allowed } },
          ],
        },
      };
      protect([rule("r", 0, { Block: {} }, Statement)]);
      assert.equal(judge("192.0.2.1").action, "block");
      assert.equal(judge("192.0.2.7").action, "allow");
      assert.equal(judge("2001:db8::1").action, "block");
      assert.equal(judge("2001:db8:1::1").action, "allow");
    });

    it("looks where the header says, from the side it is told", () => {
      const { judge, makeSet, protect } = play();
      const set = makeSet("a", ["192.0.2.1/32"]).ARN;
      const forwarded = {
        HeaderName: "X-Forwarded-For",
        Position: "LAST",
        FallbackBehavior: "NO_MATCH",
      };
      protect([rule("r", 0, { Block: {} }, inSet(set, { IPSetForwardedIPConfig: forwarded }))]);
      const header = (value: string) => ({ "x-forwarded-for": value });
      assert.equal(judge("10.0.0.1", header("198.51.100.1, 192.0.2.1")).action, "block");
      assert.equal(judge("10.0.0.1", header("192.0.2.1, 198.51.100.1")).action, "allow");
      assert.equal(judge("10.0.0.1", header("nonsense")).action, "allow");
      assert.equal(judge("192.0.2.1").action, "allow");
    });

    it("counts requests of each address by itself", () => {
      const { judge, protect } = play();
      const Statement = {
        RateBasedStatement: { Limit: 10, EvaluationWindowSec: 60, AggregateKeyType: "IP" },
      };
      protect([rule("r", 0, { Block: {} }, Statement)]);
      for (let i = 0; i < 10; i++) assert.equal(judge("192.0.2.1", {}, i).action, "allow");
      assert.equal(judge("192.0.2.1", {}, 11).action, "block");
      assert.equal(judge("192.0.2.2", {}, 12).action, "allow");
      assert.equal(judge("192.0.2.1", {}, 60_011 + 1).action, "allow");
    });

    it("refuses rules that ask for sets that are not there", () => {
      const { protect } = play();
      const nowhere = "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/a/1";
      assert.throws(() => {
        protect([rule("r", 0, { Block: {} }, inSet(nowhere))]);
      }, isNamed("WAFUnavailableEntityException"));
    });
  });
});
