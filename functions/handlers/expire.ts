import { reconcile } from "../acting/reconcile";
import { sendDigest } from "./digest";
import { enforcePorts, type EnforcePorts, type EnforceSettings } from "./enforce";

/** Done before the next call of the minute begins. */
const RECONCILE_MS = 40_000;
const SET_ENTRIES = 10_000;

/** Once a minute: blocks that have ended leave the IP sets, and whatever differs is put right. */
export function expireBlocks(settings: EnforceSettings, ports: EnforcePorts) {
  return async (): Promise<void> => {
    const now = ports.now();
    let decisions = await ports.ledger.inForce(now);
    const reconciled = await reconcile(
      {
        ...ports,
        decisions: async (isAfterConflict) => {
          if (isAfterConflict) decisions = await ports.ledger.inForce(ports.now());
          return decisions;
        },
      },
      { allow: settings.allow, deadline: now + RECONCILE_MS },
    );
    ports.report(
      {
        DecisionsInForce: decisions.length,
        IpSetFillPercent: (100 * reconciled.mostEntries) / SET_ENTRIES,
        IpSetFailures: reconciled.failed,
        ClientsLeftOut: reconciled.leftOut,
      },
      { reconciled },
    );
    await sendDigest(settings.component, decisions, ports);
  };
}

/** What the Lambda loads. */
export const handler = (settings: EnforceSettings): ReturnType<typeof expireBlocks> =>
  expireBlocks(settings, enforcePorts(settings));
