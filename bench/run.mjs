// Floodgate against what people use today, on one generated log, in one run. The figures of one run
// belong together: machines differ, ratios do not. Needs goaccess, python3, mawk and gawk.
//
//   npm run bench             2 million lines, and 10 times that for memory
//   npm run bench -- 500000   fewer
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";

const lines = Number(process.argv[2] ?? 2_000_000);
const folder = ".bench";
const floodgate = "dist/cli/floodgate.js";
mkdirSync(folder, { recursive: true });

function ensure(file, script, count) {
  if (!existsSync(file)) run("node", [script, String(count), file]);
  return file;
}

/** Runs a command to its end; seconds, peak memory in MB (of the largest process), exit status. */
function run(command, args) {
  const begun = performance.now();
  const { status, stderr, error } = spawnSync(
    "/usr/bin/env",
    ["time", "-f", "peak %M", command, ...args],
    {
      encoding: "utf8",
      maxBuffer: 1 << 30,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const seconds = (performance.now() - begun) / 1000;
  const peak = Number(/peak (\d+)/.exec(stderr ?? "")?.[1] ?? NaN) / 1024;
  return { seconds, peak, isOk: error === undefined && status === 0 };
}

/** The better of two runs, because a neighbour on the machine only ever makes one slower. */
function best(command, args) {
  const runs = [run(command, args), run(command, args)].filter(({ isOk }) => isOk);
  return runs.sort((a, b) => a.seconds - b.seconds)[0];
}

const rows = [];
function measure(name, count, result) {
  if (result === undefined) rows.push([name, "failed or not installed", "", ""]);
  else
    rows.push([
      name,
      Math.round(count / result.seconds).toLocaleString("en-US"),
      result.seconds.toFixed(2),
      String(Math.round(result.peak)),
    ]);
  return result === undefined ? NaN : count / result.seconds;
}

const nginx = ensure(`${folder}/access-${lines}.log`, "bench/generate-log.mjs", lines);
const s3 = ensure(`${folder}/s3-${lines}.log`, "bench/generate-s3-log.mjs", lines);
for (const file of [nginx, s3]) {
  const size = Math.round(statSync(file).size / 1e6);
  console.log(`${file}: ${lines.toLocaleString("en-US")} lines, ${size} MB`);
}

/** The obvious script: one regular expression for the whole line, and a dictionary. */
function pythonScript(name, expression, key) {
  const file = `${folder}/${name}.py`;
  writeFileSync(
    file,
    `import re, sys
line = re.compile(r'${expression}')
counts = {}
for text in open(sys.argv[1], errors="replace"):
    match = line.match(text)
    if match:
        key = ${key}
        counts[key] = counts.get(key, 0) + 1
print(len(counts))
`,
  );
  return file;
}

const COMBINED = String.raw`(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\S+) "([^"]*)" "([^"]*)"`;
const S3 = String.raw`(\S+) (\S+) \[([^\]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)" (\S+)`;
const byClient = pythonScript("clients", COMBINED, "match.group(1)");
// What the first default rule counts by, though over the whole log instead of 30 seconds.
const byPage = pythonScript("pages", COMBINED, "(match.group(1), match.group(4), match.group(8))");
const byMinute = pythonScript("s3", S3, "(match.group(4), match.group(2), match.group(3)[:17])");

const own = measure(
  "floodgate replay, default rules",
  lines,
  best("node", [floodgate, "replay", nginx, "--json", "--quiet"]),
);
measure(
  "floodgate replay --jobs 2",
  lines,
  best("node", [floodgate, "replay", nginx, "--json", "--quiet", "--jobs", "2"]),
);
const rivals = [
  ["goaccess 1.7", "goaccess", nginx, "--log-format=COMBINED", "-o", `${folder}/x.json`],
  ["Python, counting clients", "python3", byClient, nginx],
  ["Python, counting client, page and user agent", "python3", byPage, nginx],
  // Debian's awk is mawk; gawk splits a line no further than to the column it is asked for.
  ...["mawk", "gawk"].flatMap((awk) => [
    [`${awk}, counting clients`, awk, "{a[$1]++} END {print length(a)}", nginx],
    [`${awk}, counting pages`, awk, "{a[$7]++} END {print length(a)}", nginx],
  ]),
].map(([name, command, ...args]) => [name, measure(name, lines, best(command, args))]);
const ownS3 = measure(
  "floodgate replay, S3",
  lines,
  best("node", [floodgate, "replay", s3, "--json", "--quiet"]),
);
measure("Python on S3, one regular expression", lines, best("python3", [byMinute, s3]));
const help = best("node", [floodgate, "--help"]);

console.log("\n| | lines/s | s | peak MB |\n| --- | ---: | ---: | ---: |");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
console.log("");
for (const [name, speed] of rivals)
  console.log(`floodgate : ${name} = ${(own / speed).toFixed(2)}`);
console.log(
  `S3: ${Math.round(ownS3).toLocaleString("en-US")} lines/s; floodgate --help: ${Math.round(help.seconds * 1000)} ms`,
);

const big = ensure(`${folder}/access-${lines * 10}.log`, "bench/generate-log.mjs", lines * 10);
const tenfold = run("node", [floodgate, "replay", big, "--json", "--quiet"]);
console.log(
  `10 times the lines: ${tenfold.seconds.toFixed(1)} s, peak ${Math.round(tenfold.peak)} MB`,
);
