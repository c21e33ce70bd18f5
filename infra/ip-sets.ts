import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { IpSetSettings } from "../functions/edges/ip-set";
import type { Mode } from "../functions/rules/rule";
import type { IntrusionPreventionSettings } from "./intrusion-prevention-args";

type Family = IpSetSettings["family"];
type Statement = aws.types.input.wafv2.WebAclRuleStatement;
type Action = aws.types.input.wafv2.WebAclRuleAction;

export interface WafArgs extends Pick<
  IntrusionPreventionSettings,
  | "scope"
  | "webAcl"
  | "protect"
  | "rulePriority"
  | "blockResponse"
  | "rateLimit"
  | "forwardedIp"
  | "allow"
> {
  /** Rules of one ACL have names of their own. */
  readonly component: string;
  /** Actions that rules can lead to, the most severe first; `observe` needs no set. */
  readonly actions: readonly Exclude<Mode, "observe">[];
}

export interface WafSets {
  /** What the callbacks need to write the sets. */
  readonly sets: pulumi.Output<readonly IpSetSettings[]>;
  readonly arns: readonly pulumi.Output<string>[];
  /** Undefined when nothing is enforced. */
  readonly webAclArn: pulumi.Output<string> | undefined;
}

const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
const OWNED = "Kept by Floodgate equal to its decisions table";
const ALLOWED = "Never blocked by Floodgate";
const BODY_KEY = "floodgate-block";

/** IP sets for each action in use, and the rules of the web ACL that ask them. */
export function createIpSets(name: string, args: WafArgs, parent: pulumi.Resource): WafSets {
  if (args.actions.length === 0) return { sets: pulumi.output([]), arns: [], webAclArn: undefined };
  const opts = { parent };
  const webAclArn =
    args.webAcl === undefined ? createWebAcl(name, args, opts) : pulumi.output(args.webAcl);
  const allowed = FAMILIES.map((family) =>
    createSet(`${name}-allow-${family}`, { family, description: ALLOWED }, args, {
      addresses: args.allow.filter((cidr) => familyOf(cidr) === family),
      opts,
    }),
  );
  const owned: { settings: pulumi.Output<IpSetSettings>; arn: pulumi.Output<string> }[] = [];
  const rules: RuleArgs[] = args.actions.map((action) => {
    const sets = FAMILIES.map((family) => {
      const set = createSet(`${name}-${action}-${family}`, { family, description: OWNED }, args, {
        addresses: [],
        // The callbacks own the contents; a refreshing `pulumi up` must not empty the set.
        opts: { ...opts, ignoreChanges: ["addresses"] },
      });
      const settings = pulumi.all([set.name, set.id]).apply(([setName, id]): IpSetSettings => ({
        name: setName,
        id,
        action,
        family,
        description: OWNED,
      }));
      owned.push({ settings, arn: set.arn });
      return set;
    });
    return {
      purpose: action,
      action: actionOf(action, args),
      statement: both(isIn(sets, args), not(isIn(allowed, args))),
    };
  });
  if (args.rateLimit !== false) rules.push(rateRule(allowed, args.rateLimit, args));
  createRules(name, rules, { ...args, webAclArn }, opts);
  args.protect.forEach((resourceArn, i) => {
    new aws.wafv2.WebAclAssociation(`${name}-protect-${i}`, { webAclArn, resourceArn }, opts);
  });
  return {
    sets: pulumi.all(owned.map(({ settings }) => settings)),
    arns: owned.map(({ arn }) => arn),
    webAclArn,
  };
}

interface RuleArgs {
  /** What it does, for its names. */
  readonly purpose: string;
  readonly action: Action;
  readonly statement: Statement;
}

/** CloudFront's ACLs and sets are at home in one region. */
const home = ({ scope }: WafArgs): { region?: string } =>
  scope === "CLOUDFRONT" ? { region: "us-east-1" } : {};

const visible = (metricName: string): aws.types.input.wafv2.WebAclRuleVisibilityConfig => ({
  metricName,
  cloudwatchMetricsEnabled: true,
  sampledRequestsEnabled: true,
});

