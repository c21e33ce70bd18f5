import {
  DescribeManagedPrefixListsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  GetManagedPrefixListEntriesCommand,
  type Filter,
} from "@aws-sdk/client-ec2";
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
      new DescribeSubnetsCommand({ Filters: inEc2Words(filters) }),
    );
    return { ids: Subnets?.map(({ SubnetId }) => SubnetId) };
  },
  "aws:ec2/getManagedPrefixLists:getManagedPrefixLists": async ({ filters }) => {
    const { PrefixLists } = await ec2.send(
      new DescribeManagedPrefixListsCommand({ Filters: inEc2Words(filters) }),
    );
    return { ids: PrefixLists?.map(({ PrefixListId }) => PrefixListId) };
  },
  "aws:ec2/getManagedPrefixList:getManagedPrefixList": async ({ id }) => {
    const { Entries } = await ec2.send(
      new GetManagedPrefixListEntriesCommand({ PrefixListId: id as string }),
    );
    return { id, entries: Entries?.map(({ Cidr }) => ({ cidr: Cidr, description: "" })) };
  },
};

const inEc2Words = (filters: readonly Values[]): Filter[] =>
  filters.map(({ name, values }) => ({ Name: name, Values: values }));
