import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { UsageError } from "./usage-error";

/**
 * What a YAML or JSON file holds.
 *
 * @throws UsageError when it cannot be read, or is neither.
 */
export function readYaml(file: string): unknown {
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

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
