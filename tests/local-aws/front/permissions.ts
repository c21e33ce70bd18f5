import { runSimulation } from "@cloud-copilot/iam-simulate";
import { AwsError } from "./aws-error";

/** The inline policies of a role, by name. */
export type PoliciesOf = (roleArn: string) => Promise<Readonly<Record<string, unknown>>>;

/** Actions of one role. */
export interface Usage {
  readonly granted: ReadonlySet<string>;
  readonly used: ReadonlySet<string>;
}

interface Request {
  readonly action: string;
  readonly resource: string;
}

/**
 * Decides on every call by the caller's role as IAM would, and remembers what was ever needed.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export class Permissions {
  readonly #account: string;
  readonly #policiesOf: PoliciesOf;
  readonly #decided = new Map<string, Promise<boolean>>();
  /** What was refused, for a run to look at. */
  readonly refused: string[] = [];
  /** By the role's name. */
  readonly #granted = new Map<string, Set<string>>();
  readonly #used = new Map<string, Set<string>>();

  constructor(account: string, policiesOf: PoliciesOf) {
    this.#account = account;
    this.#policiesOf = policiesOf;
  }

  /** A role or one of its policies has changed. */
  forget(): void {
    this.#decided.clear();
  }

  /** @throws AwsError AccessDenied when the role does not allow it. */
  async require(roleArn: string, { action, resource }: Request): Promise<void> {
    const key = `${roleArn} ${action} ${resource}`;
    const decided = this.#decided.get(key) ?? this.#decide(roleArn, { action, resource });
    this.#decided.set(key, decided);
    const role = roleArn.split("/").pop() ?? "";
    if (!(await decided)) {
      this.refused.push(key);
      throw new AwsError(
        "AccessDeniedException",
        `User: ${role} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
      );
    }
    this.#used.set(role, (this.#used.get(role) ?? new Set()).add(action));
  }

  /** A role has got an inline policy. */
  grant(roleName: string, policy: unknown): void {
    this.forget();
    const granted = this.#granted.get(roleName) ?? new Set();
    for (const action of actionsOf(policy)) granted.add(action);
    this.#granted.set(roleName, granted);
  }

  /** What each role was granted, and what of it was used. */
  usage(): Record<string, Usage> {
    const roles = [...this.#granted].map(
      ([role, granted]) => [role, { granted, used: this.#used.get(role) ?? new Set() }] as const,
    );
    return Object.fromEntries(roles);
  }

  async #decide(roleArn: string, { action, resource }: Request): Promise<boolean> {
    const policies = await this.#policiesOf(roleArn);
    const answer = await runSimulation(
      {
        identityPolicies: Object.entries(policies).map(([name, policy]) => ({ name, policy })),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
        request: {
          principal: roleArn,
          action,
          resource: { resource, accountId: this.#account },
          contextVariables: {},
        },
      },
      {},
    );
    if (answer.resultType === "error")
      throw new Error(`${action} on ${resource}: ${JSON.stringify(answer)}`);
    return answer.overallResult === "Allowed";
  }
}

const actionsOf = (policy: unknown): string[] => {
  const { Statement = [] } = policy as { Statement?: { Action: string | string[] }[] };
  return Statement.flatMap(({ Action }) => Action);
};
