import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CountAccessesSettings } from "../functions/handlers/count-accesses";
import type { ParseAccessesSettings } from "../functions/handlers/parse-accesses";
import type { WatchAccessesSettings } from "../functions/handlers/watch-accesses";
import { ACCESSES_TABLE } from "./accesses-table";
import { createArchive, ERRORS_PREFIX, type Archive } from "./archive";
import { createAuditAlarms } from "./audit-alarms";
import { createAuditDashboard } from "./audit-dashboard";
import { callback, type Callback } from "./callback";
import { createLogBucket, createLogging, notify, type LogBucket } from "./log-bucket";
import {
  addToCounters,
  beatHearts,
  closeIncidents,
  deliverTo,
  encrypt,
  hearHearts,
  keepIncidents,
  listObjects,
  publish,
  readExemptions,
  readObjects,
  receiveFrom,
  writeObjects,
} from "./policies";
import {
  settleAudit,
  type S3AnomalyDetectionArgs,
  type S3AnomalyDetectionSettings,
} from "./s3-anomaly-detection-args";
import { createSchedule } from "./schedule";
import { createTopic } from "./topic";
import { consume, createQueue, type WorkQueue } from "./work-queue";

const PARSE_SECONDS = 900;
const COUNT_SECONDS = 300;
const WATCH_SECONDS = 60;
const OPEN_INDEX = "open";
const QUARANTINE_PREFIX = `${ERRORS_PREFIX}quarantine/`;

/**
 * S3 server access logs become alerts: log objects are parsed and archived for SQL, accesses counted
 * per client, bucket and minute, exactly once, however late they come; whoever crosses a rule's line
 * makes one incident and one alert. S3 delivers these logs an hour or more late. Costs a few dollars
 * a month, and about a dollar for each million accesses.
 *
 * ```ts
 * new S3AnomalyDetection("audit", { buckets: ["photos"], notify: { emails: ["oncall@example.com"] } });
 * ```
 */
export class S3AnomalyDetection extends pulumi.ComponentResource {
  /** Where log objects come in. */
  readonly logBucketName: pulumi.Output<string>;
  /** S3's own JSON delivery of 2026 may send to it as well. */
  readonly deliveryStreamArn: pulumi.Output<string>;
  readonly archiveBucketName: pulumi.Output<string>;
  /** For Athena: the database with the table `accesses`, and the workgroup with the named queries. */
  readonly databaseName: pulumi.Output<string>;
  readonly workgroupName: pulumi.Output<string>;
  readonly incidentsTableName: pulumi.Output<string>;
  /** Where people may write further exemptions at any time. */
  readonly exemptionsTableName: pulumi.Output<string>;
  /** Where alerts and alarms go. */
  readonly topicArn: pulumi.Output<string>;
  readonly dashboardName: pulumi.Output<string>;
  /** All of these that people look at, for a stack to export. */
  readonly outputs: Readonly<Record<string, pulumi.Output<unknown>>>;

