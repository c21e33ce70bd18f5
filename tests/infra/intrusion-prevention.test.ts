import assert from "node:assert/strict";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import type { IntrusionPreventionArgs } from "../../infra/intrusion-prevention-args";
import { FULLEST, inputsOf, KEY, make, SMALLEST, TOPIC } from "../support/intrusion-prevention";
import { arnOf, type Registered } from "../support/mocks";

/** What both calls make, by type, without the component's name. */
const ALWAYS: Readonly<Record<string, string>> = {
  "aws:athena/namedQuery:NamedQuery": "one-address one-path top-clients",
  "aws:athena/workgroup:Workgroup": "queries",
  "aws:cloudwatch/dashboard:Dashboard": "dashboard",
  "aws:cloudwatch/logGroup:LogGroup": "act-logs count-logs delivery-logs expire-logs parse-logs",
  "aws:cloudwatch/logStream:LogStream": "delivery-errors",
  "aws:cloudwatch/metricAlarm:MetricAlarm":
    "act-errors act-late archive-late count-errors count-late expire-errors failed-batches failed-records " +
    "mass-block no-expiry no-logs parse-errors sets-failing sets-filling sets-full unforwarded unparsed",
  "aws:dynamodb/table:Table": "decisions",
  "aws:glue/catalogDatabase:CatalogDatabase": "database",
  "aws:glue/catalogTable:CatalogTable": "requests-table",
  "aws:iam/role:Role": "act-role count-role delivery-role expire-role parse-role schedule-role",
  "aws:iam/rolePolicy:RolePolicy":
    "act-policy count-policy delivery-policy expire-policy parse-policy schedule-policy",
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "logs",
  "aws:kinesis/stream:Stream": "findings requests",
  "aws:lambda/eventSourceMapping:EventSourceMapping": "act-findings count-requests",
  "aws:lambda/function:Function": "act count expire parse",
  "aws:s3/bucket:Bucket": "archive",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "archive-lifecycle",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "archive-ownership",
  "aws:s3/bucketPolicy:BucketPolicy": "archive-policy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "archive-private",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    "archive-encryption",
  "aws:scheduler/schedule:Schedule": "every-minute",
  "aws:sqs/queue:Queue": "failures",
};
const SETS = "allow-ipv4 allow-ipv6 block-ipv4 block-ipv6 count-ipv4 count-ipv6";

/** Names by type, as in `ALWAYS`. */
function listed(seen: readonly Registered[]): Record<string, string> {
  const byType = new Map<string, string[]>();
  for (const { type, name } of seen.filter(({ parent }) => parent !== undefined)) {
    byType.set(type, [...(byType.get(type) ?? []), name.replace(/^edge-/, "")]);
  }
  return Object.fromEntries([...byType].map(([type, names]) => [type, names.join(" ")]));
}

