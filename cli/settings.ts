import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { canonicalCidr } from "../functions/parsing/address";
import { isTrust } from "../functions/parsing/client-address";
import { checkRules, describeMistake } from "../functions/rules/check-rules";
import type { Rule } from "../functions/rules/rule";
import {
  CIDR_ALLOWED,
  DEFAULT_SETTINGS,
  readStackSettings,
  TRUST_ALLOWED,
  type StackSettings,
} from "../functions/rules/stack-settings";
import { UsageError } from "./usage-error";

/** The options that say what to judge by; the same for every command that judges. */
export interface JudgeOptions {
  readonly stack?: string;
  readonly rules?: string;
  readonly allow?: readonly string[];
  readonly trust?: readonly string[];
}

const PROJECT = "floodgate";

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

function readStack(stack: string): StackSettings {
  const file = join(process.cwd(), `Pulumi.${stack}.yaml`);
  const content = readYaml(file);
  const config = isObject(content) && isObject(content["config"]) ? content["config"] : {};
  const own = Object.entries(config)
    .filter(([key]) => key.startsWith(`${PROJECT}:`))
    .map(([key, value]) => [key.slice(PROJECT.length + 1), value] as const);
  try {
    return readStackSettings(Object.fromEntries(own));
  } catch (error) {
    throw new UsageError(`${file}:\n${error instanceof Error ? error.message : String(error)}`);
  }
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`${file}: cannot be read; is the name right, and are you in its folder?`);
  }
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new UsageError(
      `${file}: is neither YAML nor JSON: ${error instanceof Error ? error.message : ""}`,
    );
  }
}

function check(text: string, option: string, value: string | undefined, allowed: string): string {
  if (value !== undefined) return value;
  throw new UsageError(`${option} "${text}": allowed is ${allowed}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