  constructor(
    name: string,
    args: S3AnomalyDetectionArgs = {},
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("floodgate:index:S3AnomalyDetection", name, args, opts);
    const settings = settleAudit(args);
    const component = `${name}-${pulumi.getStack()}`.replace(/[^\w-]/g, "-");
    const topicArn = createTopic(name, settings, this);

    const objects = createQueue(`${name}-objects`, { timeoutSeconds: PARSE_SECONDS }, this);
    const logBucket = createLogBucket(
      name,
      settings.logBucket,
      { queue: objects, retentionDays: settings.archive.retentionDays },
      this,
    );
    createLogging(name, settings.buckets, logBucket, this);
    const archive = createArchive(
      name,
      {
        ...settings.archive,
        logRetentionDays: settings.logRetentionDays,
        table: ACCESSES_TABLE,
      },
      this,
    );
    const parse = createParse(name, component, { objects, logBucket, archive, settings }, this);
    const archived = createQueue(`${name}-archived`, { timeoutSeconds: COUNT_SECONDS }, this);
    const { bucket, linesPrefix: prefix } = archive;
    notify(`${name}-archive`, { bucket: bucket.id, arn: bucket.arn, prefix }, archived, this);
    const tables = createTables(name, this);
    const count = createCount(
      name,
      component,
      { archived, archive, tables, topicArn, settings },
      this,
    );
    const watch = createWatch(name, component, { tables, topicArn, settings }, this);
    const { heartbeat } = settings;
    const watched = { objects, archived, archive, parse, count, watch, heartbeat };
    createAuditAlarms(name, watched, { component, topicArn }, this);
    const dashboard = createAuditDashboard(name, component, watched, this);

    this.logBucketName = logBucket.name;
    this.deliveryStreamArn = archive.deliveryStream.arn;
    this.archiveBucketName = bucket.bucket;
    this.databaseName = archive.tables.database.name;
    this.workgroupName = archive.tables.workgroup.name;
    this.incidentsTableName = tables.incidents.name;
    this.exemptionsTableName = tables.exemptions.name;
    this.topicArn = pulumi.output(topicArn);
    this.dashboardName = dashboard.dashboardName;
    this.outputs = {
      logBucketName: this.logBucketName,
      deliveryStreamArn: this.deliveryStreamArn,
      archiveBucketName: this.archiveBucketName,
      databaseName: this.databaseName,
      workgroupName: this.workgroupName,
      incidentsTableName: this.incidentsTableName,
      exemptionsTableName: this.exemptionsTableName,
      topicArn: this.topicArn,
      dashboardName: this.dashboardName,
    };
    this.registerOutputs(this.outputs);
  }
}

