import assert from "node:assert/strict";
import { WebTier } from "../../infra/web-tier";
import { arnOf, register, type Registered } from "../support/mocks";

const STREAM = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/edge-logs";
const WEB_ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/edge/0123";

describe("WebTier", () => {
  let seen: Registered[];
  const inputsOf = (name: string): Registered["inputs"] => {
    const found = seen.find((one) => one.name === `web-${name}`);
    assert.ok(found, name);
    return found.inputs;
  };

  before(async () => {
    seen = await register(
      (opts) =>
        new WebTier(
          "web",
          {
            deliveryStreamArn: STREAM,
            agents: { nginx: "log_format floodgate;\n", fluentBit: "[OUTPUT]\n" },
            webAclArn: WEB_ACL,
            vpcId: "vpc-1",
            subnetIds: ["subnet-1", "subnet-2"],
          },
          opts,
        ),
    );
  });

  it("makes exactly this, all its own children", () => {
    assert.deepEqual(
      seen.map(({ type, name, parent }) => [type.split(":").at(-1), name, parent]),
      [
        ["WebTier", "web", undefined],
        ["LoadBalancer", "web-balancer", "web"],
        ["SecurityGroup", "web-balancer-group", "web"],
        ["Group", "web-fleet", "web"],
        ["SecurityGroupIngressRule", "web-from-balancer", "web"],
        ["SecurityGroupIngressRule", "web-from-world", "web"],
        ["Listener", "web-http", "web"],
        ["WebAclAssociation", "web-protect", "web"],
        ["LaunchTemplate", "web-server", "web"],
        ["InstanceProfile", "web-servers", "web"],
        ["SecurityGroup", "web-servers-group", "web"],
        ["RolePolicy", "web-servers-policy", "web"],
        ["Role", "web-servers-role", "web"],
        ["TargetGroup", "web-targets", "web"],
        ["SecurityGroupEgressRule", "web-to-servers", "web"],
        ["SecurityGroupEgressRule", "web-to-world", "web"],
      ],
    );
  });

  it("runs the latest Amazon Linux for arm64, without IMDSv1, key or shell", () => {
    const { userData, ...template } = inputsOf("server");
    assert.deepEqual(template, {
      imageId: "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
      instanceType: "t4g.micro",
      iamInstanceProfile: { arn: arnOf("iam", "web-servers") },
      metadataOptions: {
        httpTokens: "required",
        httpEndpoint: "enabled",
        httpPutResponseHopLimit: 1,
      },
      networkInterfaces: [
        { associatePublicIpAddress: "true", securityGroups: ["web-servers-group-id"] },
      ],
      updateDefaultVersion: true,
    });
    const script = Buffer.from(String(userData), "base64").toString();
    assert.match(script, /floodgate\.conf <<'END'\nlog_format floodgate;\nEND/);
    assert.match(script, /fluent-bit\.conf <<'END'\n\[OUTPUT\]\nEND/);
  });

  it("opens port 80 to the world at the load balancer and to it alone at the servers", () => {
    assert.deepEqual(inputsOf("from-world"), {
      securityGroupId: "web-balancer-group-id",
      cidrIpv4: "0.0.0.0/0",
      ipProtocol: "tcp",
      fromPort: 80,
      toPort: 80,
    });
    assert.deepEqual(inputsOf("from-balancer"), {
      securityGroupId: "web-servers-group-id",
      referencedSecurityGroupId: "web-balancer-group-id",
      ipProtocol: "tcp",
      fromPort: 80,
      toPort: 80,
    });
  });

  it("lets the servers send logs to the delivery stream and do nothing else", () => {
    assert.deepEqual(JSON.parse(String(inputsOf("servers-policy").policy)), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "SendLogs",
          Effect: "Allow",
          Action: ["firehose:PutRecord", "firehose:PutRecordBatch"],
          Resource: STREAM,
        },
      ],
    });
  });

  it("stands behind the web ACL", () => {
    assert.deepEqual(inputsOf("protect"), {
      webAclArn: WEB_ACL,
      resourceArn: arnOf("lb", "web-balancer"),
    });
    assert.deepEqual(inputsOf("fleet").targetGroupArns, [arnOf("lb", "web-targets")]);
    assert.deepEqual(inputsOf("fleet").vpcZoneIdentifiers, ["subnet-1", "subnet-2"]);
  });
});
