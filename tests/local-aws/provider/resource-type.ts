/** Inputs, outputs and answers have a shape of their own for each type. */
export type Values = Record<string, any>;

/** Where everything is; ministack takes the access key for the account. */
export const region = process.env["AWS_REGION"] ?? "";
export const account = process.env["AWS_ACCESS_KEY_ID"] ?? "";

export interface Made {
  readonly id: string;
  /** What AWS adds to the inputs. */
  readonly outputs?: Values;
}

/** How one type of resource is kept true in AWS, by the SDK. */
export interface ResourceType {
  /** The input that is made up from the resource's name when it is not given. */
  readonly named?: { readonly input: string; readonly longest: number };
  /** Inputs that AWS cannot change. */
  readonly replaceOn: readonly string[];
  readonly create: (inputs: Values) => Promise<Made>;
  /** Inputs as they stand in AWS now, those that can be told; throws AWS's error when it is gone. */
  readonly read: (id: string, state: Values) => Promise<Values>;
  /** Without it every change replaces. Answers what AWS changed besides. */
  readonly update?: (id: string, news: Values, state: Values) => Promise<Values | undefined>;
  readonly delete: (id: string, state: Values) => Promise<unknown>;
}

/** AWS begins names with capitals, Pulumi does not; some have more than one. */
export function capital(value: unknown, odd: Readonly<Record<string, string>> = {}): any {
  if (Array.isArray(value)) return value.map((one) => capital(one, odd));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    odd[key] ?? key[0].toUpperCase() + key.slice(1),
    capital(inner, odd),
  ]);
  return Object.fromEntries(entries);
}

/** All but some of the values. */
export const without = (values: Values, ...keys: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));

/** AWS's names for what is not there. */
const GONE =
  /NotFound|NoSuch|NonExistent|Nonexistent|DoesNotExist|NotExist|ServerSideEncryptionConfigurationNotFound/;

export const isGone = (error: unknown): boolean =>
  error instanceof Error && GONE.test(`${error.name} ${(error as { Code?: string }).Code ?? ""}`);

/** Where AWS says that a thing may not be there by an empty list. */
export function present<T>(found: T | undefined, what: string): T {
  if (found !== undefined) return found;
  throw Object.assign(new Error(`${what} is not there`), { name: "NotFound" });
}

/** Looks again until AWS has made what it was asked for. */
export const whenActive = <T extends object>(
  look: () => Promise<T | undefined>,
  statusOf: (found: T) => string | undefined,
): Promise<T> =>
  patiently(
    async () => {
      const found = present(await look(), "what was made");
      if (statusOf(found) !== "ACTIVE") throw new Error(NOT_ACTIVE);
      return found;
    },
    ({ message }) => message === NOT_ACTIVE,
  );

const NOT_ACTIVE = "it is not active yet";

/** A new role is not known everywhere at once; AWS says so, and the real provider tries again. */
export async function patiently<T>(
  call: () => Promise<T>,
  isWorthIt: (error: Error) => boolean,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries >= 20 || !(error instanceof Error) || !isWorthIt(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
