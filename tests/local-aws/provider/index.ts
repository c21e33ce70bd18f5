// A provider for the types of `@pulumi/aws` that the program uses, over the AWS SDK: what the engine
// starts as `pulumi-resource-aws`. The endpoint, region and account come from the environment.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { main, type Provider } from "@pulumi/pulumi/provider";
import { mistakesIn } from "./check";
import { LOOK_UPS } from "./look-ups";
import type { Inputs } from "./property-names";
import { isGone, without, type ResourceType, type Values } from "./resource-type";
import { resourceTypeOf } from "./types";

/** The engine prints the message only; AWS's name for it is what people search for. */
async function inAwsWords<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`${error.name}: ${error.message}`, { cause: error });
  }
}

const VERSION = "7.48.0";

/** `urn:pulumi:stack::project::parents$type::name` */
const typeOf = (urn: string): string => urn.split("::")[2].split("$").pop() ?? "";
const nameOf = (urn: string): string => urn.split("::")[3];

const resourceType = (urn: string): ResourceType => resourceTypeOf(typeOf(urn));

let known: Record<string, Inputs> | undefined;
/** Made when the provider is built: reading AWS's types takes seconds. */
const inputsKnown = (): Record<string, Inputs> =>
  (known ??= JSON.parse(readFileSync(`${__dirname}/property-names.json`, "utf8")) as Record<
    string,
    Inputs
  >);

/** Code is kept by its hash: the archive may be gone when the state is read. */
const kept = (inputs: Values): Values =>
  inputs["code"]?.hash === undefined ? inputs : { ...inputs, code: inputs["code"].hash };

const changed = (olds: Values, news: Values): string[] =>
  [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter(
    (key) => !isEqual(olds[key], news[key]),
  );

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return changed(a, b).length === 0;
}

const stateOf = (inputs: Values, outputs: Values = {}): Values => ({
  ...without(inputs, "code"),
  ...outputs,
  __inputs: kept(inputs),
});

const provider: Provider = {
  version: VERSION,
  getSchema: async () => JSON.stringify({ name: "aws", version: VERSION }),

  async check(urn, olds: Values, news: Values) {
    const { named } = resourceType(urn);
    const failures = mistakesIn(news, inputsKnown()[typeOf(urn)]);
    if (named === undefined || news[named.input] !== undefined) return { inputs: news, failures };
    const made = `${nameOf(urn)}-${randomBytes(4).toString("hex").slice(0, 7)}`.slice(
      -named.longest,
    );
    return { inputs: { ...news, [named.input]: olds[named.input] ?? made }, failures };
  },

  async diff(_id, urn, olds: Values, news: Values) {
    const type = resourceType(urn);
    const differing = changed(olds["__inputs"], kept(news));
    const replaces = differing.filter(
      (key) => type.update === undefined || type.replaceOn.includes(key),
    );
    return { changes: differing.length > 0, replaces };
  },

  async create(urn, inputs: Values) {
    const { id, outputs } = await inAwsWords(resourceType(urn).create(inputs));
    return { id, outs: stateOf(inputs, { id, ...outputs }) };
  },

  async read(id, urn, state: Values) {
    try {
      const found = await resourceType(urn).read(id, state);
      const now = { ...state["__inputs"] };
      for (const [key, value] of Object.entries(found)) if (key in now) now[key] = value;
      return { id, props: { ...state, ...found, __inputs: now }, inputs: now };
    } catch (error) {
      if (!isGone(error)) throw error;
      return { id: "", props: {} };
    }
  },

  async update(id, urn, state: Values, news: Values) {
    const changing = resourceType(urn).update?.(id, news, state);
    const outputs = changing && (await inAwsWords(changing));
    const added = without(state, "__inputs", ...Object.keys(state["__inputs"]));
    return { outs: stateOf(news, { ...added, ...outputs }) };
  },

  async delete(id, urn, state: Values) {
    try {
      await resourceType(urn).delete(id, state);
    } catch (error) {
      if (!isGone(error)) await inAwsWords(Promise.reject(error as Error));
    }
  },

  async invoke(token, inputs: Values) {
    const lookUp = LOOK_UPS[token];
    if (lookUp === undefined) throw new Error(`look-up ${token} is not known here`);
    return { outputs: await lookUp(inputs) };
  },
};

void main(provider, process.argv.slice(2));
