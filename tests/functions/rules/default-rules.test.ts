import assert from "node:assert/strict";
import { Counter } from "../../../functions/counting/counter";
import { MinuteCounter } from "../../../functions/counting/minute-counter";
import { NGINX_RULES } from "../../../functions/rules/nginx-rules";
import { S3_RULES } from "../../../functions/rules/s3-rules";
import {
  exceededBy,
  findingsOf,
  ltsvOf,
  RowMaker,
  START,
  type TestRequest,
} from "../../support/rows";
import { s3LineOf } from "../../support/s3-lines";

const SECOND = 1000;
const FEW = 200;

/** The n-th request of a client, from 0; unless it says another time, one comes each second. */
type Nth<T> = (n: number) => Partial<T>;
type TestAccess = Parameters<typeof s3LineOf>[0];

/** Which of a client's requests a rule finds first, or undefined when it finds none of many. */
function firstFound(name: string, nth: Nth<TestRequest>): number | undefined {
  const counter = new Counter({ rules: NGINX_RULES.filter((rule) => rule.name === name) });
  const maker = new RowMaker();
  for (let n = 0; n < FEW; n++) {
    const line = ltsvOf({ time: START + n * SECOND, ...nth(n) });
    if (findingsOf(counter, maker.row(line)).length > 0) return n + 1;
  }
  return undefined;
}

/** The same for accesses to a bucket, all within one minute. */
function firstExceeded(name: string, nth: Nth<TestAccess>): number | undefined {
  const counter = new MinuteCounter({ rules: S3_RULES.filter((rule) => rule.name === name) });
  const maker = new RowMaker();
  for (let n = 0; n < FEW; n++)
    if (exceededBy(counter, maker.row(s3LineOf(nth(n)))).length > 0) return n + 1;
  return undefined;
}

const quickly = (n: number): number => START + n * 100;
const ROUTE_53 = "Amazon Route 53 Health Check Service (ref 1; report http://amzn.to/1vsZADi)";
const ADMIN = ["/phpmyadmin/", "/wp-login.php", "/manager/html"];
const PROBES = ["/.env", "/.git/config"];

describe("default rules", () => {
  const NGINX: readonly (readonly [
    rule: string,
    what: string,
    nth: Nth<TestRequest>,
    found: number | undefined,
  ])[] = [
    ["same-page-flood", "a page, again and again", () => ({ path: "/a" }), 21],
    ["same-page-flood", "a page, 20 times in 30 s", (n) => ({ time: START + n * 1500 }), undefined],
    ["same-page-flood", "another page each time", (n) => ({ path: `/${n}` }), undefined],
    ["same-page-flood", "another user agent each time", (n) => ({ userAgent: `${n}` }), undefined],
    ["same-page-flood", "what has not changed", () => ({ status: 304 }), undefined],
    ["same-page-flood", "WordPress's own pages", () => ({ path: "/wp-admin/ajax" }), undefined],
    ["same-page-flood", "Route 53's checks", () => ({ userAgent: ROUTE_53 }), undefined],
    ["path-probing", "paths that are missing", (n) => ({ path: `/${n}`, status: 404 }), 11],
    ["path-probing", "paths that are there", (n) => ({ path: `/${n}` }), undefined],
    ["path-probing", "one that is missing", () => ({ path: "/a", status: 404 }), undefined],
    ["failed-logins", "what is refused", () => ({ status: 401 }), 31],
    ["failed-logins", "what is missing", () => ({ status: 404 }), undefined],
    ["login-guessing", "forms sent", () => ({ method: "POST", path: "/login" }), 16],
    ["login-guessing", "the form itself", () => ({ path: "/login" }), undefined],
    ["page-flood", "many pages", (n) => ({ time: quickly(n), path: `/${n}` }), 121],
    ["page-flood", "many queries", (n) => ({ time: quickly(n), path: `/?${n}` }), 121],
    ["page-flood", "many images", (n) => ({ time: quickly(n), path: `/${n}.png` }), undefined],
    ["page-flood", "many pages in minutes", (n) => ({ path: `/${n}` }), undefined],
    [
      "page-flood",
      "the load balancer's checks",
      (n) => ({ time: quickly(n), path: `/${n}`, userAgent: "ELB-HealthChecker/2.0" }),
      undefined,
    ],
    [
      "changing-user-agent",
      "many names",
      (n) => ({ time: quickly(n), userAgent: `agent ${n}` }),
      31,
    ],
    ["changing-user-agent", "one name", (n) => ({ time: quickly(n) }), undefined],
    ["known-probe", "secrets", (n) => ({ path: PROBES[n % 2] }), 2],
    ["known-probe", "one secret", () => ({ path: "/.env" }), undefined],
    ["admin-probing", "interfaces", (n) => ({ path: ADMIN[n % 3], status: 404 }), 3],
    ["admin-probing", "interfaces that answer", (n) => ({ path: ADMIN[n % 3] }), undefined],
    ["attack-payload", "a traversal", () => ({ path: "/x?f=../../../../etc/passwd" }), 1],
    ["attack-payload", "an injection", () => ({ path: "/x?id=1'+union+select+1--" }), 1],
    ["open-proxy", "somebody else's pages", () => ({ path: "http://example.com/" }), 2],
    ["open-proxy", "a page about one", () => ({ path: "/?see=http://example.com/" }), undefined],
    ["scanner-agent", "a scanner", () => ({ userAgent: "sqlmap/1.7 (https://sqlmap.org)" }), 1],
    ["scanner-agent", "a browser", () => ({ userAgent: "Mozilla/5.0" }), undefined],
  ];
  for (const [rule, what, nth, found] of NGINX) {
    it(`${rule} finds ${what}: ${found === undefined ? "never" : `the request ${found}`}`, () => {
      assert.equal(firstFound(rule, nth), found);
    });
  }

  const S3: readonly (readonly [
    rule: string,
    what: string,
    nth: Nth<TestAccess>,
    found: number | undefined,
  ])[] = [
    ["bucket-scraping", "reading", () => ({}), 101],
    ["bucket-scraping", "writing", () => ({ operation: "REST.PUT.OBJECT" }), undefined],
    ["access-denied-burst", "what is refused", () => ({ status: 403 }), 21],
    ["access-denied-burst", "what is missing", () => ({ status: 404 }), undefined],
    ["key-enumeration", "missing keys", (n) => ({ key: `k${n}`, status: 404 }), 31],
    ["key-enumeration", "one missing key", () => ({ key: "k", status: 404 }), undefined],
    ["key-enumeration", "keys that are there", (n) => ({ key: `k${n}` }), undefined],
    ["mass-download", "a tenth of a gigabyte each", () => ({ bytes: 100_000_000 }), 11],
    ["mass-download", "small files", () => ({ bytes: 1000 }), undefined],
  ];
  for (const [rule, what, nth, found] of S3) {
    it(`${rule} finds ${what}: ${found === undefined ? "never" : `the access ${found}`}`, () => {
      assert.equal(firstExceeded(rule, nth), found);
    });
  }

  it("are all tried above", () => {
    const tried = new Set([...NGINX, ...S3].map(([rule]) => rule));
    assert.deepEqual(
      [...tried],
      [...NGINX_RULES, ...S3_RULES].map(({ name }) => name),
    );
  });

  it("block but for one, which only counts until a person has looked at it", () => {
    const counted = NGINX_RULES.filter(({ mode }) => mode !== undefined);
    assert.deepEqual(
      counted.map(({ name, mode }) => [name, mode]),
      [["changing-user-agent", "count"]],
    );
  });
});