function createWebAcl(
  name: string,
  args: WafArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const { body } = args.blockResponse;
  const acl = new aws.wafv2.WebAcl(
    `${name}-web-acl`,
    {
      ...home(args),
      scope: args.scope,
      defaultAction: { allow: {} },
      visibilityConfig: visible(args.component),
      ...(body === undefined
        ? {}
        : {
            customResponseBodies: [
              { key: BODY_KEY, content: body, contentType: contentTypeOf(body) },
            ],
          }),
    },
    // The rules are resources of their own, so that they are deleted before the sets.
    { ...opts, ignoreChanges: ["rules"] },
  );
  return acl.arn;
}

function createSet(
  name: string,
  { family, description }: { readonly family: Family; readonly description: string },
  args: WafArgs,
  { addresses, opts }: { addresses: string[]; opts: pulumi.CustomResourceOptions },
): aws.wafv2.IpSet {
  const ipAddressVersion = family === "ipv4" ? "IPV4" : "IPV6";
  return new aws.wafv2.IpSet(
    name,
    { ...home(args), scope: args.scope, ipAddressVersion, description, addresses },
    opts,
  );
}

/** One after the other: each is a change of the whole ACL, and WAF takes one a second. */
function createRules(
  name: string,
  rules: readonly RuleArgs[],
  args: WafArgs & { readonly webAclArn: pulumi.Output<string> },
  opts: pulumi.CustomResourceOptions,
): void {
  let before: pulumi.Resource[] = [];
  rules.forEach(({ purpose, action, statement }, i) => {
    const ruleName = `${args.component}-${purpose}`;
    const rule = new aws.wafv2.WebAclRule(
      `${name}-${purpose}-rule`,
      {
        ...home(args),
        name: ruleName,
        webAclArn: args.webAclArn,
        priority: args.rulePriority + i,
        action,
        statement,
        visibilityConfig: visible(ruleName),
      },
      { ...opts, dependsOn: before },
    );
    before = [rule];
  });
}

function actionOf(action: Exclude<Mode, "observe">, { blockResponse }: WafArgs): Action {
  switch (action) {
    case "count":
      return { count: {} };
    case "challenge":
      return { challenge: {} };
    case "block":
      return {
        block: {
          customResponse: {
            responseCode: blockResponse.status,
            ...(blockResponse.body === undefined ? {} : { customResponseBodyKey: BODY_KEY }),
          },
        },
      };
  }
}

/** The native peer: it needs no log line, so it stops a flood in its first seconds. */
function rateRule(
  allowed: readonly aws.wafv2.IpSet[],
  { requests, perSeconds }: { readonly requests: number; readonly perSeconds: number },
  args: WafArgs,
): RuleArgs {
  return {
    purpose: "rate-limit",
    action: actionOf(args.actions[0], args),
    statement: {
      rateBasedStatement: {
        limit: requests,
        evaluationWindowSec: perSeconds,
        aggregateKeyType: "IP",
        scopeDownStatement: not(isIn(allowed, args)),
      },
    },
  };
}

function isIn(sets: readonly aws.wafv2.IpSet[], { forwardedIp }: WafArgs): Statement {
  const statements = sets.map(({ arn }): Statement => ({
    ipSetReferenceStatement: {
      arn,
      ...(forwardedIp === undefined
        ? {}
        : // A header that cannot be read blocks nobody.
          { ipSetForwardedIpConfig: { ...forwardedIp, fallbackBehavior: "NO_MATCH" } }),
    },
  }));
  return { orStatement: { statements } };
}

const both = (...statements: Statement[]): Statement => ({ andStatement: { statements } });
const not = (statement: Statement): Statement => ({ notStatement: { statement } });

const familyOf = (cidr: string): Family => (cidr.includes(":") ? "ipv6" : "ipv4");

function contentTypeOf(body: string): string {
  if (/^\s*[[{]/.test(body)) return "APPLICATION_JSON";
  return /^\s*</.test(body) ? "TEXT_HTML" : "TEXT_PLAIN";
}
