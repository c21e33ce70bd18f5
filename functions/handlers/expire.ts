import { reconcile, type IpSet } from "../acting/reconcile";
import type { Notice } from "../acting/digest";
import { decisionsTable, type Ledger } from "../edges/ledger";
import { ipSets } from "../edges/ip-set";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { pause } from "../edges/pause";
import { topic } from "../edges/topic";
import { sendDigest } from "./digest";
import type { EnforceSettings } from "./enforce-settings";

export interface ExpirePorts {
  readonly ledger: Ledger;
  readonly sets: readonly IpSet[];
  readonly notify: (notice: Notice) => Promise<void>;
  readonly report: Report;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** Done before the next call of the minute begins. */
const RECONCILE_MS = 40_000;
const SET_ENTRIES = 10_000;

/** Once a minute: blocks that have ended leave the IP sets, and whatever differs is put right. */
export function expireBlocks(settings: EnforceSettings, ports: ExpirePorts) {
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
  expireBlocks(settings, {
    ledger: decisionsTable(settings.tableName, settings.indexName),
    sets: ipSets(settings.scope, settings.sets),
    notify: topic(settings.topicArn),
    report: embeddedMetrics(settings.component),
    now: Date.now,
    pause,
  });
