/** Why a log could not be read to its end, in a sentence that names it. */
export function readProblem(path: string, error: unknown): string {
  const name = path === "-" ? "standard input" : path;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reasons: Readonly<Record<string, string>> = {
    EACCES: "no permission to read it",
    EISDIR: "is a folder",
    ENOENT: "no such file",
    Z_BUF_ERROR: "the gzip data ends too early; the lines before the end were read",
    Z_DATA_ERROR: "the gzip data is damaged; the lines before the damage were read",
  };
  return `${name}: ${reasons[code] ?? (error instanceof Error ? error.message : String(error))}`;
}
