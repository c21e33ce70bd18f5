import { randomUUID } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { AwsError } from "./aws-error";

export interface IpSet {
  readonly Name: string;
  readonly Id: string;
  readonly ARN: string;
  readonly Description: string | undefined;
  readonly IPAddressVersion: "IPV4" | "IPV6";
  readonly Addresses: readonly string[];
}

/** @see https://docs.aws.amazon.com/waf/latest/developerguide/limits.html */
const MOST_ADDRESSES = 10_000;

/** What WAF answers a name with characters that it does not take. */
export const invalid = (message: string): AwsError =>
  new AwsError("WAFInvalidParameterException", message);

/** A token is good for one write. */
export const checkToken = (held: string, given: string): void => {
  if (held !== given)
    throw new AwsError(
      "WAFOptimisticLockException",
      "WAF couldn’t save your changes because someone changed the resource after you started to edit it.",
    );
};

/**
 * IP sets as WAF keeps them: the whole list in each write, a lock token for every write, CIDR blocks
 * of one family, at most 10,000 of them.
 *
 * @see https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateIPSet.html
 */
export class IpSets {
  readonly #account: string;
  readonly #region: string;
  readonly #sets = new Map<string, { set: IpSet; token: string }>();

  constructor(account: string, region: string) {
    this.#account = account;
    this.#region = region;
  }

  create(input: {
    Name: string;
    Scope: string;
    Description?: string;
    IPAddressVersion: IpSet["IPAddressVersion"];
    Addresses: readonly string[];
  }): unknown {
    const { Name, Scope, Description, IPAddressVersion, Addresses } = input;
    if (!/^[\w-]{1,128}$/.test(Name)) throw invalid(`name: ${Name}`);
    for (const { set } of this.#sets.values())
      if (set.Name === Name) throw new AwsError("WAFDuplicateItemException", `${Name} is there`);
    checkAddresses(Addresses, IPAddressVersion);
    const Id = randomUUID();
    const where = Scope === "CLOUDFRONT" ? "global" : "regional";
    const ARN = `arn:aws:wafv2:${this.#region}:${this.#account}:${where}/ipset/${Name}/${Id}`;
    const token = randomUUID();
    this.#sets.set(Id, {
      set: { Name, Id, ARN, Description, IPAddressVersion, Addresses: [...Addresses] },
      token,
    });
    return { Summary: { Name, Id, ARN, Description: Description ?? "", LockToken: token } };
  }

  get({ Id }: { Id: string }): { IPSet: IpSet; LockToken: string } {
    const { set, token } = this.#find(Id);
    return { IPSet: set, LockToken: token };
  }

  /** Without a description the set has none afterwards. */
  update(input: {
    Id: string;
    Description?: string;
    Addresses: readonly string[];
    LockToken: string;
  }): unknown {
    const found = this.#find(input.Id);
    checkToken(found.token, input.LockToken);
    checkAddresses(input.Addresses, found.set.IPAddressVersion);
    const token = randomUUID();
    const { Description, Addresses } = input;
    this.#sets.set(input.Id, {
      set: { ...found.set, Description, Addresses: [...Addresses] },
      token,
    });
    return { NextLockToken: token };
  }

  delete({ Id, LockToken }: { Id: string; LockToken: string }): unknown {
    checkToken(this.#find(Id).token, LockToken);
    this.#sets.delete(Id);
    return {};
  }

  /** Takes the token away under whoever read it last, as a write of somebody else does. */
  loseToken(Id: string): void {
    const found = this.#sets.get(Id);
    if (found !== undefined) found.token = randomUUID();
  }

  byArn(arn: string): IpSet | undefined {
    return [...this.#sets.values()].find(({ set }) => set.ARN === arn)?.set;
  }

  all(): IpSet[] {
    return [...this.#sets.values()].map(({ set }) => set);
  }

  #find(Id: string): { set: IpSet; token: string } {
    const found = this.#sets.get(Id);
    if (found === undefined)
      throw new AwsError("WAFNonexistentItemException", `there is no IP set ${Id}`);
    return found;
  }
}

/** @see https://docs.aws.amazon.com/waf/latest/APIReference/API_IPSet.html "all CIDR ranges except /0" */
function checkAddresses(addresses: readonly string[], version: IpSet["IPAddressVersion"]): void {
  if (addresses.length > MOST_ADDRESSES)
    throw new AwsError("WAFLimitsExceededException", `${addresses.length} addresses are too many`);
  for (const cidr of addresses) {
    const [, address = "", bits = ""] = /^(.+)\/(\d{1,3})$/.exec(cidr) ?? [];
    const isRight =
      version === "IPV4"
        ? isIPv4(address) && Number(bits) >= 1 && Number(bits) <= 32
        : isIPv6(address) && Number(bits) >= 1 && Number(bits) <= 128;
    if (!isRight) throw invalid(`Error reason: ${cidr} is no CIDR block of ${version}`);
  }
  if (new Set(addresses).size < addresses.length) throw invalid("an address stands there twice");
}
