import * as pulumi from "@pulumi/pulumi";
import { readStackSettings, type StackSettings } from "../functions/rules/stack-settings";

/** The configuration keys that settings are read from; `Pulumi.yaml` describes each. */
const KEYS = ["rules", "allow", "trust", "mode", "ipv4Prefix", "ipv6Prefix"] as const;

/**
 * Reads the stack's configuration.
 *
 * @throws pulumi.RunError that names every wrong key, the value found and what is allowed.
 */
export function readConfig(): StackSettings {
  const config = new pulumi.Config("floodgate");
  const values = KEYS.map((key) => [key, readValue(config, key)] as const);
  const given = Object.fromEntries(values.filter(([, value]) => value !== undefined));
  try {
    return readStackSettings(given);
  } catch (error) {
    // Pulumi prints the message of a RunError and spares people the stack trace.
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}

/** Texts stand for themselves; everything else arrives as JSON. */
function readValue(config: pulumi.Config, key: (typeof KEYS)[number]): unknown {
  return key === "mode" ? config.get(key) : config.getObject<unknown>(key);
}
