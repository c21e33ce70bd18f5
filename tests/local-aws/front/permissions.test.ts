import assert from "node:assert/strict";
import { Permissions } from "./permissions";

const ROLE = "arn:aws:iam::123456789012:role/count";
const STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/findings";
const POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["kinesis:PutRecords", "kinesis:PutRecord"], Resource: STREAM },
  ],
};

const make = (): Permissions =>
  new Permissions("123456789012", () => Promise.resolve({ inline: POLICY }));

describe("the front's permissions", () => {
  it("allow what the role's policy allows", async () => {
    await make().require(ROLE, { action: "kinesis:PutRecords", resource: STREAM });
  });

  for (const [what, action, resource] of [
    ["another action", "kinesis:DeleteStream", STREAM],
    ["another resource", "kinesis:PutRecords", `${STREAM}-of-others`],
  ] as const)
    it(`refuse ${what}, and remember it`, async () => {
      const permissions = make();
      await assert.rejects(permissions.require(ROLE, { action, resource }), {
        name: "AccessDeniedException",
      });
      assert.deepEqual(permissions.refused, [`${ROLE} ${action} ${resource}`]);
    });

  it("stop at an action that AWS does not have", async () => {
    await assert.rejects(make().require(ROLE, { action: "kinesis:PutAll", resource: STREAM }));
  });

  it("tell what is granted, and what of it was used", async () => {
    const permissions = make();
    permissions.grant("count", POLICY);
    await permissions.require(ROLE, { action: "kinesis:PutRecords", resource: STREAM });
    assert.deepEqual(permissions.usage(), {
      count: {
        granted: new Set(["kinesis:PutRecords", "kinesis:PutRecord"]),
        used: new Set(["kinesis:PutRecords"]),
      },
    });
  });
});
