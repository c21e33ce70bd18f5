import { existsSync } from "node:fs";
import { join } from "node:path";
import { readStackSettings, type StackSettings } from "../functions/rules/stack-settings";
import type { Log } from "../functions/rules/rule";
import { UsageError } from "./usage-error";
import { isObject, readYaml } from "./yaml-file";

type Config = Readonly<Record<string, unknown>>;

const PROJECT = "floodgate";

/**
 * The settings of a stack, from `Pulumi.yaml` and `Pulumi.STACK.yaml` in `folder`, as `pulumi up`
 * finds them: what the stack leaves out is the project's default.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/config/
 * @throws UsageError that names every wrong key, the value found and what is allowed.
 */
export function readStack(stack: string, folder = process.cwd()): StackSettings {
  try {
    return readStackSettings(configOf(stack, folder));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const file = fileOf(stack, folder);
    throw new UsageError(`${file}:\n${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The logs whose pipeline a stack leaves out, each with the key that says so. */
export function leftOutBy(stack: string, folder = process.cwd()): ReadonlyMap<Log, string> {
  const config = configOf(stack, folder);
  const has = (key: string, byDefault: boolean): boolean => {
    const given = config[key] ?? byDefault;
    return given === true || given === "true";
  };
  const leftOut = new Map<Log, string>();
  if (!has("intrusionPrevention", true)) leftOut.set("nginx", "intrusionPrevention");
  if (!has("s3AnomalyDetection", false)) leftOut.set("s3", "s3AnomalyDetection");
  return leftOut;
}

const fileOf = (stack: string, folder: string): string => join(folder, `Pulumi.${stack}.yaml`);

function configOf(stack: string, folder: string): Config {
  const projectFile = join(folder, "Pulumi.yaml");
  const project = existsSync(projectFile) ? readYaml(projectFile) : { name: PROJECT };
  const name = isObject(project) ? project["name"] : undefined;
  const own = ownKeys(readYaml(fileOf(stack, folder)), name);
  return { ...defaultsIn(ownKeys(project, name)), ...own };
}

/** What a file configures of Floodgate; a key without a project's name is of the file's own project. */
function ownKeys(content: unknown, project: unknown): Config {
  const config = isObject(content) && isObject(content["config"]) ? content["config"] : {};
  const prefix = `${PROJECT}:`;
  const own = Object.entries(config).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return [[key.slice(prefix.length), value] as const];
    return project === PROJECT && !key.includes(":") ? [[key, value] as const] : [];
  });
  return Object.fromEntries(own);
}

/** A project declares a key with a `default` or a `value`, or gives the value alone. */
function defaultsIn(project: Config): Config {
  const defaults = Object.entries(project).map(([key, declared]) => {
    const value = isObject(declared) ? (declared["default"] ?? declared["value"]) : declared;
    return [key, value] as const;
  });
  return Object.fromEntries(defaults);
}
