import * as pulumi from "@pulumi/pulumi";
import type { ParseHandlerSettings } from "../functions/handlers/parse";
import type { Trust } from "../functions/parsing/client-address";
import type { Mode } from "../functions/rules/rule";
import { agentConfigs, type AgentConfigs } from "./agents";
import { createAlarms } from "./alarms";
import { createAnalytics, createStreams, type Streams } from "./analytics";
import { createArchive } from "./archive";
import { callback, type Callback } from "./callback";
import { createDecisions } from "./decisions";
import { createEdgeDashboard } from "./edge-dashboard";
import {
  settle,
  type IntrusionPreventionArgs,
  type IntrusionPreventionSettings,
} from "./intrusion-prevention-args";
import { createIpSets } from "./ip-sets";
import { putRecords } from "./policies";
import { REQUESTS_TABLE } from "./requests-table";
import { createTopic } from "./topic";
import { trustedProxies } from "./trusted-proxies";

/**
 * Access logs of nginx become blocks in AWS WAF: log agents send lines to a delivery stream, which
 * archives them; requests are counted in windows of seconds; whoever crosses a rule's line is put
 * into an IP set and taken out on time. Costs about $30 a month up to a million requests a day,
 * beside WAF itself. Begin with `mode: "observe"`.
 *
 * ```ts
 * new IntrusionPrevention("edge", { protect: [loadBalancer.arn] });
 * ```
 */
export class IntrusionPrevention extends pulumi.ComponentResource {
  /** Where log agents send lines to. */
  readonly deliveryStreamName: pulumi.Output<string>;
  readonly deliveryStreamArn: pulumi.Output<string>;
  /** Configuration for nginx and for log agents, ready to paste, and the IAM policy they need. */
  readonly agents: pulumi.Output<AgentConfigs>;
  /** The web ACL with the rules; undefined when nothing is enforced. */
  readonly webAclArn: pulumi.Output<string> | undefined;
  /** The table of all decisions, in force or ended. */
  readonly decisionsTableName: pulumi.Output<string>;
  /** Where notices and alarms go. */
  readonly topicArn: pulumi.Output<string>;
  readonly archiveBucketName: pulumi.Output<string>;
  /** For Athena: the database with the table `requests`, and the workgroup with the named queries. */
  readonly databaseName: pulumi.Output<string>;
  readonly workgroupName: pulumi.Output<string>;
  readonly dashboardName: pulumi.Output<string>;
  /** All of these that people look at, for a stack to export. */
  readonly outputs: Readonly<Record<string, pulumi.Output<unknown>>>;

  constructor(
    name: string,
    args: IntrusionPreventionArgs = {},
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("floodgate:index:IntrusionPrevention", name, args, opts);
    const settings = settle(args);
    // Metrics and rules of two stacks in one account are told apart by this; WAF knows no dots.
    const component = `${name}-${pulumi.getStack()}`.replace(/[^\w-]/g, "-");
    const { prefixes, rules, allow, mode, logRetentionDays, isTraced } = settings;
    const trust = trustedProxies(settings.trust, this);

    const topicArn = createTopic(name, settings, this);
    const streams = createStreams(name, settings.stream, this);
    const parse = createParse(name, component, { streams, settings, trust }, this);
    const transformation = { callback: parse, bufferSeconds: settings.parseBufferSeconds };
    const archive = createArchive(
      name,
      { ...settings.archive, logRetentionDays, table: REQUESTS_TABLE, transformation },
      this,
    );
    const count = createAnalytics(
      name,
      streams,
      { component, rules, trust, prefixes, logRetentionDays, isTraced },
      this,
    );
    const waf = createIpSets(name, { ...settings, component, actions: actionsOf(settings) }, this);
    const decisions = createDecisions(
      name,
      {
        streams,
        waf,
        topicArn,
        settings: {
          component,
          rules,
          allow,
          ceiling: mode,
          maxBlocksPerMinute: settings.maxBlocksPerMinute,
          scope: settings.scope,
        },
        logRetentionDays,
        isTraced,
      },
      this,
    );
    const watched = { archive, streams, decisions, parse, count };
    const { silentMinutes } = settings;
    createAlarms(name, watched, { component, topicArn, silentMinutes }, this);
    const dashboard = createEdgeDashboard(name, component, watched, this);

    this.deliveryStreamName = archive.deliveryStream.name;
    this.deliveryStreamArn = archive.deliveryStream.arn;
    this.agents = agentConfigs(
      {
        deliveryStreamName: archive.deliveryStream.name,
        deliveryStreamArn: archive.deliveryStream.arn,
        region: archive.bucket.region,
      },
      settings.logFormat,
    );
    this.webAclArn = waf.webAclArn;
    this.decisionsTableName = decisions.table.name;
    this.topicArn = pulumi.output(topicArn);
    this.archiveBucketName = archive.bucket.bucket;
    this.databaseName = archive.tables.database.name;
    this.workgroupName = archive.tables.workgroup.name;
    this.dashboardName = dashboard.dashboardName;
    const { webAclArn } = waf;
    this.outputs = {
      deliveryStreamName: this.deliveryStreamName,
      agents: this.agents,
      ...(webAclArn && { webAclArn }),
      decisionsTableName: this.decisionsTableName,
      topicArn: this.topicArn,
      archiveBucketName: this.archiveBucketName,
      databaseName: this.databaseName,
      workgroupName: this.workgroupName,
      dashboardName: this.dashboardName,
    };
    this.registerOutputs(this.outputs);
  }
}

function createParse(
  name: string,
  component: string,
  {
    streams,
    settings,
    trust,
  }: {
    readonly streams: Streams;
    readonly settings: IntrusionPreventionSettings;
    readonly trust: pulumi.Output<Trust>;
  },
  parent: pulumi.Resource,
): Callback {
  const { prefixes, logRetentionDays, isTraced } = settings;
  const { lanes } = streams;
  return callback(
    `${name}-parse`,
    {
      handler: "parse",
      settings: pulumi
        .all([streams.requests.name, trust])
        .apply(([streamName, proxies]): ParseHandlerSettings => ({
          component,
          streamName,
          lanes,
          trust: proxies,
          prefixes,
        })),
      statements: [putRecords(streams.requests.arn)],
      memoryMb: 1024,
      timeoutSeconds: 60,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
}

/** What rules can lead to under the ceiling; past the limit of a minute decisions are only counted. */
function actionsOf({ rules, mode }: IntrusionPreventionSettings): Exclude<Mode, "observe">[] {
  const order = ["block", "challenge", "count"] as const;
  const ceiling = order.findIndex((action) => action === mode);
  if (ceiling < 0) return [];
  const ofRules = rules.map((rule) =>
    order.findIndex((action) => action === (rule.mode ?? "block")),
  );
  const reached = ofRules.filter((place) => place >= 0).map((place) => Math.max(ceiling, place));
  const used = order.filter((action, i) => action === "count" || reached.includes(i));
  return reached.length === 0 ? [] : used;
}
