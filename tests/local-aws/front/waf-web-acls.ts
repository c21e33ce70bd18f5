import { randomUUID } from "node:crypto";
import type { Rule, Statement } from "@aws-sdk/client-wafv2";
import ipaddr from "ipaddr.js";
import { AwsError } from "./aws-error";
import { checkToken, invalid, type IpSets } from "./waf-ip-sets";

/** A request as it reaches the load balancer. */
export interface WebRequest {
  readonly address: string;
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What became of a request, and which rule decided. */
export interface Verdict {
  readonly action: "allow" | "block" | "challenge" | "captcha";
  readonly rule?: string;
  /** Rules with the action `count` that it met on the way. */
  readonly counted: readonly string[];
  /** Of a block. */
  readonly status?: number;
}

interface Acl {
  readonly Name: string;
  readonly Id: string;
  readonly ARN: string;
  DefaultAction: Readonly<Record<string, unknown>>;
  VisibilityConfig: unknown;
  CustomResponseBodies: unknown;
  Rules: readonly Rule[];
}

/**
 * Web ACLs: kept with lock tokens as WAF keeps them, and asked what they make of a request.
 *
 * @see https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-processing.html
 */
export class WebAcls {
  readonly #account: string;
  readonly #region: string;
  readonly #sets: IpSets;
  readonly #acls = new Map<string, { acl: Acl; token: string }>();
  readonly #protecting = new Map<string, string>();
  /** When each address came, by the rate-based rule. */
  readonly #seen = new Map<string, Map<string, number[]>>();

  constructor(account: string, region: string, sets: IpSets) {
    this.#account = account;
    this.#region = region;
    this.#sets = sets;
  }

  create(input: Omit<Acl, "Id" | "ARN"> & { Scope: string }): unknown {
    const { Scope, ...settings } = input;
    const Id = randomUUID();
    const where = Scope === "CLOUDFRONT" ? "global" : "regional";
    const ARN = `arn:aws:wafv2:${this.#region}:${this.#account}:${where}/webacl/${input.Name}/${Id}`;
    this.#checkRules(settings.Rules);
    const token = randomUUID();
    this.#acls.set(ARN, { acl: { ...settings, Id, ARN }, token });
    return { Summary: { Name: input.Name, Id, ARN, LockToken: token } };
  }

  get(input: { ARN?: string; Id?: string }): unknown {
    const { acl, token } = this.#find(input);
    return { WebACL: { ...acl, Capacity: acl.Rules.length }, LockToken: token };
  }

  update(input: Omit<Acl, "ARN"> & { LockToken: string }): unknown {
    const found = this.#find({ Id: input.Id });
    checkToken(found.token, input.LockToken);
    this.#checkRules(input.Rules);
    const { DefaultAction, VisibilityConfig, CustomResponseBodies, Rules } = input;
    Object.assign(found.acl, { DefaultAction, VisibilityConfig, CustomResponseBodies, Rules });
    found.token = randomUUID();
    return { NextLockToken: found.token };
  }

