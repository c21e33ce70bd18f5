// Compiles the AssemblyScript of parsing to WebAssembly, and writes it down as text, so that whoever
// runs Floodgate needs no compiler for it.
//
//   npm run wasm              after a change of functions/parsing/assembly
//   npm run wasm -- --check   whether that was done
import { readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const source = "functions/parsing/assembly/line-cutter.ts";
const target = "functions/parsing/line-cutter-wasm.ts";

const { error, binary, stderr } = await asc.compileString(readFileSync(source, "utf8"), {
  optimizeLevel: 3,
  enable: ["simd"],
  runtime: "stub",
  importMemory: true,
  noAssert: true,
});
if (error) {
  console.error(`${source}: ${stderr.toString() || error.message}`);
  process.exit(1);
}
const text = `// Made of ${source} by \`npm run wasm\`.
export const LINE_CUTTER =
  "${Buffer.from(binary).toString("base64")}";
`;
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  console.error(`${target} is older than ${source}: run \`npm run wasm\``);
  process.exit(1);
}
