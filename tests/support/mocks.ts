import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/** A resource as the engine is asked for it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  // Tests look into inputs of every type.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly inputs: any;
  /** What was said of it besides. */
  readonly opts: pulumi.CustomResourceOptions;
  /** The name of its parent; undefined directly below the stack. */
  readonly parent: string | undefined;
}

/** What AWS would say of a new resource, as far as others ask for it. */
function stateOf({ type, name, inputs }: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  const service = type.split(":")[1].split("/")[0];
  const given = inputs as Record<string, unknown>;
  return {
    ...given,
    name: given["name"] ?? `${name}-name`,
    arn: arnOf(service, name),
    ...(type === "aws:s3/bucket:Bucket" ? { bucket: `${name}-name`, region: "eu-west-1" } : {}),
    ...(type === "aws:sqs/queue:Queue" ? { url: `https://sqs.example.com/${name}` } : {}),
  };
}

/** The ranges of CloudFront that AWS lists besides those that Floodgate knows. */
export const LISTED_RANGES = ["198.51.100.0/24", "2001:db8::/32", "203.0.113.0/24"];

/** What AWS would answer when it is asked for something that is there already. */
function answerTo({ token, inputs }: pulumi.runtime.MockCallArgs): Record<string, unknown> {
  const given = inputs as Record<string, unknown>;
  switch (token) {
    case "aws:ec2/getManagedPrefixLists:getManagedPrefixLists":
      return { ...given, ids: ["pl-6", "pl-4"] };
    case "aws:ec2/getManagedPrefixList:getManagedPrefixList": {
      const isIPv6 = given["id"] === "pl-6";
      const listed = LISTED_RANGES.filter((cidr) => cidr.includes(":") === isIPv6);
      return { ...given, entries: listed.map((cidr) => ({ cidr, description: "" })) };
    }
    default:
      return { ...given, accountId: "123456789012" };
  }
}

/** The ARN that a resource gets from the mocks. */
export const arnOf = (service: string, name: string): string =>
  `arn:aws:${service}:eu-west-1:123456789012:${name}`;

/**
 * Runs a program against mocks of the engine and returns all that it registers, in order of name.
 * The program hands the options on to what it makes, so that parents can be seen.
 */
export async function register(
  program: (opts: pulumi.ComponentResourceOptions) => unknown,
): Promise<Registered[]> {
  const seen: Pick<Registered, "type" | "name" | "inputs">[] = [];
  const asked = new Map<string, pulumi.ResourceOptions>();
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        seen.push({ type: args.type, name: args.name, inputs: args.inputs as unknown });
        return { id: `${args.name}-id`, state: stateOf(args) };
      },
      call: answerTo,
    },
    "floodgate",
    "dev",
    false,
  );
  program({
    transformations: [
      ({ name, opts }) => {
        asked.set(name, opts);
        return undefined;
      },
    ],
  });
  await pulumi.runtime.disconnect();
  return seen
    .map((one): Registered => {
      const opts = asked.get(one.name) ?? {};
      const parent = (opts.parent as { __name?: string } | undefined)?.__name;
      return { ...one, opts, parent };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Writes a function's archive out, as Lambda would unpack it; returns the paths in it. */
export async function unpack(fn: Registered, folder: string): Promise<string[]> {
  const archive = fn.inputs.code as pulumi.asset.AssetArchive;
  const assets = await archive.assets;
  for (const [path, asset] of Object.entries(assets)) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    if (asset instanceof pulumi.asset.StringAsset) await writeFile(target, await asset.text);
    else if (asset instanceof pulumi.asset.FileAsset) await copyFile(await asset.path, target);
    else throw new Error(`${path} is no file and no text`);
  }
  return Object.keys(assets).sort();
}
