import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
  UpdateAutoScalingGroupCommand,
  type AutoScalingGroup,
} from "@aws-sdk/client-auto-scaling";
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  CreateSecurityGroupCommand,
  DeleteLaunchTemplateCommand,
  DeleteSecurityGroupCommand,
  DescribeLaunchTemplatesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  ModifyLaunchTemplateCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type IpPermission,
  type SecurityGroupRule,
} from "@aws-sdk/client-ec2";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteListenerCommand,
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
  ModifyLoadBalancerAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  account,
  capital,
  present,
  region,
  without,
  type ResourceType,
  type Values,
} from "./resource-type";

const ec2 = new EC2Client({});
const elb = new ElasticLoadBalancingV2Client({});
const scaling = new AutoScalingClient({});

const arnOf = (rest: string): string => `arn:aws:ec2:${region}:${account}:${rest}`;

const securityGroup: ResourceType = {
  named: { input: "name", longest: 255 },
  replaceOn: ["name", "vpcId", "description"],
  async create({ name, vpcId, description }) {
    const { GroupId = "" } = await ec2.send(
      new CreateSecurityGroupCommand({ GroupName: name, VpcId: vpcId, Description: description }),
    );
    return { id: GroupId, outputs: { arn: arnOf(`security-group/${GroupId}`), ownerId: account } };
  },
  async read(id) {
    const { SecurityGroups } = await ec2.send(
      new DescribeSecurityGroupsCommand({ GroupIds: [id] }),
    );
    present(SecurityGroups?.[0], "security group");
    return {};
  },
  delete: (id) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })),
};

const permissionOf = ({
  ipProtocol,
  fromPort,
  toPort,
  cidrIpv4,
  cidrIpv6,
  referencedSecurityGroupId,
}: Values): IpPermission => ({
  IpProtocol: ipProtocol as string,
  FromPort: fromPort as number,
  ToPort: toPort as number,
  ...(cidrIpv4 && { IpRanges: [{ CidrIp: cidrIpv4 as string }] }),
  ...(cidrIpv6 && { Ipv6Ranges: [{ CidrIpv6: cidrIpv6 as string }] }),
  ...(referencedSecurityGroupId && {
    UserIdGroupPairs: [{ GroupId: referencedSecurityGroupId as string }],
  }),
});

/** Both directions are the same but for the calls. */
const groupRule = (calls: {
  authorize: (group: string, permission: IpPermission) => Promise<SecurityGroupRule[] | undefined>;
  revoke: (group: string, permission: IpPermission) => Promise<unknown>;
}): ResourceType => ({
  replaceOn: [],
  async create(inputs) {
    const rules = await calls.authorize(inputs["securityGroupId"], permissionOf(inputs));
    return { id: present(rules?.[0], "security group rule").SecurityGroupRuleId ?? "" };
  },
  async read(id, { securityGroupId }) {
    const { SecurityGroupRules } = await ec2.send(
      new DescribeSecurityGroupRulesCommand({
        Filters: [{ Name: "group-id", Values: [securityGroupId] }],
      }),
    );
    present(
      SecurityGroupRules?.find(({ SecurityGroupRuleId }) => SecurityGroupRuleId === id),
      "security group rule",
    );
    return {};
  },
  delete: (_, state) => calls.revoke(state["securityGroupId"], permissionOf(state)),
});

const ingressRule = groupRule({
  async authorize(GroupId, permission) {
    const IpPermissions = [permission];
    const made = await ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }),
    );
    return made.SecurityGroupRules;
  },
  revoke: (GroupId, permission) =>
    ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [permission] })),
});

const egressRule = groupRule({
  async authorize(GroupId, permission) {
    const IpPermissions = [permission];
    const made = await ec2.send(
      new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions }),
    );
    return made.SecurityGroupRules;
  },
  revoke: (GroupId, permission) =>
    ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [permission] })),
});

const loadBalancer: ResourceType = {
  named: { input: "name", longest: 32 },
  replaceOn: ["name", "loadBalancerType", "subnets", "securityGroups"],
  async create({ name, loadBalancerType, securityGroups, subnets, dropInvalidHeaderFields }) {
    const { LoadBalancers } = await elb.send(
      new CreateLoadBalancerCommand({
        Name: name,
        Type: loadBalancerType,
        SecurityGroups: securityGroups,
        Subnets: subnets,
      }),
    );
    const made = present(LoadBalancers?.[0], "load balancer");
    const arn = made.LoadBalancerArn ?? "";
    await elb.send(
      new ModifyLoadBalancerAttributesCommand({
        LoadBalancerArn: arn,
        Attributes: [
          {
            Key: "routing.http.drop_invalid_header_fields.enabled",
            Value: String(dropInvalidHeaderFields ?? false),
          },
        ],
      }),
    );
    const [, arnSuffix] = arn.split(":loadbalancer/");
    const outputs = { arn, arnSuffix, dnsName: made.DNSName, zoneId: made.CanonicalHostedZoneId };
    return { id: arn, outputs };
  },
  async read(id) {
    await elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [id] }));
    return {};
  },
  delete: (id) => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: id })),
};

