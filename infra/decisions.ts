import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ActSettings } from "../functions/handlers/act";
import type { Streams } from "./analytics";
import { callback, type Callback } from "./callback";
import type { WafSets } from "./ip-sets";
import { createSchedule } from "./schedule";
import {
  publish,
  readDecisionsInForce,
  readStream,
  rememberDigest,
  sendFailures,
  updateIpSets,
  writeDecisions,
} from "./policies";

export interface DecisionsArgs {
  readonly streams: Streams;
  readonly waf: WafSets;
  readonly topicArn: pulumi.Input<string>;
  readonly settings: Pick<
    ActSettings,
    "component" | "rules" | "allow" | "ceiling" | "maxBlocksPerMinute" | "scope"
  >;
  readonly logRetentionDays: number;
  readonly isTraced: boolean;
}

export interface Decisions {
  readonly table: aws.dynamodb.Table;
  readonly act: Callback;
  readonly expire: Callback;
}

const INDEX = "in-force";
/**
 * Findings wait this long for a table or a topic that is out of order. How often they are tried
 * meanwhile does not matter; a number of tries is soon used up.
 */
const MAX_RECORD_AGE_SECONDS = 900;
const WITHOUT_END = -1;

/** The decisions table, the callback that fills it, and the one that keeps the IP sets true to it. */
export function createDecisions(
  name: string,
  { streams, waf, topicArn, settings, logRetentionDays, isTraced }: DecisionsArgs,
  parent: pulumi.Resource,
): Decisions {
  const table = createTable(name, parent);
  const enforce = pulumi
    .all([table.name, topicArn, waf.sets])
    .apply(([tableName, arn, sets]): ActSettings => ({
      ...settings,
      tableName,
      indexName: INDEX,
      topicArn: arn,
      sets,
    }));
  const act = callback(
    `${name}-act`,
    {
      handler: "act",
      settings: enforce,
      statements: [
        readStream(streams.findings.arn),
        sendFailures(streams.failures.arn),
        writeDecisions(table.arn),
        readDecisionsInForce(table.arn, INDEX),
        ...updateIpSets(waf.arns),
        publish(topicArn),
      ],
      memoryMb: 512,
      timeoutSeconds: 60,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
  new aws.lambda.EventSourceMapping(
    `${name}-act-findings`,
    {
      eventSourceArn: streams.findings.arn,
      functionName: act.fn.arn,
      startingPosition: "TRIM_HORIZON",
      batchSize: 100,
      maximumBatchingWindowInSeconds: 1,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: WITHOUT_END,
      maximumRecordAgeInSeconds: MAX_RECORD_AGE_SECONDS,
      destinationConfig: { onFailure: { destinationArn: streams.failures.arn } },
    },
    { parent, dependsOn: [act.policy] },
  );
  const expire = callback(
    `${name}-expire`,
    {
      handler: "expire",
      settings: enforce,
      statements: [
        rememberDigest(table.arn),
        readDecisionsInForce(table.arn, INDEX),
        ...updateIpSets(waf.arns),
        publish(topicArn),
      ],
      memoryMb: 512,
      timeoutSeconds: 55,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
  createSchedule(name, expire, { purpose: "every-minute", rate: "1 minute" }, parent);
  return { table, act, expire };
}

function createTable(name: string, parent: pulumi.Resource): aws.dynamodb.Table {
  return new aws.dynamodb.Table(
    `${name}-decisions`,
    {
      billingMode: "PAY_PER_REQUEST",
      hashKey: "client",
      rangeKey: "from",
      attributes: [
        { name: "client", type: "S" },
        { name: "from", type: "N" },
        { name: "action", type: "S" },
        { name: "until", type: "N" },
      ],
      globalSecondaryIndexes: [
        {
          name: INDEX,
          keySchemas: [
            { attributeName: "action", keyType: "HASH" },
            { attributeName: "until", keyType: "RANGE" },
          ],
          projectionType: "ALL",
        },
      ],
      pointInTimeRecovery: { enabled: true },
      ttl: { attributeName: "expiresAt", enabled: true },
    },
    { parent },
  );
}
