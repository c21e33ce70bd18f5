import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";

/** In a run's folder: the process groups that it has started. */
const GROUPS = "groups";
/** What a run starts; a number alone may have come to somebody else since. */
const OURS = /ministack|nginx/;

/** Makes a folder for a run, whose name says whose it is. */
export const makeRun = (runs: string): string => mkdtempSync(join(runs, `${process.pid}-`));

/** Writes a process group down that must not outlive the run. */
export const remember = (folder: string, group: number | undefined): void => {
  if (group !== undefined) appendFileSync(join(folder, GROUPS), `${group}\n`);
};

/** Ends a process group. */
export function endGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // It has ended already.
  }
}

/** Ends all that a run has started and that still lives. */
export function endGroups(folder: string): void {
  const groups = join(folder, GROUPS);
  const started = existsSync(groups) ? readFileSync(groups, "utf8") : "";
  for (const group of started.split("\n").filter(Boolean))
    if (OURS.test(commandsIn(group))) endGroup(Number(group), "SIGKILL");
}

/** Ends what earlier runs left behind that were killed half-way, and removes their folders. */
export function clearLeftOvers(runs: string): void {
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    const folder = join(runs, name);
    if (isAlive(Number.parseInt(name, 10))) continue;
    endGroups(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The leader may have ended before its children. */
const commandsIn = (group: string): string =>
  spawnSync("ps", ["-A", "-o", "pgid=,args="], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.trimStart().startsWith(`${group} `))
    .join("\n");

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
