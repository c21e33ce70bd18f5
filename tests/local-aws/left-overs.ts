import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** In a run's folder: whose it is, and the process groups that it has started. */
const OWNER = "owner";
const GROUPS = "groups";
/** What a run starts; a number alone may have come to somebody else since. */
const OURS = /ministack|nginx/;

/** Says that a run's folder is ours while we live. */
export const claim = (folder: string): void => {
  writeFileSync(join(folder, OWNER), String(process.pid));
};

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

/** Ends what earlier runs left behind that were killed half-way, and removes their folders. */
export function clearLeftOvers(runs: string): void {
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    const folder = join(runs, name);
    if (isAlive(Number(readOr(join(folder, OWNER), "0")))) continue;
    for (const group of readOr(join(folder, GROUPS), "").split("\n").filter(Boolean))
      if (OURS.test(commandOf(group))) endGroup(Number(group), "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const readOr = (path: string, otherwise: string): string =>
  existsSync(path) ? readFileSync(path, "utf8") : otherwise;

const commandOf = (pid: string): string =>
  spawnSync("ps", ["-o", "args=", "-p", pid], { encoding: "utf8" }).stdout;

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
