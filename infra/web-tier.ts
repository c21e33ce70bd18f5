import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AgentConfigs } from "./agents";
import { LOG_FILE } from "./log-formats";
import { assumedBy, document, sendLogs } from "./policies";

export interface WebTierArgs {
  /** Where the access log goes. */
  readonly deliveryStreamArn: pulumi.Input<string>;
  /** nginx's and Fluent Bit's configuration for it. */
  readonly agents: pulumi.Input<Pick<AgentConfigs, "nginx" | "fluentBit">>;
  /** The web ACL that protects the load balancer. @default - none */
  readonly webAclArn?: pulumi.Input<string>;
  /** @default - the default VPC */
  readonly vpcId?: pulumi.Input<string>;
  /** At least two, in different zones, with a way to the internet. @default - those of the VPC */
  readonly subnetIds?: pulumi.Input<pulumi.Input<string>[]>;
  /** Of arm64. @default "t4g.micro" */
  readonly instanceType?: string;
}

/** @see https://docs.aws.amazon.com/linux/al2023/ug/ec2.html */
const LATEST_AMAZON_LINUX =
  "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";

/**
 * A load balancer and nginx behind it, whose access log Fluent Bit ships within seconds: the first
 * boxes of the pipeline, to see it work. It answers a fixed page over plain HTTP to everybody; a
 * demonstration, not a place for a site. Costs about $25 a month.
 *
 * ```ts
 * const { deliveryStreamArn, agents, webAclArn } = new IntrusionPrevention("edge");
 * new WebTier("web", { deliveryStreamArn, agents, webAclArn });
 * ```
 */
export class WebTier extends pulumi.ComponentResource {
  /** Where to send requests. */
  readonly url: pulumi.Output<string>;
  readonly loadBalancerArn: pulumi.Output<string>;

  constructor(name: string, args: WebTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("floodgate:index:WebTier", name, args, opts);
    const vpcId = pulumi.output(
      args.vpcId ?? aws.ec2.getVpcOutput({ default: true }, { parent: this }).id,
    );
    const subnetIds = pulumi.output(args.subnetIds ?? subnetsOf(vpcId, this));
    const groups = createSecurityGroups(name, vpcId, this);
    const balancer = createLoadBalancer(name, { vpcId, subnetIds, groups }, this);
    createServers(name, args, { subnetIds, groups, targetGroupArn: balancer.targetGroupArn }, this);
    if (args.webAclArn !== undefined) {
      new aws.wafv2.WebAclAssociation(
        `${name}-protect`,
        { webAclArn: args.webAclArn, resourceArn: balancer.arn },
        { parent: this },
      );
    }
    this.url = pulumi.interpolate`http://${balancer.dnsName}/`;
    this.loadBalancerArn = balancer.arn;
    this.registerOutputs({ url: this.url, loadBalancerArn: this.loadBalancerArn });
  }
}

const subnetsOf = (
  vpcId: pulumi.Output<string>,
  parent: pulumi.Resource,
): pulumi.Output<string[]> =>
  aws.ec2.getSubnetsOutput({ filters: [{ name: "vpc-id", values: [vpcId] }] }, { parent }).ids;

interface Groups {
  readonly balancer: aws.ec2.SecurityGroup;
  readonly servers: aws.ec2.SecurityGroup;
}

/** The world reaches the load balancer, the load balancer the servers, and nobody has a shell. */
function createSecurityGroups(
  name: string,
  vpcId: pulumi.Output<string>,
  parent: pulumi.Resource,
): Groups {
  const balancer = new aws.ec2.SecurityGroup(
    `${name}-balancer-group`,
    { vpcId, description: "HTTP from everywhere" },
    { parent },
  );
  const servers = new aws.ec2.SecurityGroup(
    `${name}-servers-group`,
    { vpcId, description: "HTTP from the load balancer" },
    { parent },
  );
  const http = { ipProtocol: "tcp", fromPort: 80, toPort: 80 };
  new aws.vpc.SecurityGroupIngressRule(
    `${name}-from-world`,
    { securityGroupId: balancer.id, cidrIpv4: "0.0.0.0/0", ...http },
    { parent },
  );
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-to-servers`,
    { securityGroupId: balancer.id, referencedSecurityGroupId: servers.id, ...http },
    { parent },
  );
  new aws.vpc.SecurityGroupIngressRule(
    `${name}-from-balancer`,
    { securityGroupId: servers.id, referencedSecurityGroupId: balancer.id, ...http },
    { parent },
  );
  // Packages and the delivery stream are reached by HTTPS.
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-to-world`,
    {
      securityGroupId: servers.id,
      cidrIpv4: "0.0.0.0/0",
      ipProtocol: "tcp",
      fromPort: 443,
      toPort: 443,
    },
    { parent },
  );
  return { balancer, servers };
}

