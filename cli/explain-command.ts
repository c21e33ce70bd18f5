import { Explainer, type Explanation } from "./explain/explain-line";
import { describeExplanation } from "./explain/describe-explanation";
import { LogReader } from "./replay/log-reader";
import { readProblem } from "./replay/read-problem";
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
  const reader = new LogReader("-", "auto");
  try {
    while (await reader.fill()) {
      for (let step = reader.next(); step !== "empty"; step = reader.next())
        print(explainer.explainRow(reader.row, step === "row" ? undefined : reader.reason));
    }
    return 0;
  } catch (error) {
    process.stderr.write(`floodgate: ${readProblem(reader.path, error)}\n`);
    return 1;
  }
}
