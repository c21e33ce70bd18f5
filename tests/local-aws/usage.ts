import type { Usage } from "./front/permissions";

const used = new Map<string, Set<string>>();
const granted = new Map<string, Set<string>>();

/** "edge-count-role-3a1dae9" is the same role in every stack. */
const purposeOf = (role: string): string => role.replace(/-role-[\da-f]+$/, "");

/** Adds what one world saw. */
export function noteUsage(usage: Readonly<Record<string, Usage>>): void {
  for (const [role, seen] of Object.entries(usage)) {
    const purpose = purposeOf(role);
    granted.set(purpose, new Set([...(granted.get(purpose) ?? []), ...seen.granted]));
    used.set(purpose, new Set([...(used.get(purpose) ?? []), ...seen.used]));
  }
}

/** "role: action" for all that is granted and was used in none of the worlds. */
export const neverUsed = (): string[] =>
  [...granted]
    .flatMap(([purpose, actions]) =>
      [...actions]
        .filter((action) => used.get(purpose)?.has(action) !== true)
        .map((action) => `${purpose}: ${action}`),
    )
    .sort();
