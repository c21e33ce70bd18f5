import { createInterface } from "node:readline";
import { Explainer, type Explanation } from "./explain/explain-line";
import { describeExplanation } from "./explain/describe-explanation";
import { settingsFrom, type JudgeOptions } from "./settings";
import { UsageError } from "./usage-error";

export interface ExplainOptions extends JudgeOptions {
  readonly json?: boolean;
}

/** Explains one line, or every line of standard input; returns the exit status. */
export async function explainCommand(
  line: string | undefined,
  options: ExplainOptions,
): Promise<number> {
  const explainer = new Explainer(settingsFrom(options));
  const print = (explanation: Explanation): void => {
    const text =
      options.json === true ? JSON.stringify(explanation) : describeExplanation(explanation);
    process.stdout.write(`${text}\n`);
  };
  if (line !== undefined) {
    print(explainer.explain(line));
    return 0;
  }
  if (process.stdin.isTTY) {
    throw new UsageError(
      "explain needs a log line: name it behind the command, in quotes, or pipe lines in",
    );
  }
  for await (const one of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (one !== "") print(explainer.explain(one));
  }
  return 0;
}
