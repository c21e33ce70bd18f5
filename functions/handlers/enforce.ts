import type { Scope } from "@aws-sdk/client-wafv2";
import type { IpSetSettings } from "../edges/ip-set";

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
