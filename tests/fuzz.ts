// Mutates real and documented lines at random and sends them through both parsers: nothing may
// throw, every line must be parsed or kept with a reason, time must grow with length only, and what
// WebAssembly cuts must be what the parser finds.
//
//   npm run fuzz -- [LINES] [SEED]
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { ClientDirectory } from "../functions/parsing/client-directory";
import { DEFAULT_PREFIXES } from "../functions/parsing/address";
import { Counter } from "../functions/counting/counter";
import { MinuteCounter } from "../functions/counting/minute-counter";
import { LineCutter } from "../functions/parsing/line-cutter";
import { LineParser } from "../functions/parsing/line-parser";
import { RowBatch } from "../functions/parsing/row-batch";
import { REASONS } from "../functions/parsing/reasons";
import { toAccess, toRequest } from "../functions/parsing/records";
import { DEFAULT_RULES } from "../functions/rules/stack-settings";

const wanted = Number(process.argv[2] ?? 1_000_000);
let seed = Number(process.argv[3] ?? 1);

function below(n: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

function linesOf(file: string): string[] {
  return gunzipSync(readFileSync(file)).toString("latin1").trim().split("\n");
}

const folder = "samples/logs";
const s3 = readdirSync(`${folder}/s3`).flatMap((file) => linesOf(`${folder}/s3/${file}`));
const nginx = [`${folder}/access.log.gz`, "samples/behind-alb.log.gz"].flatMap(linesOf);
const every = (lines: readonly string[], n: number): string[] =>
  lines.filter((_, i) => i % n === 0);
const seeds = [...every(nginx, 40), ...every(s3, 8)].flatMap((line) => {
  return below(20) === 0
    ? [line, JSON.stringify({ log: line }), JSON.stringify(line).slice(1, -1)]
    : [line];
});
const PIECES = [
  '"',
  '" ',
  ' "',
  "\\",
  "\\x22",
  "\t",
  " ",
  "-",
  "[",
  "]",
  ":",
  ",",
  "{",
  "}",
  "%",
  "%25",
  "\0",
  "\xff",
  "::",
  "999",
  "HTTP/1.1",
];

function mutate(line: string): string {
  let text = line;
  for (let n = 1 + below(4); n > 0; n--) {
    const at = below(text.length + 1);
    const to = Math.min(text.length, at + below(12));
    const kinds = [
      () => text.slice(0, at) + PIECES[below(PIECES.length)] + text.slice(at),
      () => text.slice(0, at) + text.slice(to),
      () => text.slice(0, at),
      () => text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1),
      () => text.slice(0, to) + text.slice(at),
      () => text.slice(0, at) + seeds[below(seeds.length)].slice(below(80)),
    ];
    text = kinds[below(kinds.length)]();
  }
  return text;
}

const parser = new LineParser();
const cutter = new LineCutter(1 << 16);
const cutParser = new LineParser();
let cut = 0;

/** What is cut must be what the parser finds. */
function checkCut(bytes: Buffer): void {
  const end = cutter.cut(0, Buffer.concat([bytes, Buffer.from("\n")]).copy(cutter.buf));
  if (end < 0) return;
  cut++;
  parser.load(cutter.buf);
  cutParser.load(cutter.buf);
  assert.equal(cutParser.parseCut(cutter, 0, end), parser.parse(0, end));
  assert.deepEqual(cutParser.row.columns(), parser.row.columns());
  assert.deepEqual(toRequest(cutParser.row, undefined), toRequest(parser.row, undefined));
}

const batch = new RowBatch();
const directory = new ClientDirectory({ trust: ["10.0.0.0/8"], prefixes: DEFAULT_PREFIXES });
const counter = new Counter({ rules: DEFAULT_RULES });
const minutes = new MinuteCounter({ rules: DEFAULT_RULES });
const outcomes = new Map<string, number>();
for (let i = 0; i < wanted; i++) {
  const line = mutate(seeds[below(seeds.length)]);
  const bytes = Buffer.from(line, "latin1");
  checkCut(bytes);
  parser.load(bytes);
  const reason = parser.parse(0, bytes.length);
  if (reason !== undefined && !(reason in REASONS)) throw new Error(`unknown reason ${reason}`);
  if (reason === undefined) {
    const { row } = parser;
    directory.resolve(row);
    if (!Number.isFinite(row.time))
      throw new Error(`parsed without a time: ${JSON.stringify(line)}`);
    const address = row.client?.text;
    batch.hold(row);
    if (row.kind === "request") {
      toRequest(row, address);
      counter.add(batch);
    } else {
      toAccess(row, address);
      minutes.add(batch);
    }
  }
  const outcome = reason ?? `parsed as ${parser.row.format}`;
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}
const total = [...outcomes.values()].reduce((sum, n) => sum + n, 0);
if (total !== wanted) throw new Error(`${String(wanted - total)} lines lost`);

// A hostile line of a megabyte costs what its length costs.
const MEGABYTE = 1 << 20;
const head = '192.0.2.1 - - [22/Nov/2026:01:45:34 +0000] "GET /';
const tail = `${head} HTTP/1.1" 200 3 "-" "x" `;
const s3Head = `o b [22/Nov/2026:01:45:34 +0000] 192.0.2.1 - ABCDEFGH12345678 REST.GET.OBJECT k "GET /`;
const REPEATED = [
  ...['"', '" ', "\\", '\\"', '" "', '" 200 - 1 1 1 1 ', "%25", " ", "\t:"],
  ...["- ", "0.1 ", "0.1, ", "a ", "a=b ", "192.0.2.1 ", "192.0.2.1, ", " : "],
];
for (const [name, start] of [
  ["nginx", head],
  ["behind an nginx line", tail],
  ["behind an nginx line, quoted", `${tail}"`],
  ["S3", s3Head],
] as const) {
  for (const piece of REPEATED) {
    const line = start + piece.repeat(MEGABYTE / piece.length);
    const begun = performance.now();
    parser.parseText(line);
    const ms = performance.now() - begun;
    if (ms > 2000)
      throw new Error(`${name} with ${JSON.stringify(piece)}: ${ms.toFixed(0)} ms for a megabyte`);
  }
}
for (const [outcome, n] of [...outcomes].sort((a, b) => b[1] - a[1]))
  console.log(`${String(n).padStart(9)} ${outcome}`);
console.log(`${String(wanted)} mutated lines: no throw, none lost; ${String(cut)} cut alike`);