  delete({ Id, LockToken }: { Id: string; LockToken: string }): unknown {
    const { acl, token } = this.#find({ Id });
    checkToken(token, LockToken);
    if ([...this.#protecting.values()].includes(acl.ARN))
      throw new AwsError("WAFAssociatedItemException", `${acl.Name} protects something`);
    this.#acls.delete(acl.ARN);
    return {};
  }

  associate({ WebACLArn, ResourceArn }: { WebACLArn: string; ResourceArn: string }): unknown {
    this.#find({ ARN: WebACLArn });
    this.#protecting.set(ResourceArn, WebACLArn);
    return {};
  }

  disassociate({ ResourceArn }: { ResourceArn: string }): unknown {
    this.#protecting.delete(ResourceArn);
    return {};
  }

  ofResource({ ResourceArn }: { ResourceArn: string }): unknown {
    const arn = this.#protecting.get(ResourceArn);
    return arn === undefined ? {} : this.get({ ARN: arn });
  }

  /** An IP set that a rule asks cannot be deleted. */
  isAsked(ipSetArn: string): boolean {
    return [...this.#acls.values()].some(({ acl }) => JSON.stringify(acl.Rules).includes(ipSetArn));
  }

  /** What the ACL that protects a resource makes of a request; rate-based rules count it. */
  judge(resourceArn: string, request: WebRequest): Verdict {
    const arn = this.#protecting.get(resourceArn);
    if (arn === undefined) throw new Error(`no web ACL protects ${resourceArn}`);
    const { acl } = this.#find({ ARN: arn });
    const counted: string[] = [];
    for (const rule of [...acl.Rules].sort((a, b) => (a.Priority ?? 0) - (b.Priority ?? 0))) {
      const { Name = "", Statement, Action = {} } = rule;
      if (!this.#matches(Statement ?? {}, request, `${arn} ${Name}`)) continue;
      if (Action.Count) counted.push(Name);
      else if (Action.Block)
        return {
          action: "block",
          rule: Name,
          counted,
          status: Action.Block.CustomResponse?.ResponseCode ?? 403,
        };
      else if (Action.Challenge) return { action: "challenge", rule: Name, counted };
      else if (Action.Captcha) return { action: "captcha", rule: Name, counted };
      else if (Action.Allow) return { action: "allow", rule: Name, counted };
    }
    return { action: "Block" in acl.DefaultAction ? "block" : "allow", counted };
  }

  #find({ ARN, Id }: { ARN?: string; Id?: string }): { acl: Acl; token: string } {
    for (const found of this.#acls.values())
      if (found.acl.ARN === ARN || found.acl.Id === Id) return found;
    throw new AwsError("WAFNonexistentItemException", `there is no web ACL ${ARN ?? Id ?? ""}`);
  }

  #checkRules(rules: readonly Rule[] | undefined): void {
    const list = rules ?? [];
    const names = new Set(list.map(({ Name }) => Name));
    const priorities = new Set(list.map(({ Priority }) => Priority));
    if (Math.min(names.size, priorities.size) < list.length)
      throw invalid("two rules share a name or a priority");
    const references = JSON.stringify(list).match(/arn:aws:wafv2:[^"]*\/ipset\/[^"]*/g) ?? [];
    for (const arn of references)
      if (this.#sets.byArn(arn) === undefined)
        throw new AwsError("WAFUnavailableEntityException", `there is no IP set ${arn}`);
  }

  #matches(statement: Statement, request: WebRequest, rule: string): boolean {
    const matches = (one: Statement): boolean => this.#matches(one, request, rule);
    const { IPSetReferenceStatement: inSet, RateBasedStatement: rate } = statement;
    if (statement.AndStatement) return (statement.AndStatement.Statements ?? []).every(matches);
    if (statement.OrStatement) return (statement.OrStatement.Statements ?? []).some(matches);
    if (statement.NotStatement) return !matches(statement.NotStatement.Statement ?? {});
    if (inSet) return this.#isInSet(inSet, request);
    if (rate) {
      if (rate.ScopeDownStatement && !matches(rate.ScopeDownStatement)) return false;
      return this.#isTooOften(rule, request, rate.Limit ?? 0, rate.EvaluationWindowSec ?? 300);
    }
    throw new Error(`statement not known here: ${Object.keys(statement).join()}`);
  }

  /** @see https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-forwarded-ip-address.html */
  #isInSet(
    {
      ARN = "",
      IPSetForwardedIPConfig: forwarded,
    }: NonNullable<Statement["IPSetReferenceStatement"]>,
    { address, headers = {} }: WebRequest,
  ): boolean {
    const set = this.#sets.byArn(ARN);
    if (set === undefined) return false;
    if (forwarded === undefined) return isIn(set.Addresses, address);
    const header = headers[(forwarded.HeaderName ?? "").toLowerCase()];
    if (header === undefined) return false;
    const all = header.split(",").map((one) => one.trim());
    const asked =
      forwarded.Position === "ANY" ? all : [all.at(forwarded.Position === "LAST" ? -1 : 0) ?? ""];
    if (!asked.every((one) => ipaddr.isValid(one))) return forwarded.FallbackBehavior === "MATCH";
    return asked.some((one) => isIn(set.Addresses, one));
  }

  #isTooOften(rule: string, { address, at }: WebRequest, limit: number, seconds: number): boolean {
    const seen = this.#seen.get(rule) ?? new Map<string, number[]>();
    this.#seen.set(rule, seen);
    const recent = (seen.get(address) ?? []).filter((before) => before > at - seconds * 1000);
    recent.push(at);
    seen.set(address, recent);
    return recent.length > limit;
  }
}

function isIn(cidrs: readonly string[], address: string): boolean {
  const parsed = ipaddr.parse(address);
  return cidrs.some((cidr) => {
    const [range, bits] = ipaddr.parseCIDR(cidr);
    return range.kind() === parsed.kind() && parsed.match(range, bits);
  });
}
