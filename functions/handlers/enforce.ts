import type { Scope } from "@aws-sdk/client-wafv2";
import type { Notice } from "../acting/digest";
import type { IpSet } from "../acting/reconcile";
import { ipSets, type IpSetSettings } from "../edges/ip-set";
import { decisionsTable, type Ledger } from "../edges/ledger";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { pause } from "../edges/pause";
import { topic } from "../edges/topic";

/** What the callbacks need that put decisions in force. */
export interface EnforceSettings {
  readonly component: string;
  /** The decisions table, and its index of decisions by action and end. */
  readonly tableName: string;
  readonly indexName: string;
  readonly topicArn: string;
  readonly scope: Scope;
  readonly sets: readonly IpSetSettings[];
  readonly allow: readonly string[];
}

/** What they call. */
export interface EnforcePorts {
  readonly ledger: Ledger;
  readonly sets: readonly IpSet[];
  readonly notify: (notice: Notice) => Promise<void>;
  readonly report: Report;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** AWS behind the ports. */
export const enforcePorts = (settings: EnforceSettings): EnforcePorts => ({
  ledger: decisionsTable(settings.tableName, settings.indexName),
  sets: ipSets(settings.scope, settings.sets),
  notify: topic(settings.topicArn),
  report: embeddedMetrics(settings.component),
  now: Date.now,
  pause,
});
