import { stringify } from "yaml";
import { checkRules, describeMistake } from "../functions/rules/check-rules";
import { packOf } from "../functions/rules/signature-packs";
import { DEFAULT_RULES } from "../functions/rules/stack-settings";
import { rulesIn } from "./settings";

/** Checks a rules file; returns the exit status: 0 valid, 1 mistakes. */
export function checkCommand(file: string): number {
  const checked = checkRules(rulesIn(file));
  if (checked.ok) {
    process.stdout.write(`${file}: valid, ${String(checked.rules.length)} rules\n`);
    return 0;
  }
  const lines = checked.mistakes.map((mistake) => `${file}: ${describeMistake(mistake)}\n`);
  process.stdout.write(lines.join(""));
  return 1;
}

/** Prints the default rules as YAML. */
export function printCommand(): number {
  const packs = new Set(
    JSON.stringify(DEFAULT_RULES)
      .match(/"@[a-z-]+"/g)
      ?.map((name) => JSON.parse(name) as string),
  );
  const notes = [...packs].map(
    (name) =>
      `# ${name}: ${String(packOf(name)?.globs.length ?? 0)} signatures that come with Floodgate`,
  );
  process.stdout.write(`${notes.join("\n")}\n${stringify({ rules: DEFAULT_RULES })}`);
  return 0;
}
