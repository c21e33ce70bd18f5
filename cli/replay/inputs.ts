import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { glob } from "tinyglobby";

/** A file or a pipe to read, or standard input when its path is `-`. */
export interface Input {
  readonly path: string;
  /** Bytes on disk; 0 for what is no file. */
  readonly size: number;
  /** No file: what was read of it is gone. */
  readonly isOnce: boolean;
}

/** Files that lie in log folders and are no logs. */
const NO_LOGS = ["**/.*", "**/*.{html,md,pid,png,jpg,zip,tar}", "**/node_modules/**"];

/**
 * The files that the arguments name: plain paths, folders with everything in them, globs, `-`.
 * Every argument that leads to no file is a problem, told with its reason.
 */
export async function findInputs(
  patterns: readonly string[],
): Promise<{ inputs: readonly Input[]; problems: readonly string[] }> {
  const inputs = new Map<string, Input>();
  const problems: string[] = [];
  for (const pattern of patterns) {
    if (pattern === "-") {
      inputs.set("-", { path: "-", size: 0, isOnce: true });
      continue;
    }
    const paths = await expand(pattern);
    if (paths.length === 0) {
      problems.push(
        `${pattern}: no such file, no match, or a folder without logs; name a log file, a folder, a glob or -`,
      );
    }
    for (const path of paths) {
      const stats = await stat(path);
      inputs.set(resolve(path), { path, size: stats.size, isOnce: !stats.isFile() });
    }
  }
  return { inputs: [...inputs.values()], problems };
}

async function expand(pattern: string): Promise<string[]> {
  const found = await stat(pattern).catch(() => undefined);
  if (found?.isDirectory() === true) {
    const below = await glob("**/*", { cwd: pattern, ignore: NO_LOGS, onlyFiles: true });
    return below.sort().map((path) => join(pattern, path));
  }
  if (found !== undefined) return [pattern];
  return (await glob(pattern.replaceAll("\\", "/"), { onlyFiles: true, dot: true })).sort();
}
