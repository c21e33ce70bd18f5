import assert from "node:assert/strict";
import {
  FULLEST,
  inputsOf,
  LOAD_BALANCER,
  make,
  SMALLEST,
  WEB_ACL,
} from "../support/intrusion-prevention";
import { arnOf, type Registered } from "../support/mocks";

describe("IntrusionPrevention: the web ACL", () => {
  let smallest: Registered[];
  let fullest: Registered[];

  before(async () => {
    smallest = await make(SMALLEST);
    fullest = await make(FULLEST);
  });

  const reference = (set: string, forwarded?: object): object => ({
    ipSetReferenceStatement: { arn: arnOf("wafv2", `edge-${set}`), ...forwarded },
  });
  const statement = (action: string, forwarded?: object): object => ({
    andStatement: {
      statements: [
        {
          orStatement: {
            statements: [
              reference(`${action}-ipv4`, forwarded),
              reference(`${action}-ipv6`, forwarded),
            ],
          },
        },
        {
          notStatement: {
            statement: {
              orStatement: {
                statements: [
                  reference("allow-ipv4", forwarded),
                  reference("allow-ipv6", forwarded),
                ],
              },
            },
          },
        },
      ],
    },
  });
  const seen = (metricName: string): object => ({
    metricName,
    cloudwatchMetricsEnabled: true,
    sampledRequestsEnabled: true,
  });

  it("blocks who is in the sets and not allowed, and counts the others", () => {
    assert.deepEqual(inputsOf(smallest, "block-rule"), {
      name: "edge-dev-block",
      webAclArn: arnOf("wafv2", "edge-web-acl"),
      priority: 0,
      action: { block: { customResponse: { responseCode: 403 } } },
      statement: statement("block"),
      visibilityConfig: seen("edge-dev-block"),
    });
    assert.deepEqual(inputsOf(smallest, "count-rule"), {
      name: "edge-dev-count",
      webAclArn: arnOf("wafv2", "edge-web-acl"),
      priority: 1,
      action: { count: {} },
      statement: statement("count"),
      visibilityConfig: seen("edge-dev-count"),
    });
    assert.deepEqual(inputsOf(smallest, "protect-0"), {
      webAclArn: arnOf("wafv2", "edge-web-acl"),
      resourceArn: LOAD_BALANCER,
    });
  });

  it("limits the rate natively, but not of those who are allowed", () => {
    const { priority, action, statement: limit } = inputsOf(smallest, "rate-limit-rule");
    assert.equal(priority, 2);
    assert.deepEqual(action, { block: { customResponse: { responseCode: 403 } } });
    assert.equal(limit.rateBasedStatement.limit, 3000);
    assert.equal(limit.rateBasedStatement.evaluationWindowSec, 60);
    assert.equal(limit.rateBasedStatement.aggregateKeyType, "IP");
    assert.ok("notStatement" in (limit.rateBasedStatement.scopeDownStatement as object));
  });

  it("only counts at the limit when the ceiling is count", async () => {
    const counting = await make({ mode: "count" });
    assert.deepEqual(inputsOf(counting, "rate-limit-rule").action, { count: {} });
  });

  it("adds its rules to an ACL that exists, and looks at the forwarded address", () => {
    const forwarded = {
      ipSetForwardedIpConfig: {
        headerName: "X-Forwarded-For",
        position: "LAST",
        fallbackBehavior: "NO_MATCH",
      },
    };
    assert.deepEqual(inputsOf(fullest, "block-rule"), {
      name: "edge-dev-block",
      webAclArn: WEB_ACL,
      priority: 10,
      action: { block: { customResponse: { responseCode: 429 } } },
      statement: statement("block", forwarded),
      visibilityConfig: seen("edge-dev-block"),
    });
    assert.equal(inputsOf(fullest, "protect-0").webAclArn, WEB_ACL);
  });

  it("looks at the last forwarded address behind CloudFront, without being told", async () => {
    const behind = await make({ trust: ["alb", "cloudfront"] });
    assert.deepEqual(
      inputsOf(behind, "block-rule").statement,
      statement("block", {
        ipSetForwardedIpConfig: {
          headerName: "X-Forwarded-For",
          position: "LAST",
          fallbackBehavior: "NO_MATCH",
        },
      }),
    );
    assert.ok(!behind.some(({ name }) => name === "edge-rate-limit-rule"));
  });

  it("lives in us-east-1 for CloudFront", async () => {
    const cloudFront = await make({ scope: "CLOUDFRONT" });
    const waf = cloudFront.filter(({ type }) => type.startsWith("aws:wafv2"));
    assert.equal(waf.length, 10);
    for (const { inputs } of waf) assert.equal(inputs.region, "us-east-1");
  });

  it("answers with a body of the user's", async () => {
    const withBody = await make({ blockResponse: { status: 429, body: '{"error":"blocked"}' } });
    assert.deepEqual(inputsOf(withBody, "web-acl").customResponseBodies, [
      { key: "floodgate-block", content: '{"error":"blocked"}', contentType: "APPLICATION_JSON" },
    ]);
    assert.deepEqual(inputsOf(withBody, "block-rule").action, {
      block: { customResponse: { responseCode: 429, customResponseBodyKey: "floodgate-block" } },
    });
  });

  it("leaves the contents of the sets to the callbacks, and only theirs", () => {
    const ignored = smallest
      .filter(({ type }) => type === "aws:wafv2/ipSet:IpSet")
      .map(({ name, opts, inputs }) => [name, opts.ignoreChanges, inputs.addresses as unknown]);
    assert.deepEqual(ignored, [
      ["edge-allow-ipv4", undefined, []],
      ["edge-allow-ipv6", undefined, []],
      ["edge-block-ipv4", ["addresses"], []],
      ["edge-block-ipv6", ["addresses"], []],
      ["edge-count-ipv4", ["addresses"], []],
      ["edge-count-ipv6", ["addresses"], []],
    ]);
    assert.deepEqual(inputsOf(fullest, "allow-ipv4").addresses, ["203.0.113.0/28"]);
    assert.deepEqual(inputsOf(fullest, "allow-ipv6").addresses, ["2001:db8:ffff::/48"]);
  });
});
