import assert from "node:assert/strict";
import { mistakesIn } from "./check";
import { propertyNames } from "./property-names";
import { resourceTypeOf, TYPES } from "./types";

const QUEUE = "aws:sqs/queue:Queue";
const MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping";
const RULE = "aws:wafv2/webAclRule:WebAclRule";

describe("the provider's look at inputs", () => {
  let known: ReturnType<typeof propertyNames>;
  before(() => (known = propertyNames(Object.keys(TYPES))));

  it("knows the inputs of every type that it keeps", () => {
    for (const [type, inputs] of Object.entries(known))
      assert.ok(Object.keys(inputs).length > 0, type);
  });

  it("stops at a type that it does not keep", () => {
    assert.throws(() => resourceTypeOf("aws:sqs/queues:Queues"), /not known here/);
  });

  it("takes what the types take", () => {
    assert.deepEqual(mistakesIn({ name: "jobs", delaySeconds: 5 }, known[QUEUE]), []);
    assert.deepEqual(mistakesIn({}, known[QUEUE]), []);
  });

  it("names what is misspelt, at any depth", () => {
    assert.deepEqual(mistakesIn({ delaySecond: 5 }, known[QUEUE]), [
      { property: "delaySecond", reason: "is not known to this type of resource" },
    ]);
    const statement = { orStatement: { statements: [{ ipSetReferenceStatement: { arm: "x" } }] } };
    const rule = { priority: 1, webAclArn: "x", visibilityConfig: VISIBLE, statement };
    assert.deepEqual(mistakesIn(rule, known[RULE]), [
      {
        property: "statement.orStatement.statements[0].ipSetReferenceStatement.arn",
        reason: "is missing",
      },
      {
        property: "statement.orStatement.statements[0].ipSetReferenceStatement.arm",
        reason: "is not known to this type of resource",
      },
    ]);
  });

  it("names what is missing", () => {
    assert.deepEqual(mistakesIn({ eventSourceArn: "x" }, known[MAPPING]), [
      { property: "functionName", reason: "is missing" },
    ]);
  });

  it("looks into secrets", () => {
    const secret = {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value: { onFailure: { destination: "x" } },
    };
    const inputs = { functionName: "x", destinationConfig: secret };
    assert.deepEqual(mistakesIn(inputs, known[MAPPING]), [
      { property: "destinationConfig.onFailure.destinationArn", reason: "is missing" },
      {
        property: "destinationConfig.onFailure.destination",
        reason: "is not known to this type of resource",
      },
    ]);
  });
});

const VISIBLE = { metricName: "x", cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true };
