import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import { IntrusionPrevention } from "../../infra/intrusion-prevention";
import { S3AnomalyDetection } from "../../infra/s3-anomaly-detection";
import type { S3AnomalyDetectionArgs } from "../../infra/s3-anomaly-detection-args";
import { arnOf, register, type Registered } from "../support/mocks";

const KEY = "arn:aws:kms:eu-west-1:123456789012:key/0123";
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall";
const SMALLEST: S3AnomalyDetectionArgs = { buckets: ["photos"] };
const FULLEST: S3AnomalyDetectionArgs = {
  buckets: ["photos", "arn:aws:s3:::invoices"],
  logBucket: { name: "company-logs", prefix: "s3-access/" },
  ipv6Prefix: 56,
  latenessHours: 48,
  quietMinutes: 30,
  heartbeat: [{ bucket: "photos", hours: 12 }],
  exempt: [{ where: { requester: ["*:role/backup*"] }, reason: "the nightly backup" }],
  notify: { topicArn: TOPIC, emails: ["oncall@example.com"] },
  archive: { retentionDays: 365, prefix: "s3/", kmsKeyArn: KEY, parquet: true },
  logRetentionDays: 7,
  tracing: true,
};

/** What both calls make, by type, without the component's name. */
const ALWAYS: Readonly<Record<string, string>> = {
  "aws:athena/namedQuery:NamedQuery": "anonymous-reads deletes one-address one-key without-tls",
  "aws:athena/workgroup:Workgroup": "queries",
  "aws:cloudwatch/dashboard:Dashboard": "dashboard",
  "aws:cloudwatch/logGroup:LogGroup": "count-logs delivery-logs parse-logs watch-logs",
  "aws:cloudwatch/logStream:LogStream": "delivery-errors",
  "aws:cloudwatch/metricAlarm:MetricAlarm":
    "archive-late archived-dead archived-waiting buckets-silent count-errors objects-dead objects-waiting parse-errors unnoted unparsed watch-errors",
  "aws:dynamodb/table:Table": "counters exemptions incidents",
  "aws:glue/catalogDatabase:CatalogDatabase": "database",
  "aws:glue/catalogTable:CatalogTable": "accesses-table",
  "aws:iam/role:Role": "count-role delivery-role parse-role schedule-role watch-role",
  "aws:iam/rolePolicy:RolePolicy":
    "count-policy delivery-policy parse-policy schedule-policy watch-policy",
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "logs",
  "aws:lambda/eventSourceMapping:EventSourceMapping": "count-archived parse-objects",
  "aws:lambda/function:Function": "count parse watch",
  "aws:scheduler/schedule:Schedule": "every-quarter",
  "aws:sqs/queue:Queue": "archived archived-dead-letters objects objects-dead-letters",
  "aws:sqs/queuePolicy:QueuePolicy": "archive-objects-policy objects-policy",
};

const make = (args: S3AnomalyDetectionArgs): Promise<Registered[]> =>
  register((opts) => new S3AnomalyDetection("audit", args, opts));

function listed(seen: readonly Registered[]): Record<string, string> {
  const byType = new Map<string, string[]>();
  for (const { type, name } of seen.filter(({ parent }) => parent !== undefined))
    byType.set(type, [...(byType.get(type) ?? []), name.replace(/^audit-/, "")]);
  return Object.fromEntries([...byType].map(([type, names]) => [type, names.join(" ")]));
}

