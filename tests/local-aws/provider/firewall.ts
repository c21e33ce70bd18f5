import {
  AssociateWebACLCommand,
  CreateIPSetCommand,
  CreateWebACLCommand,
  DeleteIPSetCommand,
  DeleteWebACLCommand,
  DisassociateWebACLCommand,
  GetIPSetCommand,
  GetWebACLCommand,
  GetWebACLForResourceCommand,
  UpdateIPSetCommand,
  UpdateWebACLCommand,
  WAFV2Client,
  type Rule,
  type Scope,
  type WebACL,
} from "@aws-sdk/client-wafv2";
import { capital, patiently, present, type ResourceType, type Values } from "./resource-type";

const waf = new WAFV2Client({});

const ODD = {
  arn: "ARN",
  ipSetReferenceStatement: "IPSetReferenceStatement",
  ipSetForwardedIpConfig: "IPSetForwardedIPConfig",
  cloudwatchMetricsEnabled: "CloudWatchMetricsEnabled",
};

/** WAF takes one write of a kind a second; a set or an ACL may still be in use for a moment. */
const isBusy = ({ name }: Error): boolean =>
  ["ThrottlingException", "WAFAssociatedItemException", "WAFUnavailableEntityException"].includes(
    name,
  );
const isBusyOrStale = (error: Error): boolean =>
  isBusy(error) || error.name === "WAFOptimisticLockException";

const ipSet: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name", "scope", "ipAddressVersion"],
  async create({ name, scope, ipAddressVersion, description, addresses }) {
    const { Summary } = await patiently(
      () =>
        waf.send(
          new CreateIPSetCommand({
            Name: name,
            Scope: scope,
            IPAddressVersion: ipAddressVersion,
            Description: description,
            Addresses: addresses,
          }),
        ),
      isBusy,
    );
    return { id: Summary?.Id ?? "", outputs: { arn: Summary?.ARN, lockToken: Summary?.LockToken } };
  },
  async read(id, { name, scope }) {
    const { IPSet, LockToken } = await waf.send(
      new GetIPSetCommand({ Name: name, Id: id, Scope: scope }),
    );
    return {
      addresses: IPSet?.Addresses ?? [],
      description: IPSet?.Description,
      lockToken: LockToken,
    };
  },
  /** The token is the one that was last read: who writes besides makes a refresh necessary. */
  async update(id, { name, scope, description, addresses }, { lockToken }) {
    const { NextLockToken } = await patiently(
      () =>
        waf.send(
          new UpdateIPSetCommand({
            Name: name,
            Id: id,
            Scope: scope,
            Description: description,
            Addresses: addresses,
            LockToken: lockToken,
          }),
        ),
      isBusy,
    );
    return { lockToken: NextLockToken };
  },
  delete: (id, { name, scope, lockToken }) =>
    patiently(
      () =>
        waf.send(
          new DeleteIPSetCommand({ Name: name, Id: id, Scope: scope, LockToken: lockToken }),
        ),
      isBusy,
    ),
};

const settingsOf = ({
  name,
  scope,
  defaultAction,
  visibilityConfig,
  customResponseBodies,
}: Values) => ({
  Name: name as string,
  Scope: scope as Scope,
  DefaultAction: capital(defaultAction),
  VisibilityConfig: capital(visibilityConfig, ODD),
  ...(customResponseBodies && {
    CustomResponseBodies: Object.fromEntries(
      customResponseBodies.map(({ key, content, contentType }: Values) => [
        key,
        { Content: content, ContentType: contentType },
      ]),
    ),
  }),
});

const webAcl: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name", "scope"],
  async create(inputs) {
    const { Summary } = await waf.send(
      new CreateWebACLCommand({ ...settingsOf(inputs), Rules: [] }),
    );
    return { id: Summary?.Id ?? "", outputs: { arn: Summary?.ARN, capacity: 0 } };
  },
  async read(_, { arn }) {
    await waf.send(new GetWebACLCommand({ ARN: arn }));
    return {};
  },
  async update(_, news, { arn }) {
    await changeAcl(arn, (acl) => ({ ...settingsOf(news), Rules: acl.Rules }));
    return undefined;
  },
  delete: (id, { name, scope, arn }) =>
    patiently(async () => {
      const { LockToken } = await waf.send(new GetWebACLCommand({ ARN: arn }));
      await waf.send(new DeleteWebACLCommand({ Name: name, Id: id, Scope: scope, LockToken }));
    }, isBusy),
};

