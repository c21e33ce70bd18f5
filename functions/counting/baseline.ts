import type { Rule } from "../rules/rule";

/** What is usual is asked of the same hour of the last weeks, the last one counting most. */
const WEEKS = 4;
const DECAY = 0.5;
const HOUR = 3_600_000;
const HOURS_A_WEEK = 168;
/** How long an hour is remembered. */
export const KEPT_HOURS = (WEEKS + 1) * HOURS_A_WEEK;

/** Hours since 1970. */
export const hourOf = (time: number): number => Math.floor(time / HOUR);

/** The hours that say what is usual at this one, the most recent first. */
export const sameHours = (hour: number): number[] =>
  Array.from({ length: WEEKS }, (_, i) => hour - (i + 1) * HOURS_A_WEEK);

/**
 * What is usual: the exponentially weighted mean of the highest windows of those hours, each half
 * as heavy as the one a week later. Undefined while none of them is known: a client that was never
 * seen at this hour of the week is judged by the fixed line alone.
 */
export function expectedFrom(highests: readonly (number | undefined)[]): number | undefined {
  let [sum, weights] = [0, 0];
  highests.forEach((highest, i) => {
    if (highest === undefined) return;
    sum += highest * DECAY ** i;
    weights += DECAY ** i;
  });
  return weights === 0 ? undefined : sum / weights;
}

/** The line of a rule: its fixed one, or a lower one where less is usual. */
export function lineOf({ moreThan, unusual }: Rule, expected: number | undefined): number {
  if (unusual === undefined || expected === undefined) return moreThan;
  return Math.min(moreThan, Math.max(unusual.atLeast - 1, unusual.factor * expected));
}

/** The name under which a rule remembers a key. */
export const pastKeyOf = ({ name, per }: Rule, key: Readonly<Record<string, string>>): string =>
  JSON.stringify([name, ...per.map((field) => key[field])]);

/** The highest windows of past hours, in memory. */
export class Past {
  private readonly highest = new Map<string, number>();
  private newest = -Infinity;

  note(key: string, hour: number, total: number): void {
    if (hour > this.newest) this.forget(hour);
    const name = `${hour} ${key}`;
    this.highest.set(name, Math.max(this.highest.get(name) ?? 0, total));
  }

  expected(key: string, hour: number): number | undefined {
    return expectedFrom(sameHours(hour).map((one) => this.highest.get(`${one} ${key}`)));
  }

  /** Once in each new hour: what is too old to be asked again. */
  private forget(hour: number): void {
    this.newest = hour;
    for (const name of this.highest.keys())
      if (Number.parseInt(name, 10) < hour - KEPT_HOURS) this.highest.delete(name);
  }
}
