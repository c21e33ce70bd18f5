import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type { ResourceType } from "./resource-type";

const iam = new IAMClient({});

const role: ResourceType = {
  named: { input: "name", longest: 64 },
  replaceOn: ["name"],
  async create({ name, assumeRolePolicy }) {
    const { Role } = await iam.send(
      new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: assumeRolePolicy }),
    );
    return { id: name, outputs: { arn: Role?.Arn, uniqueId: Role?.RoleId } };
  },
  async read(id) {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: id }));
    return { assumeRolePolicy: decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "") };
  },
  async update(id, { assumeRolePolicy }) {
    await iam.send(
      new UpdateAssumeRolePolicyCommand({ RoleName: id, PolicyDocument: assumeRolePolicy }),
    );
    return undefined;
  },
  delete: (id) => iam.send(new DeleteRoleCommand({ RoleName: id })),
};

const rolePolicy: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name", "role"],
  async create({ name, role: RoleName, policy }) {
    await iam.send(
      new PutRolePolicyCommand({ RoleName, PolicyName: name, PolicyDocument: policy }),
    );
    return { id: `${RoleName}:${name}` };
  },
  async read(_, { name, role: RoleName }) {
    const found = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: name }));
    return { policy: decodeURIComponent(found.PolicyDocument ?? "") };
  },
  async update(_, { name, role: RoleName, policy }) {
    await iam.send(
      new PutRolePolicyCommand({ RoleName, PolicyName: name, PolicyDocument: policy }),
    );
    return undefined;
  },
  delete: (_, { name, role: RoleName }) =>
    iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: name })),
};

const instanceProfile: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name", "role"],
  async create({ name, role: RoleName }) {
    const { InstanceProfile } = await iam.send(
      new CreateInstanceProfileCommand({ InstanceProfileName: name }),
    );
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName }));
    return { id: name, outputs: { arn: InstanceProfile?.Arn } };
  },
  async read(id) {
    const { InstanceProfile } = await iam.send(
      new GetInstanceProfileCommand({ InstanceProfileName: id }),
    );
    return { role: InstanceProfile?.Roles?.[0]?.RoleName };
  },
  async delete(id, { role: RoleName }) {
    await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: id, RoleName }));
    await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: id }));
  },
};

export const IDENTITY: Readonly<Record<string, ResourceType>> = {
  "aws:iam/role:Role": role,
  "aws:iam/rolePolicy:RolePolicy": rolePolicy,
  "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
};
