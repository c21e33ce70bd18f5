import { Command, CommanderError, Option } from "commander";
import type * as Explain from "./explain-command";
import type * as Replay from "./replay-command";
import type * as Rules from "./rules-command";

/** Each command is a bundle of its own, read when it is called: `--help` waits for none of them. */
const load = {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  replay: () => require("./replay-command.js") as typeof Replay,
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  explain: () => require("./explain-command.js") as typeof Explain,
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  rules: () => require("./rules-command.js") as typeof Rules,
};

/** An option that may be given more than once, or once with commas. */
const collect = (value: string, before: readonly string[]): string[] => [
  ...before,
  ...value.split(",").map((text) => text.trim()),
];

const stack = (): Option =>
  new Option("--stack <name>", "take rules, allowlist and trusted proxies from Pulumi.<name>.yaml");
const rules = (): Option =>
  new Option("--rules <file>", "judge by the rules in this YAML or JSON file");
const allow = (): Option =>
  new Option("--allow <cidr>", "never block these addresses; may be given more than once")
    .argParser(collect)
    .default([], "nobody");
const trust = (): Option =>
  new Option(
    "--trust <proxy>",
    "a proxy in front of nginx: a CIDR block, a number of hops, alb or cloudfront; may be given more than once",
  )
    .argParser(collect)
    .default([], "alb, a peer with a private address");

function program(): Command {
  const floodgate = new Command("floodgate")
    .description(
      "Finds clients that behave badly in access logs, and says what it would have done about them.",
    )
    .version("0.1.0")
    .showHelpAfterError("(see --help)")
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();

  floodgate
    .command("replay", { isDefault: false })
    .summary("run logs through the rules and say who would have been blocked or alerted on")
    .description(
      "Runs nginx access logs and S3 server access logs through the very functions that a stack deploys, on the " +
        "logs' own time, and says who would have been blocked or alerted on, when, why, and at what cost to others.",
    )
    .argument(
      "[file...]",
      "log files, plain or gzip; folders; globs; - for standard input",
      undefined,
    )
    .addOption(stack())
    .addOption(rules())
    .addOption(allow())
    .addOption(trust())
    .option(
      "--from <time>",
      "count only from this time on, such as 2026-11-22 or 2026-11-22T01:45:00Z",
    )
    .option("--to <time>", "count only before this time")
    .addOption(
      new Option("--format <log>", "what the files are")
        .choices(["auto", "nginx", "s3"])
        .default("auto"),
    )
    .option("--compare <file>", "a second set of rules: what would change")
    .option("--report <file>", "where to write the HTML report (default: floodgate-report.html)")
    .option("--no-report", "write no report")
    .option(
      "--json",
      "print one JSON document instead of a summary; writes a report only with --report",
    )
    .option("--quiet", "no progress and no summary, only problems")
    .option(
      "--jobs <n>",
      "worker threads; each reads all files and judges its share of the clients",
      "1",
    )
    .action(async (files: string[], options: Replay.ReplayOptions) => {
      process.exitCode = await load.replay().replayCommand(files, options);
    });

  floodgate
    .command("explain")
    .summary("say how a log line is read, who sent it, and which rules it fulfils")
    .argument("[line]", "a log line; without it, lines are read from standard input")
    .addOption(stack())
    .addOption(rules())
    .addOption(trust())
    .option("--json", "print one JSON document for each line")
    .action(async (line: string | undefined, options: Explain.ExplainOptions) => {
      process.exitCode = await load.explain().explainCommand(line, options);
    });

  const ruleCommands = floodgate
    .command("rules")
    .summary("check rule files, or print the default rules");
  ruleCommands
    .command("check")
    .description("Says that a rules file is valid, or names every mistake in it.")
    .argument("<file>", "YAML or JSON")
    .action((file: string) => {
      process.exitCode = load.rules().checkCommand(file);
    });
  ruleCommands
    .command("print")
    .description("Prints the default rules as YAML, to begin a file of your own with.")
    .action(() => {
      process.exitCode = load.rules().printCommand();
    });
  return floodgate;
}

async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are no mistakes.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else if (error instanceof Error && error.name === "UsageError") {
      process.stderr.write(`floodgate: ${error.message}\n`);
      process.exitCode = 2;
    } else {
      throw error;
    }
  }
}

// A reader such as `head` that has enough is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

void main();
