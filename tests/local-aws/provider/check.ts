import type { Inputs } from "./property-names";

export interface Mistake {
  readonly property: string;
  readonly reason: string;
}

/** The engine's mark of a secret, whose value stands inside. */
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Names that the type does not know, and those that are missing. */
export function mistakesIn(inputs: unknown, known: Inputs, path = ""): Mistake[] {
  if (Array.isArray(inputs))
    return inputs.flatMap((one, i) => mistakesIn(one, known, `${path}[${i}]`));
  // What is not known yet, and what is said by one text, is for AWS to refuse.
  if (typeof inputs !== "object" || inputs === null) return [];
  const given = inputs as Record<string, unknown>;
  if (Object.values(given).includes(SECRET)) return mistakesIn(given["value"], known, path);
  const at = (property: string): string => (path === "" ? property : `${path}.${property}`);
  const missing = Object.entries(known)
    .filter(([property, { isRequired }]) => isRequired && given[property] === undefined)
    .map(([property]) => ({ property: at(property), reason: "is missing" }));
  const wrong = Object.entries(given).flatMap(([property, value]) => {
    const expected = known[property];
    if (expected === undefined)
      return [{ property: at(property), reason: "is not known to this type of resource" }];
    return expected.of === undefined ? [] : mistakesIn(value, expected.of, at(property));
  });
  return [...missing, ...wrong];
}
