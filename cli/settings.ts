import { canonicalCidr } from "../functions/parsing/address";
import { isTrust } from "../functions/parsing/client-address";
import { checkRules, describeMistake } from "../functions/rules/check-rules";
import type { Rule } from "../functions/rules/rule";
import {
  CIDR_ALLOWED,
  DEFAULT_SETTINGS,
  TRUST_ALLOWED,
  type StackSettings,
} from "../functions/rules/stack-settings";
import { readStack } from "./stack-file";
import { UsageError } from "./usage-error";
import { isObject, readYaml } from "./yaml-file";

/** The options that say what to judge by; the same for every command that judges. */
export interface JudgeOptions {
  readonly stack?: string;
  readonly rules?: string;
  readonly allow?: readonly string[];
  readonly trust?: readonly string[];
}

/**
 * What to judge by: the stack's settings or the defaults, then what the options put in their place
 * (`--rules`) or beside them (`--allow`, `--trust`).
 *
 * @throws UsageError that says what is wrong and what is allowed.
 */
export function settingsFrom(options: JudgeOptions): StackSettings {
  const base = options.stack === undefined ? DEFAULT_SETTINGS : readStack(options.stack);
  const allow = (options.allow ?? []).map((text) =>
    check(text, "--allow", canonicalCidr(text), CIDR_ALLOWED),
  );
  const trust = (options.trust ?? []).map((text) =>
    check(text, "--trust", isTrust(text) ? text : undefined, TRUST_ALLOWED),
  );
  return {
    ...base,
    rules: options.rules === undefined ? base.rules : readRules(options.rules),
    allow: [...base.allow, ...allow],
    trust: [...base.trust, ...trust],
  };
}

/** The rules in a YAML or JSON file: a list, or an object with the list under `rules`. */
export function readRules(file: string): readonly Rule[] {
  const checked = checkRules(rulesIn(file));
  if (checked.ok) return checked.rules;
  throw new UsageError(
    `${file}:\n${checked.mistakes.map((one) => `  ${describeMistake(one)}`).join("\n")}`,
  );
}

/** What a rules file holds, unchecked. */
export function rulesIn(file: string): unknown {
  const content = readYaml(file);
  return isObject(content) && "rules" in content ? content["rules"] : content;
}

function check(text: string, option: string, value: string | undefined, allowed: string): string {
  if (value !== undefined) return value;
  throw new UsageError(`${option} "${text}": allowed is ${allowed}`);
}
