import {
  GetIPSetCommand,
  UpdateIPSetCommand,
  WAFV2Client,
  type Scope,
} from "@aws-sdk/client-wafv2";
import type { IpSet } from "../acting/reconcile";
import type { Family } from "../acting/ranges";
import type { Mode } from "../rules/rule";
import { pause } from "./pause";

export interface IpSetSettings {
  readonly name: string;
  readonly id: string;
  readonly action: Mode;
  readonly family: Family;
  readonly description: string;
}

/**
 * WAF takes one write a second in an account and region; a little more keeps clear of its clock.
 *
 * @see https://docs.aws.amazon.com/waf/latest/developerguide/limits.html
 */
const WRITE_INTERVAL_MS = 1100;

/** The IP sets of one scope; they share WAF's limit of one write a second. */
export function ipSets(scope: Scope, sets: readonly IpSetSettings[]): IpSet[] {
  // Tries are counted and spaced by whoever reconciles; sets of CloudFront are at home in us-east-1.
  const client = new WAFV2Client({
    maxAttempts: 1,
    ...(scope === "CLOUDFRONT" ? { region: "us-east-1" } : {}),
  });
  let lastWrite = -Infinity;

  const write = async (
    { name, id, description }: IpSetSettings,
    addresses: readonly string[],
    lockToken: string,
  ): Promise<"written" | "conflict" | "busy"> => {
    await pause(Math.max(0, lastWrite + WRITE_INTERVAL_MS - Date.now()));
    lastWrite = Date.now();
    try {
      await client.send(
        new UpdateIPSetCommand({
          Name: name,
          Id: id,
          Scope: scope,
          Description: description,
          Addresses: [...addresses],
          LockToken: lockToken,
        }),
      );
      return "written";
    } catch (error) {
      return outcomeOf(error);
    }
  };

  return sets.map((settings) => ({
    action: settings.action,
    family: settings.family,
    async read() {
      const { IPSet, LockToken } = await client.send(
        new GetIPSetCommand({ Name: settings.name, Id: settings.id, Scope: scope }),
      );
      return { addresses: IPSet?.Addresses ?? [], lockToken: LockToken ?? "" };
    },
    write: (addresses, lockToken) => write(settings, addresses, lockToken),
  }));
}

function outcomeOf(error: unknown): "conflict" | "busy" {
  if (!(error instanceof Error)) throw error;
  if (error.name === "WAFOptimisticLockException") return "conflict";
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const isBusy =
    error.name === "ThrottlingException" ||
    error.name === "WAFInternalErrorException" ||
    status === undefined ||
    status >= 500;
  if (isBusy) return "busy";
  throw error;
}
