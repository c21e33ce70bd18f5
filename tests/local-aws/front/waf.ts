import { AwsError } from "./aws-error";
import { IpSets } from "./waf-ip-sets";
import { WebAcls } from "./waf-web-acls";

/** Each single action that changes something: once a second, fixed, for everybody together. */
const WRITE_INTERVAL_MS = 1000;
/** @see https://docs.aws.amazon.com/waf/latest/developerguide/limits.html */
const ASSOCIATE_INTERVAL_MS = 2000;

/** WAFv2's API, as far as the program and its functions call it. */
export class Waf {
  readonly sets: IpSets;
  readonly acls: WebAcls;
  readonly #now: () => number;
  readonly #lastWrite = new Map<string, number>();
  readonly #actions: Readonly<Record<string, (input: never) => unknown>>;

  constructor({ account, region, now }: { account: string; region: string; now: () => number }) {
    const sets = new IpSets(account, region);
    const acls = new WebAcls(account, region, sets);
    [this.sets, this.acls, this.#now] = [sets, acls, now];
    this.#actions = {
      CreateIPSet: sets.create.bind(sets),
      GetIPSet: sets.get.bind(sets),
      UpdateIPSet: sets.update.bind(sets),
      DeleteIPSet: (input: { Id: string; LockToken: string }) => {
        const { IPSet } = sets.get(input);
        if (acls.isAsked(IPSet.ARN))
          throw new AwsError("WAFAssociatedItemException", `${IPSet.Name} is asked by a rule`);
        return sets.delete(input);
      },
      CreateWebACL: acls.create.bind(acls),
      GetWebACL: acls.get.bind(acls),
      UpdateWebACL: acls.update.bind(acls),
      DeleteWebACL: acls.delete.bind(acls),
      AssociateWebACL: acls.associate.bind(acls),
      DisassociateWebACL: acls.disassociate.bind(acls),
      GetWebACLForResource: acls.ofResource.bind(acls),
    };
  }

  /** @throws AwsError as WAF would answer. */
  answer(action: string, input: unknown): unknown {
    const act = this.#actions[action];
    if (act === undefined)
      throw new AwsError("UnknownOperationException", `${action} is not done here`);
    this.#throttle(action);
    return act(input as never);
  }

  #throttle(action: string): void {
    if (!/^(Create|Update|Associate)/.test(action)) return;
    const interval = action === "AssociateWebACL" ? ASSOCIATE_INTERVAL_MS : WRITE_INTERVAL_MS;
    const last = this.#lastWrite.get(action) ?? -Infinity;
    if (this.#now() - last < interval) throw new AwsError("ThrottlingException", "Rate exceeded");
    this.#lastWrite.set(action, this.#now());
  }
}