const targetGroup: ResourceType = {
  named: { input: "name", longest: 32 },
  replaceOn: ["name", "port", "protocol", "vpcId"],
  async create({ name, vpcId, port, protocol, healthCheck }) {
    const { TargetGroups } = await elb.send(
      new CreateTargetGroupCommand({
        Name: name,
        VpcId: vpcId,
        Port: port,
        Protocol: protocol,
        HealthCheckPath: healthCheck?.path,
      }),
    );
    const arn = present(TargetGroups?.[0], "target group").TargetGroupArn ?? "";
    return { id: arn, outputs: { arn } };
  },
  async read(id) {
    await elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [id] }));
    return {};
  },
  delete: (id) => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: id })),
};

const listener: ResourceType = {
  replaceOn: ["loadBalancerArn"],
  async create({ loadBalancerArn, port, protocol, defaultActions }) {
    const { Listeners } = await elb.send(
      new CreateListenerCommand({
        LoadBalancerArn: loadBalancerArn,
        Port: port,
        Protocol: protocol,
        DefaultActions: capital(defaultActions),
      }),
    );
    const arn = present(Listeners?.[0], "listener").ListenerArn ?? "";
    return { id: arn, outputs: { arn } };
  },
  async read(id) {
    await elb.send(new DescribeListenersCommand({ ListenerArns: [id] }));
    return {};
  },
  delete: (id) => elb.send(new DeleteListenerCommand({ ListenerArn: id })),
};

const templateOf = ({ networkInterfaces, ...rest }: Values): any => ({
  ...capital(without(rest, "name", "updateDefaultVersion")),
  NetworkInterfaces: networkInterfaces.map(
    ({ associatePublicIpAddress, securityGroups }: Values, i: number) => ({
      DeviceIndex: i,
      AssociatePublicIpAddress: associatePublicIpAddress === "true",
      Groups: securityGroups,
    }),
  ),
});

const launchTemplate: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name"],
  async create(inputs) {
    const { LaunchTemplate } = await ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: inputs["name"],
        LaunchTemplateData: templateOf(inputs),
      }),
    );
    const made = present(LaunchTemplate, "launch template");
    return {
      id: made.LaunchTemplateId ?? "",
      outputs: {
        arn: arnOf(`launch-template/${made.LaunchTemplateId}`),
        latestVersion: made.LatestVersionNumber,
        defaultVersion: made.DefaultVersionNumber,
      },
    };
  },
  async read(id) {
    const { LaunchTemplates } = await ec2.send(
      new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [id] }),
    );
    present(LaunchTemplates?.[0], "launch template");
    return {};
  },
  async update(id, news) {
    const { LaunchTemplateVersion } = await ec2.send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateId: id,
        LaunchTemplateData: templateOf(news),
      }),
    );
    const latestVersion = LaunchTemplateVersion?.VersionNumber;
    await ec2.send(
      new ModifyLaunchTemplateCommand({
        LaunchTemplateId: id,
        DefaultVersion: String(latestVersion),
      }),
    );
    return { latestVersion, defaultVersion: latestVersion };
  },
  delete: (id) => ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId: id })),
};

const groupOf = ({
  name,
  minSize,
  maxSize,
  desiredCapacity,
  healthCheckType,
  launchTemplate: template,
  vpcZoneIdentifiers,
}: Values) => ({
  AutoScalingGroupName: name as string,
  MinSize: minSize as number,
  MaxSize: maxSize as number,
  DesiredCapacity: desiredCapacity as number,
  HealthCheckType: healthCheckType as string,
  VPCZoneIdentifier: vpcZoneIdentifiers.join(",") as string,
  LaunchTemplate: { LaunchTemplateId: template.id as string, Version: template.version as string },
});

async function groupNamed(name: string): Promise<AutoScalingGroup> {
  const { AutoScalingGroups } = await scaling.send(
    new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }),
  );
  return present(AutoScalingGroups?.[0], "auto scaling group");
}

const autoScalingGroup: ResourceType = {
  named: { input: "name", longest: 255 },
  replaceOn: ["name"],
  async create(inputs) {
    await scaling.send(
      new CreateAutoScalingGroupCommand({
        ...groupOf(inputs),
        TargetGroupARNs: inputs["targetGroupArns"],
      }),
    );
    const found = await groupNamed(inputs["name"]);
    return { id: inputs["name"], outputs: { arn: found.AutoScalingGroupARN } };
  },
  async read(id) {
    const found = await groupNamed(id);
    return { minSize: found.MinSize, maxSize: found.MaxSize };
  },
  async update(_, news) {
    await scaling.send(new UpdateAutoScalingGroupCommand(groupOf(news)));
    return undefined;
  },
  delete: (id) =>
    scaling.send(
      new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: id, ForceDelete: true }),
    ),
};

export const WEB_TIER: Readonly<Record<string, ResourceType>> = {
  "aws:ec2/securityGroup:SecurityGroup": securityGroup,
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingressRule,
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": egressRule,
  "aws:lb/loadBalancer:LoadBalancer": loadBalancer,
  "aws:lb/targetGroup:TargetGroup": targetGroup,
  "aws:lb/listener:Listener": listener,
  "aws:ec2/launchTemplate:LaunchTemplate": launchTemplate,
  "aws:autoscaling/group:Group": autoScalingGroup,
};