describe("IntrusionPrevention", () => {
  let smallest: Registered[];
  let fullest: Registered[];

  before(async () => {
    smallest = await make(SMALLEST);
    fullest = await make(FULLEST);
  });

  it("makes exactly this for a load balancer and nothing else", () => {
    assert.deepEqual(listed(smallest), {
      ...ALWAYS,
      "aws:sns/topic:Topic": "notices",
      "aws:wafv2/ipSet:IpSet": SETS,
      "aws:wafv2/webAcl:WebAcl": "web-acl",
      "aws:wafv2/webAclAssociation:WebAclAssociation": "protect-0",
      "aws:wafv2/webAclRule:WebAclRule": "block-rule count-rule rate-limit-rule",
    });
  });

  it("makes exactly this when everything is said", () => {
    assert.deepEqual(listed(fullest), {
      ...ALWAYS,
      "aws:sns/topicSubscription:TopicSubscription": "email-0 email-1",
      "aws:wafv2/ipSet:IpSet": SETS,
      "aws:wafv2/webAclAssociation:WebAclAssociation": "protect-0",
      "aws:wafv2/webAclRule:WebAclRule": "block-rule count-rule",
    });
  });

  it("is the parent of all that it makes", () => {
    for (const seen of [smallest, fullest]) {
      const orphans = seen.filter(({ parent, name }) => parent !== "edge" && name !== "edge");
      assert.deepEqual(orphans, []);
    }
  });

  it("makes sets for the modes in use, under the ceiling", async () => {
    const setsWith = async (args: IntrusionPreventionArgs): Promise<string | undefined> =>
      listed(await make(args))["aws:wafv2/ipSet:IpSet"];
    const [rule] = NGINX_RULES;
    assert.equal(
      await setsWith({ mode: "challenge" }),
      "allow-ipv4 allow-ipv6 challenge-ipv4 challenge-ipv6 count-ipv4 count-ipv6",
    );
    assert.equal(await setsWith({ mode: "count" }), "allow-ipv4 allow-ipv6 count-ipv4 count-ipv6");
    assert.equal(await setsWith({ rules: [{ ...rule, mode: "observe" }] }), undefined);
    assert.equal(
      await setsWith({
        rules: [
          { ...rule, name: "a", mode: "block" },
          { ...rule, name: "b", mode: "challenge" },
        ],
      }),
      "allow-ipv4 allow-ipv6 block-ipv4 block-ipv6 challenge-ipv4 challenge-ipv6 count-ipv4 count-ipv6",
    );
  });

  it("makes nothing of WAF with the ceiling observe, and lets nobody write to it", async () => {
    const seen = await make({ ...SMALLEST, mode: "observe" });
    assert.deepEqual(
      seen.filter(({ type }) => type.startsWith("aws:wafv2")),
      [],
    );
    const policies = seen.filter(({ type }) => type.endsWith("RolePolicy"));
    assert.ok(
      !JSON.stringify(policies.map(({ inputs }) => String(inputs.policy))).includes("wafv2"),
    );
  });

  describe("wiring", () => {
    it("gives each function its role, its log group and the same machine", () => {
      const machines = { parse: [1024, 60], count: [1024, 60], act: [512, 60], expire: [512, 55] };
      for (const [name, [memorySize, timeout]] of Object.entries(machines)) {
        // eslint-disable-next-line @typescript-eslint/no-unused-vars
        const { code, ...inputs } = inputsOf(smallest, name);
        assert.deepEqual(inputs, {
          architectures: ["arm64"],
          handler: "__index.handler",
          loggingConfig: {
            logFormat: "JSON",
            systemLogLevel: "WARN",
            logGroup: `edge-${name}-logs-name`,
          },
          memorySize,
          role: arnOf("iam", `edge-${name}-role`),
          runtime: "nodejs24.x",
          timeout,
        });
        assert.equal(inputsOf(smallest, `${name}-policy`).role, `edge-${name}-role-name`);
        assert.equal(inputsOf(smallest, `${name}-logs`).retentionInDays, 30);
        assert.equal(inputsOf(fullest, `${name}-logs`).retentionInDays, 7);
      }
    });

    it("delivers gzip JSON lines by the hour, through the parse callback", () => {
      assert.deepEqual(inputsOf(smallest, "logs"), {
        destination: "extended_s3",
        serverSideEncryption: { enabled: true, keyType: "AWS_OWNED_CMK" },
        extendedS3Configuration: {
          roleArn: arnOf("iam", "edge-delivery-role"),
          bucketArn: arnOf("s3", "edge-archive"),
          prefix:
            "requests/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/",
          errorOutputPrefix:
            "errors/!{firehose:error-output-type}/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/",
          compressionFormat: "GZIP",
          fileExtension: ".json.gz",
          bufferingSize: 64,
          bufferingInterval: 300,
          cloudwatchLoggingOptions: {
            enabled: true,
            logGroupName: "edge-delivery-logs-name",
            logStreamName: "edge-delivery-errors-name",
          },
          processingConfiguration: {
            enabled: true,
            processors: [
              {
                type: "Lambda",
                parameters: [
                  {
                    parameterName: "LambdaArn",
                    parameterValue: `${arnOf("lambda", "edge-parse")}:$LATEST`,
                  },
                  { parameterName: "BufferIntervalInSeconds", parameterValue: "2" },
                ],
              },
            ],
          },
        },
      });
      const full = inputsOf(fullest, "logs").extendedS3Configuration;
      assert.match(String(full.prefix), /^edge\/logs\/year=/);
      assert.equal(full.kmsKeyArn, KEY);
      // 60 seconds are AWS's default, which would show a difference on every run.
      assert.equal(full.processingConfiguration.processors[0].parameters.length, 1);
    });

    it("counts and acts with bounded retries and a place for what fails", () => {
      assert.deepEqual(inputsOf(smallest, "count-requests"), {
        eventSourceArn: arnOf("kinesis", "edge-requests"),
        functionName: arnOf("lambda", "edge-count"),
        startingPosition: "TRIM_HORIZON",
        batchSize: 100,
        maximumBatchingWindowInSeconds: 1,
        tumblingWindowInSeconds: 900,
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: 3,
        maximumRecordAgeInSeconds: 900,
        functionResponseTypes: ["ReportBatchItemFailures"],
        destinationConfig: { onFailure: { destinationArn: arnOf("sqs", "edge-failures") } },
      });
      assert.deepEqual(inputsOf(smallest, "act-findings"), {
        eventSourceArn: arnOf("kinesis", "edge-findings"),
        functionName: arnOf("lambda", "edge-act"),
        startingPosition: "TRIM_HORIZON",
        batchSize: 100,
        maximumBatchingWindowInSeconds: 1,
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: -1,
        maximumRecordAgeInSeconds: 900,
        destinationConfig: { onFailure: { destinationArn: arnOf("sqs", "edge-failures") } },
      });
      assert.deepEqual(inputsOf(smallest, "every-minute"), {
        scheduleExpression: "rate(1 minute)",
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: arnOf("lambda", "edge-expire"),
          roleArn: arnOf("iam", "edge-schedule-role"),
          retryPolicy: { maximumRetryAttempts: 0 },
        },
      });
    });

    it("keeps streams at one shard each, or the requests stream on demand", () => {
      const shared = { retentionPeriod: 24, encryptionType: "KMS", kmsKeyId: "alias/aws/kinesis" };
      const oneShard = {
        ...shared,
        shardCount: 1,
        streamModeDetails: { streamMode: "PROVISIONED" },
      };
      assert.deepEqual(inputsOf(smallest, "requests"), oneShard);
      assert.deepEqual(inputsOf(smallest, "findings"), oneShard);
      assert.deepEqual(inputsOf(fullest, "requests"), {
        ...shared,
        streamModeDetails: { streamMode: "ON_DEMAND" },
      });
      assert.deepEqual(inputsOf(fullest, "findings"), oneShard);
    });

    it("remembers decisions with point-in-time recovery, by client and by what is in force", () => {
      assert.deepEqual(inputsOf(smallest, "decisions"), {
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
            name: "in-force",
            keySchemas: [
              { attributeName: "action", keyType: "HASH" },
              { attributeName: "until", keyType: "RANGE" },
            ],
            projectionType: "ALL",
          },
        ],
        pointInTimeRecovery: { enabled: true },
        ttl: { attributeName: "expiresAt", enabled: true },
      });
    });

    it("makes SQL of the archive where the archive is", () => {
      const table = inputsOf(fullest, "requests-table");
      assert.equal(table.databaseName, "edge_archive_name");
      assert.equal(
        table.parameters["storage.location.template"],
        "s3://edge-archive-name/edge/logs/year=${year}/month=${month}/day=${day}/hour=${hour}/",
      );
      assert.equal(table.storageDescriptor.location, "s3://edge-archive-name/edge/logs/");
      assert.equal(inputsOf(smallest, "top-clients").database, "edge_archive_name");
      assert.equal(inputsOf(smallest, "top-clients").workgroup, "edge-queries-id");
      assert.equal(
        inputsOf(smallest, "queries").configuration.resultConfiguration.outputLocation,
        "s3://edge-archive-name/athena-results/",
      );
    });
  });

  it("keeps what failed for two weeks, encrypted, and errors of delivery as long as the other logs", () => {
    assert.deepEqual(inputsOf(smallest, "failures"), {
      messageRetentionSeconds: 14 * 24 * 3600,
      sqsManagedSseEnabled: true,
    });
    assert.equal(inputsOf(smallest, "delivery-logs").retentionInDays, 30);
    assert.equal(inputsOf(smallest, "delivery-errors").logGroupName, "edge-delivery-logs-name");
  });

  it("subscribes the addresses to the topic that there is", () => {
    assert.deepEqual(inputsOf(fullest, "email-1"), {
      topic: TOPIC,
      protocol: "email",
      endpoint: "security@example.com",
    });
  });

  it("shows everything on one dashboard", () => {
    const { dashboardBody, dashboardName } = inputsOf(smallest, "dashboard");
    assert.equal(dashboardName, "edge-dev");
    const { widgets } = JSON.parse(dashboardBody as string) as {
      widgets: { properties: { title: string; region: string; metrics: string[][] } }[];
    };
    assert.deepEqual(
      widgets.map(({ properties }) => properties.title),
      [
        "Requests",
        "Findings and blocks",
        "From log line to parse, and to block (ms)",
        "Decisions in force; fill of the fullest set (%)",
        "Share of lines that could not be parsed (%)",
        "Requests that could not be counted",
        "Age of the streams (ms)",
        "Errors",
        "What costs: bytes in, function time (ms)",
      ],
    );
    for (const { properties } of widgets) assert.equal(properties.region, "eu-west-1");
    assert.deepEqual(widgets[6].properties.metrics, [
      ["AWS/Lambda", "IteratorAge", "FunctionName", "edge-count-name"],
      ["AWS/Lambda", "IteratorAge", "FunctionName", "edge-act-name"],
    ]);
  });
});
