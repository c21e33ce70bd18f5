import { DescribeSubnetsCommand, DescribeVpcsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { present, type Values } from "./resource-type";

const ec2 = new EC2Client({});
const sts = new STSClient({});

/** What the program asks AWS about while it runs. */
export const LOOK_UPS: Readonly<Record<string, (inputs: Values) => Promise<Values>>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": async () => {
    const { Account, Arn, UserId } = await sts.send(new GetCallerIdentityCommand({}));
    return { id: Account, accountId: Account, arn: Arn, userId: UserId };
  },
  "aws:ec2/getVpc:getVpc": async ({ default: isDefault }) => {
    const { Vpcs } = await ec2.send(
      new DescribeVpcsCommand({ Filters: [{ Name: "is-default", Values: [String(isDefault)] }] }),
    );
    return { id: present(Vpcs?.[0], "default VPC").VpcId };
  },
  "aws:ec2/getSubnets:getSubnets": async ({ filters }) => {
    const { Subnets } = await ec2.send(
      new DescribeSubnetsCommand({
        Filters: filters.map(({ name, values }: Values) => ({ Name: name, Values: values })),
      }),
    );
    return { ids: Subnets?.map(({ SubnetId }) => SubnetId) };
  },
};
