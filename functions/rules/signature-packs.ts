import { ADMIN_PATHS } from "./signatures/admin-paths";
import { INJECTIONS } from "./signatures/injections";
import { LOGIN_PAGES } from "./signatures/login-pages";
import { PROBE_PATHS } from "./signatures/probe-paths";
import { SCANNER_AGENTS } from "./signatures/scanner-agents";
import { STATIC_FILES } from "./signatures/static-files";
import { TRAVERSALS } from "./signatures/traversals";

/** Globs that belong together, with examples that they must and must not match. */
export interface SignaturePack {
  readonly name: string;
  /** The field whose values the globs are written for. */
  readonly field: "decodedUrl" | "userAgent";
  readonly globs: readonly string[];
  readonly matching: readonly string[];
  readonly harmless: readonly string[];
}

export const SIGNATURE_PACKS: readonly SignaturePack[] = [
  PROBE_PATHS,
  ADMIN_PATHS,
  TRAVERSALS,
  INJECTIONS,
  SCANNER_AGENTS,
  LOGIN_PAGES,
  STATIC_FILES,
];

/** The globs of a pack named as `@name`, or undefined when there is none of that name. */
export function packOf(value: string): SignaturePack | undefined {
  return SIGNATURE_PACKS.find((pack) => value === `@${pack.name}`);
}

/** Replaces `@name` by the globs of that pack. */
export function expandPacks(values: readonly string[]): string[] {
  return values.flatMap((value) => packOf(value)?.globs ?? [value]);
}