describe("S3AnomalyDetection", () => {
  let smallest: Registered[];
  let fullest: Registered[];
  const inputsOf = (of: readonly Registered[], name: string, type = ""): Registered["inputs"] => {
    const found = of.find((one) => one.name === `audit-${name}` && one.type.includes(type));
    assert.ok(found, name);
    return found.inputs;
  };
  const statementsOf = (of: readonly Registered[], name: string): unknown[] =>
    (JSON.parse(String(inputsOf(of, name).policy)) as { Statement: unknown[] }).Statement;

  before(async () => {
    smallest = await make(SMALLEST);
    fullest = await make(FULLEST);
  });

  it("makes exactly this for a bucket and nothing else", () => {
    assert.deepEqual(listed(smallest), {
      ...ALWAYS,
      "aws:s3/bucket:Bucket": "archive log-bucket",
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
        "archive-lifecycle log-bucket-lifecycle",
      "aws:s3/bucketLogging:BucketLogging": "logging-0",
      "aws:s3/bucketNotification:BucketNotification": "archive-new-objects new-objects",
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls":
        "archive-ownership log-bucket-ownership",
      "aws:s3/bucketPolicy:BucketPolicy": "archive-policy log-bucket-policy",
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":
        "archive-private log-bucket-private",
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        "archive-encryption log-bucket-encryption",
      "aws:sns/topic:Topic": "notices",
    });
  });

  it("makes exactly this when everything is said, and touches nothing of the user's bucket", () => {
    assert.deepEqual(listed(fullest), {
      ...ALWAYS,
      "aws:cloudwatch/eventRule:EventRule": "new-objects",
      "aws:cloudwatch/eventTarget:EventTarget": "new-objects-target",
      "aws:s3/bucket:Bucket": "archive",
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "archive-lifecycle",
      "aws:s3/bucketLogging:BucketLogging": "logging-0 logging-1",
      "aws:s3/bucketNotification:BucketNotification": "archive-new-objects",
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "archive-ownership",
      "aws:s3/bucketPolicy:BucketPolicy": "archive-policy",
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "archive-private",
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        "archive-encryption",
      "aws:sns/topicSubscription:TopicSubscription": "email-0",
    });
  });

  it("is the parent of all that it makes, beside an IntrusionPrevention too", async () => {
    const both = await register((opts) => {
      new IntrusionPrevention("edge", {}, opts);
      new S3AnomalyDetection("audit", SMALLEST, opts);
    });
    for (const { name, parent } of both)
      assert.equal(parent, ["edge", "audit"].includes(name) ? undefined : name.split("-")[0]);
    assert.equal(both.filter(({ parent }) => parent === "audit").length, smallest.length - 1);
    const urns = both.map(({ type, name }) => `${type} ${name}`);
    assert.equal(new Set(urns).size, urns.length);
  });

  it("gives each function these permissions and no other", () => {
    const allow = (Sid: string, Action: string[], Resource: string): object => ({
      Sid,
      Effect: "Allow",
      Action,
      Resource,
    });
    const logs = (of: string): object =>
      allow(
        "WriteLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        `${arnOf("cloudwatch", `audit-${of}-logs`)}:*`,
      );
    const receive = (queue: string): object =>
      allow(
        "ReceiveMessages",
        ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        arnOf("sqs", queue),
      );
    const archive = arnOf("s3", "audit-archive");
    assert.deepEqual(statementsOf(smallest, "parse-policy"), [
      logs("parse"),
      receive("audit-objects"),
      allow("ReadObjects", ["s3:GetObject"], `${arnOf("s3", "audit-log-bucket")}/s3/*`),
      allow("ListObjects", ["s3:ListBucket"], arnOf("s3", "audit-log-bucket")),
      allow("Deliver", ["firehose:PutRecordBatch"], arnOf("kinesis", "audit-logs")),
      allow("WriteObjects", ["s3:PutObject"], `${archive}/errors/quarantine/*`),
    ]);
    assert.deepEqual(statementsOf(smallest, "count-policy"), [
      logs("count"),
      receive("audit-archived"),
      allow("ReadObjects", ["s3:GetObject"], `${archive}/accesses/*`),
      allow("ListObjects", ["s3:ListBucket"], archive),
      allow(
        "AddToCounters",
        ["dynamodb:GetItem", "dynamodb:UpdateItem"],
        arnOf("dynamodb", "audit-counters"),
      ),
      allow(
        "KeepIncidents",
        ["dynamodb:PutItem", "dynamodb:Query"],
        arnOf("dynamodb", "audit-incidents"),
      ),
      allow("ReadExemptions", ["dynamodb:Scan"], arnOf("dynamodb", "audit-exemptions")),
      allow("Notify", ["sns:Publish"], arnOf("sns", "audit-notices")),
    ]);
    const incidents = arnOf("dynamodb", "audit-incidents");
    const close = allow("CloseIncidents", ["dynamodb:PutItem", "dynamodb:Query"], "");
    assert.deepEqual(statementsOf(smallest, "watch-policy"), [
      logs("watch"),
      { ...close, Resource: [incidents, `${incidents}/index/open`] },
      allow("Notify", ["sns:Publish"], arnOf("sns", "audit-notices")),
    ]);
    assert.deepEqual(
      statementsOf(fullest, "watch-policy")[1],
      allow(
        "HearHearts",
        ["dynamodb:GetItem", "dynamodb:PutItem"],
        arnOf("dynamodb", "audit-counters"),
      ),
    );
    for (const name of ["parse-policy", "count-policy"])
      assert.deepEqual(statementsOf(fullest, name).slice(-2), [
        allow("Encrypt", ["kms:Decrypt", "kms:GenerateDataKey"], KEY),
        allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
      ]);
  });

  it("lets S3's log delivery of this account write, and nobody come without TLS", () => {
    const bucket = arnOf("s3", "audit-log-bucket");
    assert.deepEqual(statementsOf(smallest, "log-bucket-policy"), [
      {
        Sid: "AcceptAccessLogs",
        Effect: "Allow",
        Principal: { Service: "logging.s3.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: `${bucket}/*`,
        Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
      },
      {
        Sid: "DenyPlainText",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucket, `${bucket}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
    assert.deepEqual(inputsOf(smallest, "log-bucket-encryption").rules, [
      { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, bucketKeyEnabled: false },
    ]);
  });

  it("hears of new log objects by the bucket's notifications, or by EventBridge", async () => {
    assert.deepEqual(inputsOf(smallest, "new-objects"), {
      bucket: "audit-log-bucket-id",
      queues: [
        {
          queueArn: arnOf("sqs", "audit-objects"),
          events: ["s3:ObjectCreated:*"],
          filterPrefix: "s3/",
        },
      ],
    });
    const rule = inputsOf(fullest, "new-objects", "eventRule");
    assert.deepEqual(JSON.parse(String(rule.eventPattern)), {
      source: ["aws.s3"],
      "detail-type": ["Object Created"],
      detail: { bucket: { name: ["company-logs"] }, object: { key: [{ prefix: "s3-access/" }] } },
    });
    const sender = (of: Registered[]): unknown =>
      (statementsOf(of, "objects-policy") as { Principal: unknown; Condition: unknown }[]).map(
        ({ Principal, Condition }) => [Principal, Condition],
      );
    assert.deepEqual(sender(smallest), [
      [
        { Service: "s3.amazonaws.com" },
        { ArnEquals: { "aws:SourceArn": arnOf("s3", "audit-log-bucket") } },
      ],
    ]);
    assert.deepEqual(sender(fullest), [
      [
        { Service: "events.amazonaws.com" },
        { ArnEquals: { "aws:SourceArn": arnOf("cloudwatch", "audit-new-objects") } },
      ],
    ]);
    const managed = await make({ logBucket: { name: "company-logs", manageNotifications: true } });
    assert.equal(inputsOf(managed, "new-objects").bucket, "company-logs");
  });

  it("switches logging on, by name or ARN, into a partitioned prefix", () => {
    assert.deepEqual(inputsOf(fullest, "logging-1"), {
      bucket: "invoices",
      targetBucket: "company-logs",
      targetPrefix: "s3-access/",
      targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: "DeliveryTime" } },
    });
  });

  it("takes messages with room for the functions' time, five tries, and a place for the rest", () => {
    assert.deepEqual(inputsOf(smallest, "parse-objects"), {
      eventSourceArn: arnOf("sqs", "audit-objects"),
      functionName: arnOf("lambda", "audit-parse"),
      batchSize: 10,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: 5 },
    });
    for (const [queue, fn] of [
      ["objects", "parse"],
      ["archived", "count"],
    ]) {
      const { visibilityTimeoutSeconds, redrivePolicy, sqsManagedSseEnabled } = inputsOf(
        smallest,
        queue,
      );
      assert.ok(visibilityTimeoutSeconds > inputsOf(smallest, fn).timeout);
      assert.equal(sqsManagedSseEnabled, true);
      assert.deepEqual(JSON.parse(String(redrivePolicy)), {
        deadLetterTargetArn: arnOf("sqs", `audit-${queue}-dead-letters`),
        maxReceiveCount: 5,
      });
    }
  });

  it("archives as gzip JSON lines by the hour, without a transformation", () => {
    const { extendedS3Configuration: delivery } = inputsOf(smallest, "logs", "firehose");
    assert.match(String(delivery.prefix), /^accesses\/year=!\{timestamp:yyyy\}/);
    assert.deepEqual(
      [delivery.compressionFormat, delivery.bufferingInterval, delivery.bufferingSize],
      ["GZIP", 300, 64],
    );
    assert.equal(delivery.processingConfiguration, undefined);
    assert.equal(inputsOf(fullest, "logs", "firehose").extendedS3Configuration.kmsKeyArn, KEY);
    assert.equal(inputsOf(smallest, "archive-new-objects").queues[0].filterPrefix, "accesses/");
  });

  it("archives as Parquet after the table's columns, and keeps the lines to be counted", () => {
    const delivery = inputsOf(fullest, "logs", "firehose").extendedS3Configuration;
    assert.deepEqual(
      [delivery.compressionFormat, delivery.fileExtension, delivery.bufferingSize],
      ["UNCOMPRESSED", ".parquet", 128],
    );
    assert.deepEqual(delivery.dataFormatConversionConfiguration, {
      inputFormatConfiguration: { deserializer: { openXJsonSerDe: {} } },
      outputFormatConfiguration: { serializer: { parquetSerDe: {} } },
      schemaConfiguration: {
        databaseName: "audit_archive_name",
        tableName: "accesses",
        roleArn: arnOf("iam", "audit-delivery-role"),
      },
    });
    assert.equal(delivery.s3BackupMode, "Enabled");
    assert.match(String(delivery.s3BackupConfiguration.prefix), /^lines\/year=/);
    assert.equal(delivery.s3BackupConfiguration.compressionFormat, "GZIP");
    assert.equal(inputsOf(fullest, "archive-new-objects").queues[0].filterPrefix, "lines/");
    const table = inputsOf(fullest, "accesses-table");
    assert.equal(table.parameters.classification, "parquet");
    assert.match(String(table.storageDescriptor.inputFormat), /MapredParquetInputFormat$/);
    assert.ok(
      (statementsOf(fullest, "delivery-policy") as { Sid: string }[]).some(
        ({ Sid }) => Sid === "ReadSchema",
      ),
    );
    const kept = inputsOf(fullest, "archive-lifecycle").rules as {
      filter: { prefix: string };
      expiration: { days: number };
    }[];
    assert.deepEqual(
      kept.map(({ filter, expiration }) => [filter.prefix, expiration.days]),
      [
        ["s3/", 365],
        ["errors/", 365],
        ["athena-results/", 7],
        ["lines/", 7],
      ],
    );
    assert.deepEqual(
      (statementsOf(fullest, "count-policy") as { Sid: string; Resource: string }[]).find(
        ({ Sid }) => Sid === "ReadObjects",
      )?.Resource,
      `${arnOf("s3", "audit-archive")}/lines/*`,
    );
  });

  it("shows what comes, how late, what is open and who is silent on one dashboard", () => {
    const titles = (of: Registered[]): string[] =>
      (
        JSON.parse(String(inputsOf(of, "dashboard").dashboardBody)) as {
          widgets: { properties: { title: string } }[];
        }
      ).widgets.map(({ properties }) => properties.title);
    assert.deepEqual(titles(fullest), [
      "Accesses",
      "From event to delivery (ms)",
      "Alerts",
      "Incidents open, buckets silent",
      "Hours since each bucket's log was heard of",
      "Share of lines that could not be parsed (%)",
      "Age of the queues (s)",
      "Dead letters, failed and missing objects",
      "Errors",
      "What costs: bytes in, function time (ms)",
    ]);
    assert.equal(titles(smallest).length, 9);
  });

  it("rings every alarm at the topic", () => {
    for (const [of, topic] of [
      [smallest, arnOf("sns", "audit-notices")],
      [fullest, TOPIC],
    ] as const) {
      const alarms = of.filter(({ type }) => type.endsWith(":MetricAlarm"));
      assert.equal(alarms.length, 11);
      for (const { inputs } of alarms) assert.deepEqual(inputs.alarmActions, [topic]);
    }
    assert.deepEqual(inputsOf(smallest, "objects-dead").dimensions, {
      QueueName: "audit-objects-dead-letters-name",
    });
  });

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ["buckets[1]", { buckets: ["photos", "Photos"] }, /name or ARN of a bucket, got "Photos"/],
    ["buckets", { buckets: ["logs"], logBucket: { name: "logs" } }, /logged again/],
    ["logBucket.name", { logBucket: { name: "s3://logs" } }, /name of a bucket/],
    ["logBucket.prefix", { logBucket: { name: "logs", prefix: "/s3" } }, /not begin with/],
    ["rules", { rules: NGINX_RULES }, /at least one rule on s3 logs, got 11 on others/],
    ["ipv6Prefix", { ipv6Prefix: 129 }, /16 to 128, got 129/],
    ["exempt", { exempt: [{ where: { bucket: ["x"] } }] }, /exempt\[0\]: "reason" must say why/],
    ["exempt", { exempt: [{ where: {}, reason: "r" }] }, /"where" must name at least one field/],
    ["exempt", { exempt: [{ where: { colour: "red" }, reason: "r" }] }, /colour/],
    [
      "exempt",
      { exempt: [{ where: { bucket: "x" }, reason: "r", until: "soon" }] },
      /"until" must be a date/,
    ],
    ["heartbeat[0].hours", { heartbeat: [{ bucket: "photos", hours: 0 }] }, /1 to 168, got 0/],
    ["heartbeat[0].bucket", { heartbeat: [{ bucket: "", hours: 1 }] }, /name or ARN/],
    ["latenessHours", { latenessHours: 2 }, /3 to 168, got 2/],
    ["quietMinutes", { quietMinutes: 0 }, /1 to 1440, got 0/],
    ["notify.emails[0]", { notify: { emails: ["x"] } }, /e-mail address/],
    ["archive.prefix", { archive: { prefix: "x" } }, /end in "\/"/],
    ["logRetentionDays", { logRetentionDays: 2 }, /one of 1, 3/],
  ];
  for (const [propertyPath, args, reason] of wrong) {
    it(`refuses ${JSON.stringify(args).slice(0, 80)}`, async () => {
      let thrown: unknown;
      await register((opts) => {
        try {
          new S3AnomalyDetection("audit", args as S3AnomalyDetectionArgs, opts);
        } catch (error) {
          thrown = error;
        }
      });
      assert.ok(thrown instanceof pulumi.InputPropertyError);
      assert.equal(thrown.propertyPath, propertyPath);
      assert.match(thrown.message, reason);
    });
  }
});
