// Makes what runs the program without an AWS account: the Pulumi CLI and its Node language host from
// public Go modules, and ministack in a Python virtual environment. What is there already and still
// right is kept; what is half made is made again.
//
//   npm run local-aws:setup
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const KEPT = fileURLToPath(new URL("../../.local-aws/", import.meta.url));
const BIN = `${KEPT}bin/`;
const MINISTACK = `${KEPT}venv/bin/ministack`;

/** Sources, objects and modules of the CLI, in bytes; about 4 GB were measured. */
const ROOM = 5e9;

const started = Date.now();
const say = (text) => console.log(`local-aws: ${text}`);

class Trouble extends Error {}

/** The version that a command tells, or undefined when there is no such command. */
function versionOf(command, ...args) {
  try {
    return /(\d+)\.(\d+)/.exec(execFileSync(command, args, { encoding: "utf8" }));
  } catch {
    return undefined;
  }
}

function need(what, found, [major, minor], how) {
  const version = found && `${found[1]}.${found[2]}`;
  if (found && (found[1] > major || (found[1] == major && found[2] >= minor))) return;
  throw new Trouble(
    `${what} ${major}.${minor} or newer is needed, found ${version ?? "none"}.\n${how}`,
  );
}

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], ...options });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Trouble(`${command} ${args.join(" ")} ended with ${signal ?? code}`));
    });
  });
}

/** Does the work unless a stamp says that it was done from the same files. */
async function once(name, files, product, work) {
  const stamp = `${KEPT}${name}.stamp`;
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(`${HERE}${file}`));
  const wanted = hash.digest("hex");
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    say(`${name} is there`);
    return;
  }
  rmSync(stamp, { force: true });
  const before = Date.now();
  await work();
  writeFileSync(stamp, wanted);
  say(`${name} made in ${Math.round((Date.now() - before) / 1000)} s`);
}

/** Builds one tool of a Go module; the finished file takes its place at once. */
const build = (module, name, flags, source) =>
  once(name, [`${module}/go.mod`, `${module}/go.sum`], `${BIN}${name}`, async () => {
    say(`building ${name}; the first time takes some minutes`);
    const cwd = `${HERE}${module}`;
    const env = { ...process.env, GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" };
    try {
      await run("go", ["build", ...flags, "-o", `${BIN}${name}.new`, source], { cwd, env });
      renameSync(`${BIN}${name}.new`, `${BIN}${name}`);
    } finally {
      rmSync(`${BIN}${name}.new`, { force: true });
    }
  });

async function main() {
  need(
    "Go",
    versionOf("go", "version"),
    [1, 24],
    "https://go.dev/dl/, or Debian 13: apt-get install golang-go",
  );
  need(
    "Python",
    versionOf("python3", "--version"),
    [3, 10],
    "Debian: apt-get install python3 python3-venv",
  );
  mkdirSync(BIN, { recursive: true });
  const { bavail, bsize } = await statfs(KEPT);
  const isBuilt = existsSync(`${BIN}pulumi`);
  if (!isBuilt && bavail * bsize < ROOM)
    throw new Trouble(
      `${(ROOM / 1e9).toFixed(0)} GB of free disk are needed to build, found ${((bavail * bsize) / 1e9).toFixed(1)} GB.`,
    );

  const version = /pulumi\/pkg\/v3 (v\S+)/.exec(
    readFileSync(`${HERE}pulumi-cli/go.mod`, "utf8"),
  )[1];
  await build(
    "pulumi-host",
    "pulumi-language-nodejs",
    ["-trimpath"],
    "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
  );
  await build(
    "pulumi-cli",
    "pulumi",
    [
      "-trimpath",
      "-tags",
      "osusergo,grpcnotrace",
      "-ldflags",
      `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`,
    ],
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  );
  await once("ministack", ["requirements.txt"], MINISTACK, async () => {
    rmSync(`${KEPT}venv`, { recursive: true, force: true });
    await run("python3", ["-m", "venv", `${KEPT}venv`]).catch(() => {
      throw new Trouble(
        "Python cannot make virtual environments.\nDebian: apt-get install python3-venv",
      );
    });
    await run(`${KEPT}venv/bin/pip`, [
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "-r",
      `${HERE}requirements.txt`,
    ]);
  });
  say(`ready after ${Math.round((Date.now() - started) / 1000)} s`);
}

main().catch((error) => {
  console.error(`local-aws: ${error instanceof Trouble ? error.message : (error.stack ?? error)}`);
  process.exitCode = 1;
});
