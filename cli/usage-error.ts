/** The command was called in a way that cannot work: told in one message, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