function createLoadBalancer(
  name: string,
  {
    vpcId,
    subnetIds,
    groups,
  }: {
    readonly vpcId: pulumi.Output<string>;
    readonly subnetIds: pulumi.Output<string[]>;
    readonly groups: Groups;
  },
  parent: pulumi.Resource,
): {
  readonly arn: pulumi.Output<string>;
  readonly dnsName: pulumi.Output<string>;
  readonly targetGroupArn: pulumi.Output<string>;
} {
  const balancer = new aws.lb.LoadBalancer(
    `${name}-balancer`,
    {
      loadBalancerType: "application",
      securityGroups: [groups.balancer.id],
      subnets: subnetIds,
      dropInvalidHeaderFields: true,
    },
    { parent },
  );
  const targets = new aws.lb.TargetGroup(
    `${name}-targets`,
    { vpcId, port: 80, protocol: "HTTP", healthCheck: { path: "/" } },
    { parent },
  );
  new aws.lb.Listener(
    `${name}-http`,
    {
      loadBalancerArn: balancer.arn,
      port: 80,
      protocol: "HTTP",
      defaultActions: [{ type: "forward", targetGroupArn: targets.arn }],
    },
    { parent },
  );
  return { arn: balancer.arn, dnsName: balancer.dnsName, targetGroupArn: targets.arn };
}

function createServers(
  name: string,
  { deliveryStreamArn, agents, instanceType }: WebTierArgs,
  {
    subnetIds,
    groups,
    targetGroupArn,
  }: {
    readonly subnetIds: pulumi.Output<string[]>;
    readonly groups: Groups;
    readonly targetGroupArn: pulumi.Output<string>;
  },
  parent: pulumi.Resource,
): void {
  const role = new aws.iam.Role(
    `${name}-servers-role`,
    { assumeRolePolicy: assumedBy("ec2.amazonaws.com") },
    { parent },
  );
  new aws.iam.RolePolicy(
    `${name}-servers-policy`,
    { role: role.name, policy: document(sendLogs(deliveryStreamArn)) },
    { parent },
  );
  const profile = new aws.iam.InstanceProfile(`${name}-servers`, { role: role.name }, { parent });
  const userData = pulumi
    .output(agents)
    .apply((configs) => Buffer.from(bootScript(configs)).toString("base64"));
  const template = new aws.ec2.LaunchTemplate(
    `${name}-server`,
    {
      imageId: LATEST_AMAZON_LINUX,
      instanceType: instanceType ?? "t4g.micro",
      iamInstanceProfile: { arn: profile.arn },
      metadataOptions: {
        httpTokens: "required",
        httpEndpoint: "enabled",
        httpPutResponseHopLimit: 1,
      },
      networkInterfaces: [
        { associatePublicIpAddress: "true", securityGroups: [groups.servers.id] },
      ],
      userData,
      updateDefaultVersion: true,
    },
    { parent },
  );
  new aws.autoscaling.Group(
    `${name}-fleet`,
    {
      minSize: 1,
      maxSize: 2,
      desiredCapacity: 1,
      vpcZoneIdentifiers: subnetIds,
      targetGroupArns: [targetGroupArn],
      healthCheckType: "ELB",
      launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      instanceRefresh: { strategy: "Rolling" },
    },
    { parent },
  );
}

/** Installs nginx and Fluent Bit and gives both their configuration. */
function bootScript({ nginx, fluentBit }: Pick<AgentConfigs, "nginx" | "fluentBit">): string {
  return `#!/bin/bash
set -euo pipefail
cat > /etc/yum.repos.d/fluent-bit.repo <<'END'
[fluent-bit]
name=Fluent Bit
baseurl=https://packages.fluentbit.io/amazonlinux/2023/
gpgcheck=1
gpgkey=https://packages.fluentbit.io/fluentbit.key
enabled=1
END
dnf install -y nginx fluent-bit logrotate
cat > /etc/nginx/conf.d/floodgate.conf <<'END'
${nginx}END
mkdir -p /var/lib/fluent-bit
cat > /etc/fluent-bit/fluent-bit.conf <<'END'
${fluentBit}END
cat > /etc/logrotate.d/floodgate <<'END'
${LOG_FILE} { size 100M rotate 2 missingok compress postrotate
  systemctl kill --signal=USR1 nginx
endscript }
END
systemctl enable --now nginx fluent-bit
`;
}