function createParse(
  name: string,
  component: string,
  {
    objects,
    logBucket,
    archive: { bucket, deliveryStream },
    settings: {
      archive: { kmsKeyArn },
      logRetentionDays,
      isTraced,
    },
  }: {
    readonly objects: WorkQueue;
    readonly logBucket: LogBucket;
    readonly archive: Archive;
    readonly settings: S3AnomalyDetectionSettings;
  },
  parent: pulumi.Resource,
): Callback {
  const parse = callback(
    `${name}-parse`,
    {
      handler: "parse-accesses",
      settings: pulumi
        .all([deliveryStream.name, bucket.bucket])
        .apply(([deliveryStreamName, archiveName]): ParseAccessesSettings => ({
          component,
          deliveryStreamName,
          quarantine: { bucket: archiveName, prefix: QUARANTINE_PREFIX },
        })),
      statements: [
        receiveFrom(objects.queue.arn),
        readObjects(logBucket.arn, logBucket.prefix),
        listObjects(logBucket.arn),
        deliverTo(deliveryStream.arn),
        writeObjects(bucket.arn, QUARANTINE_PREFIX),
        ...(kmsKeyArn === undefined ? [] : [encrypt(kmsKeyArn)]),
      ],
      memoryMb: 1024,
      timeoutSeconds: PARSE_SECONDS,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
  consume(`${name}-parse-objects`, objects, parse, { batchSize: 10, atOnce: 5 }, parent);
  return parse;
}

interface CountTables {
  readonly counters: aws.dynamodb.Table;
  readonly incidents: aws.dynamodb.Table;
  /** Further exemptions: items with `id`, `where`, `reason` and `until`. */
  readonly exemptions: aws.dynamodb.Table;
}

function createTables(name: string, parent: pulumi.Resource): CountTables {
  const counters = new aws.dynamodb.Table(
    `${name}-counters`,
    {
      billingMode: "PAY_PER_REQUEST",
      hashKey: "window",
      attributes: [{ name: "window", type: "S" }],
      ttl: { attributeName: "expiresAt", enabled: true },
    },
    { parent },
  );
  const incidents = new aws.dynamodb.Table(
    `${name}-incidents`,
    {
      billingMode: "PAY_PER_REQUEST",
      hashKey: "name",
      rangeKey: "opened",
      attributes: [
        { name: "name", type: "S" },
        { name: "opened", type: "N" },
        { name: "status", type: "S" },
      ],
      // Only open incidents have a status, and so are in it.
      globalSecondaryIndexes: [
        {
          name: OPEN_INDEX,
          keySchemas: [
            { attributeName: "status", keyType: "HASH" },
            { attributeName: "opened", keyType: "RANGE" },
          ],
          projectionType: "ALL",
        },
      ],
      pointInTimeRecovery: { enabled: true },
      ttl: { attributeName: "expiresAt", enabled: true },
    },
    { parent },
  );
  const exemptions = new aws.dynamodb.Table(
    `${name}-exemptions`,
    {
      billingMode: "PAY_PER_REQUEST",
      hashKey: "id",
      attributes: [{ name: "id", type: "S" }],
      pointInTimeRecovery: { enabled: true },
    },
    { parent },
  );
  return { counters, incidents, exemptions };
}

function createCount(
  name: string,
  component: string,
  {
    archived,
    archive: { bucket, linesPrefix },
    tables: { counters, incidents, exemptions },
    topicArn,
    settings,
  }: {
    readonly archived: WorkQueue;
    readonly archive: Archive;
    readonly tables: CountTables;
    readonly topicArn: pulumi.Input<string>;
    readonly settings: S3AnomalyDetectionSettings;
  },
  parent: pulumi.Resource,
): Callback {
  const {
    rules,
    exempt,
    prefixes,
    latenessHours,
    quietMinutes,
    heartbeat,
    logRetentionDays,
    isTraced,
  } = settings;
  const { kmsKeyArn } = settings.archive;
  const count = callback(
    `${name}-count`,
    {
      handler: "count-accesses",
      settings: pulumi
        .all([counters.name, incidents.name, exemptions.name, topicArn])
        .apply(
          ([
            countersTableName,
            incidentsTableName,
            exemptionsTableName,
            arn,
          ]): CountAccessesSettings => ({
            component,
            rules,
            exempt,
            prefixes,
            exemptionsTableName,
            countersTableName,
            incidentsTableName,
            topicArn: arn,
            latenessHours,
            quietMinutes,
            heartbeat,
          }),
        ),
      statements: [
        receiveFrom(archived.queue.arn),
        readObjects(bucket.arn, linesPrefix),
        listObjects(bucket.arn),
        addToCounters(counters.arn),
        ...(heartbeat.length > 0 ? [beatHearts(counters.arn)] : []),
        keepIncidents(incidents.arn),
        readExemptions(exemptions.arn),
        publish(topicArn),
        ...(kmsKeyArn === undefined ? [] : [encrypt(kmsKeyArn)]),
      ],
      memoryMb: 1024,
      timeoutSeconds: COUNT_SECONDS,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
  consume(`${name}-count-archived`, archived, count, { batchSize: 1, atOnce: 2 }, parent);
  return count;
}

function createWatch(
  name: string,
  component: string,
  {
    tables: { counters, incidents },
    topicArn,
    settings: { quietMinutes, heartbeat, logRetentionDays, isTraced },
  }: {
    readonly tables: CountTables;
    readonly topicArn: pulumi.Input<string>;
    readonly settings: S3AnomalyDetectionSettings;
  },
  parent: pulumi.Resource,
): Callback {
  const watch = callback(
    `${name}-watch`,
    {
      handler: "watch-accesses",
      settings: pulumi
        .all([counters.name, incidents.name, topicArn])
        .apply(([countersTableName, incidentsTableName, arn]): WatchAccessesSettings => ({
          component,
          countersTableName,
          incidentsTableName,
          topicArn: arn,
          quietMinutes,
          heartbeat,
        })),
      statements: [
        ...(heartbeat.length > 0 ? [hearHearts(counters.arn)] : []),
        closeIncidents(incidents.arn, OPEN_INDEX),
        publish(topicArn),
      ],
      memoryMb: 256,
      timeoutSeconds: WATCH_SECONDS,
      logRetentionDays,
      isTraced,
    },
    parent,
  );
  createSchedule(name, watch, { purpose: "every-quarter", rate: "15 minutes" }, parent);
  return watch;
}
