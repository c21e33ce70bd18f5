import * as pulumi from "@pulumi/pulumi";
import { isTrust } from "../functions/parsing/client-address";
import { canonicalCidr } from "../functions/parsing/address";
import { checkRules, describeMistake } from "../functions/rules/check-rules";
import { logOf, type Log, type Rule } from "../functions/rules/rule";
import { CIDR_ALLOWED, TRUST_ALLOWED } from "../functions/rules/stack-settings";

/** Throws what `pulumi up` shows beside the argument's name. */
export function refuse(propertyPath: string, reason: string): never {
  throw new pulumi.InputPropertyError({ propertyPath, reason: `"${propertyPath}" ${reason}` });
}

/** A whole number in a range, both ends included. */
export function checkRange(
  propertyPath: string,
  value: number,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  if (!Number.isInteger(value) || value < from || value > to)
    refuse(propertyPath, `must be a whole number from ${from} to ${to}, got ${String(value)}`);
  return value;
}

/** One of a few words. */
export function checkChoice<T extends string>(
  propertyPath: string,
  value: T,
  allowed: readonly T[],
): T {
  if (!allowed.includes(value))
    refuse(propertyPath, `must be one of ${allowed.join(", ")}, got ${JSON.stringify(value)}`);
  return value;
}

/** CIDR blocks in canonical form, each once; never `/0`, which WAF refuses. */
export function checkCidrs(propertyPath: string, values: readonly string[]): string[] {
  const cidrs = values.map((value, i) => {
    const cidr = canonicalCidr(value);
    if (cidr === undefined || cidr.endsWith("/0"))
      refuse(
        `${propertyPath}[${i}]`,
        `must be ${CIDR_ALLOWED}, and not /0, got ${JSON.stringify(value)}`,
      );
    return cidr;
  });
  return [...new Set(cidrs)];
}

export function checkTrust(propertyPath: string, values: readonly string[]): readonly string[] {
  values.forEach((value, i) => {
    if (!isTrust(value))
      refuse(`${propertyPath}[${i}]`, `must be ${TRUST_ALLOWED}, got ${JSON.stringify(value)}`);
  });
  return values;
}

/** Rules on one log; those on the other are for the other component. */
export function checkRulesOn(
  log: Log,
  propertyPath: string,
  rules: readonly Rule[],
): readonly Rule[] {
  const checked = checkRules(rules);
  if (!checked.ok) refuse(propertyPath, `: ${checked.mistakes.map(describeMistake).join("; ")}`);
  const own = checked.rules.filter((rule) => logOf(rule) === log);
  if (own.length === 0)
    refuse(
      propertyPath,
      `must hold at least one rule on ${log} logs, got ${rules.length} on others`,
    );
  return own;
}

/** What looks like an ARN of the services given; ARNs of resources in this program are not known yet. */
export function checkArn(
  propertyPath: string,
  value: pulumi.Input<string>,
  services: readonly string[],
): void {
  if (typeof value !== "string") return;
  const [arn, , service, , , ...rest] = value.split(":");
  if (arn !== "arn" || !services.includes(service) || rest.length === 0)
    refuse(
      propertyPath,
      `must be an ARN of ${services.join(" or ")}, got ${JSON.stringify(value)}`,
    );
}
