import type { Condition, Value } from "./rule";

/** The values that a condition accepts (undefined: any) and refuses. */
export function partsOf(condition: Condition): { is: Value[] | undefined; not: Value[] } {
  if (typeof condition !== "object") return { is: [condition], not: [] };
  if (isList(condition)) return { is: [...condition], not: [] };
  const is = condition.is === undefined ? undefined : asList(condition.is);
  return { is, not: condition.not === undefined ? [] : asList(condition.not) };
}

/** A number or a range as text: both ends belong to it. */
export function readRange(value: Value): readonly [number, number] | undefined {
  if (typeof value === "number") return [value, value];
  const range = /^(\d+)?-(\d+)?$/.exec(value.trim());
  if (range !== null && value.trim() !== "-") {
    const [low, high] = [Number(range[1] ?? -Infinity), Number(range[2] ?? Infinity)];
    return low <= high ? [low, high] : undefined;
  }
  return /^\d+$/.test(value.trim()) ? [Number(value), Number(value)] : undefined;
}

function isList(condition: Condition): condition is readonly Value[] {
  return Array.isArray(condition);
}

function asList(values: Value | readonly Value[]): Value[] {
  return typeof values === "object" ? [...values] : [values];
}
