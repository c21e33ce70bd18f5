// The suite, and beside it the soak, which needs time and little else.
//
//   node tests/local-aws/run-all.mjs
import { spawn } from "node:child_process";

const MOCHA = ["mocha", "--no-package", "--require", "ts-node/register/transpile-only"];
// A world that is left open must not keep the run waiting; it clears up as the process ends.
const SUITE = [...MOCHA, "--exit", "--timeout", "300000", "tests/local-aws/suite/*.test.ts"];

/** Ends with the exit status and, where it is kept, what was said. */
function run(command, args, output) {
  const child = spawn(command, args, { stdio: ["ignore", output, output] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => (text += chunk.toString()));
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: 1, text: String(error) }));
    child.once("close", (code) => resolve({ code: code ?? 1, text }));
  });
}

const soak = run("npm", ["run", "-s", "soak"], "pipe");
const suite = await run("npx", SUITE, "inherit");
const { code, text } = await soak;
console.log(`\nThe soak:\n${text}`);
process.exitCode = suite.code || code;
