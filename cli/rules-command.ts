import { stringify } from "yaml";
import { checkRules, describeMistake } from "../functions/rules/check-rules";
import type { Rule } from "../functions/rules/rule";
import { packOf } from "../functions/rules/signature-packs";
import { DEFAULT_RULES } from "../functions/rules/stack-settings";
import { rulesIn } from "./settings";

/** Checks a rules file; returns the exit status: 0 valid, 1 mistakes. */
export function checkCommand(file: string): number {
  const checked = checkRules(rulesIn(file));
  if (checked.ok) {
    const { length } = checked.rules;
    const notes = checked.rules.filter(blocksNobody).map(({ name }) => {
      return `${file}: note: rule "${name}" counts for all clients together, so it finds and blocks nobody: "per" has no client\n`;
    });
    process.stdout.write(
      `${file}: valid, ${length} ${length === 1 ? "rule" : "rules"}\n${notes.join("")}`,
    );
    return 0;
  }
  const lines = checked.mistakes.map((mistake) => `${file}: ${describeMistake(mistake)}\n`);
  process.stdout.write(lines.join(""));
  return 1;
}

/** Whether a rule means to block, and names no client whom. */
const blocksNobody = ({ per, then }: Rule): boolean =>
  "blockSeconds" in then && !per.includes("client");

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