/** A rule is a part of its ACL: read the whole, change it, write it back under the token. */
const changeAcl = (arn: string, change: (acl: WebACL) => Partial<WebACL>): Promise<unknown> =>
  patiently(async () => {
    const { WebACL, LockToken } = await waf.send(new GetWebACLCommand({ ARN: arn }));
    const acl = present(WebACL, "web ACL");
    const { DefaultAction, VisibilityConfig, CustomResponseBodies, Rules } = acl;
    await waf.send(
      new UpdateWebACLCommand({
        Name: acl.Name,
        Id: acl.Id,
        Scope: arn.includes(":global/") ? "CLOUDFRONT" : "REGIONAL",
        LockToken,
        DefaultAction,
        VisibilityConfig,
        CustomResponseBodies,
        Rules,
        ...change(acl),
      }),
    );
  }, isBusyOrStale);

const ruleOf = ({ name, priority, action, statement, visibilityConfig }: Values): Rule => ({
  Name: name,
  Priority: priority,
  Action: capital(action),
  Statement: capital(statement, ODD),
  VisibilityConfig: capital(visibilityConfig, ODD),
});

const allBut = (rules: readonly Rule[] | undefined, name: string): Rule[] =>
  (rules ?? []).filter(({ Name }) => Name !== name);

const webAclRule: ResourceType = {
  replaceOn: ["name", "webAclArn"],
  async create(inputs) {
    const { name, webAclArn } = inputs;
    await changeAcl(webAclArn, ({ Rules }) => {
      if (Rules?.some(({ Name }) => Name === name))
        throw new Error(`the web ACL has a rule "${name}" already`);
      return { Rules: [...(Rules ?? []), ruleOf(inputs)] };
    });
    return { id: `${webAclArn},${name}` };
  },
  async read(_, { name, webAclArn }) {
    const { WebACL } = await waf.send(new GetWebACLCommand({ ARN: webAclArn }));
    const found = WebACL?.Rules?.find(({ Name }) => Name === name);
    return { priority: present(found, "rule").Priority };
  },
  async update(_, news) {
    await changeAcl(news["webAclArn"], ({ Rules }) => ({
      Rules: [...allBut(Rules, news["name"]), ruleOf(news)],
    }));
    return undefined;
  },
  delete: (_, { name, webAclArn }) =>
    changeAcl(webAclArn, ({ Rules }) => ({ Rules: allBut(Rules, name) })),
};

const webAclAssociation: ResourceType = {
  replaceOn: ["webAclArn", "resourceArn"],
  async create({ webAclArn, resourceArn }) {
    await patiently(
      () =>
        waf.send(new AssociateWebACLCommand({ WebACLArn: webAclArn, ResourceArn: resourceArn })),
      isBusy,
    );
    return { id: `${webAclArn},${resourceArn}` };
  },
  async read(_, { resourceArn }) {
    const { WebACL } = await waf.send(
      new GetWebACLForResourceCommand({ ResourceArn: resourceArn }),
    );
    return { webAclArn: present(WebACL, "association").ARN };
  },
  delete: (_, { resourceArn }) =>
    waf.send(new DisassociateWebACLCommand({ ResourceArn: resourceArn })),
};

export const FIREWALL: Readonly<Record<string, ResourceType>> = {
  "aws:wafv2/ipSet:IpSet": ipSet,
  "aws:wafv2/webAcl:WebAcl": webAcl,
  "aws:wafv2/webAclRule:WebAclRule": webAclRule,
  "aws:wafv2/webAclAssociation:WebAclAssociation": webAclAssociation,
};
