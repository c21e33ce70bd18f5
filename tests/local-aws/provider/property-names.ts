import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as ts from "typescript";

/** The inputs that a type knows, and those of what is nested in them. */
export interface Inputs {
  readonly [property: string]: {
    readonly isRequired: boolean;
    /** Undefined where any value goes. */
    readonly of?: Inputs;
  };
}

/**
 * Reads from the types of `@pulumi/aws` which inputs the given resource types take, so that what
 * the compiler was talked out of (a cast, a spread, a function that builds arguments) is seen.
 */
export function propertyNames(types: readonly string[]): Record<string, Inputs> {
  const root = dirname(require.resolve("@pulumi/aws/package.json"));
  const nested = nestedInputs(join(root, "types/input.d.ts"));
  const known: Record<string, Inputs> = {};
  for (const type of types) {
    const [, path, name] = type.split(":");
    const file = parse(join(root, `${path}.d.ts`));
    const args = file.statements
      .filter(ts.isInterfaceDeclaration)
      .find((one) => one.name.text === `${name}Args`);
    if (args === undefined) throw new Error(`${path}.d.ts has no ${name}Args`);
    known[type] = inputsOf(args, nested, 0);
  }
  return known;
}

type Nested = Readonly<Record<string, ts.InterfaceDeclaration | undefined>>;

/** WAF's statements nest in themselves; nobody nests deeper. */
const DEEPEST = 8;

function inputsOf(one: ts.InterfaceDeclaration, nested: Nested, depth: number): Inputs {
  const members = one.members.filter(ts.isPropertySignature).map((member) => {
    const text = member.type?.getText() ?? "";
    const inner = nested[/inputs\.([\w.]+)/.exec(text)?.[1] ?? ""];
    const property = {
      isRequired: member.questionToken === undefined,
      ...(inner && depth < DEEPEST ? { of: inputsOf(inner, nested, depth + 1) } : {}),
    };
    return [member.name.getText(), property] as const;
  });
  return Object.fromEntries(members);
}

function nestedInputs(path: string): Nested {
  const found: Record<string, ts.InterfaceDeclaration> = {};
  for (const statement of parse(path).statements) {
    if (!ts.isModuleDeclaration(statement) || !statement.body || !ts.isModuleBlock(statement.body))
      continue;
    for (const inner of statement.body.statements)
      if (ts.isInterfaceDeclaration(inner))
        found[`${statement.name.text}.${inner.name.text}`] = inner;
  }
  return found;
}

const parse = (path: string): ts.SourceFile =>
  ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
