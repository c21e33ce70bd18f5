import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { IntrusionPrevention } from "../../infra/intrusion-prevention";
import type { IntrusionPreventionArgs } from "../../infra/intrusion-prevention-args";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import { S3_RULES } from "../../functions/rules/s3-rules";
import { arnOf, register, type Registered } from "../support/mocks";

const LOAD_BALANCER =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/0123456789abcdef";
const WEB_ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shared/0123";
const KEY = "arn:aws:kms:eu-west-1:123456789012:key/0123";
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall";

const SMALLEST: IntrusionPreventionArgs = { protect: [LOAD_BALANCER] };
const FULLEST: IntrusionPreventionArgs = {
  rules: [...NGINX_RULES, ...S3_RULES],
  mode: "block",
  allow: ["203.0.113.0/28", "2001:db8:ffff::/48", "203.0.113.1/28"],
  trust: ["alb", "cloudfront"],
  ipv4Prefix: 24,
  ipv6Prefix: 56,
  maxBlocksPerMinute: 50,
  scope: "REGIONAL",
  webAcl: WEB_ACL,
  protect: [LOAD_BALANCER],
  rulePriority: 10,
  blockResponse: { status: 429 },
  rateLimit: false,
  forwardedIp: { headerName: "X-Forwarded-For", position: "LAST" },
  archive: { retentionDays: 30, prefix: "edge/logs/", kmsKeyArn: KEY },
  stream: "ON_DEMAND",
  parseBufferSeconds: 60,
  logFormat: "json",
  notify: { topicArn: TOPIC, emails: ["oncall@example.com", "security@example.com"] },
  silentMinutes: 5,
  logRetentionDays: 7,
  tracing: true,
};

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

const make = (args: IntrusionPreventionArgs): Promise<Registered[]> =>
  register((opts) => new IntrusionPrevention("edge", args, opts));

/** Names by type, as in `ALWAYS`. */
function listed(seen: readonly Registered[]): Record<string, string> {
  const byType = new Map<string, string[]>();
  for (const { type, name } of seen.filter(({ parent }) => parent !== undefined)) {
    byType.set(type, [...(byType.get(type) ?? []), name.replace(/^edge-/, "")]);
  }
  return Object.fromEntries([...byType].map(([type, names]) => [type, names.join(" ")]));
}

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

const READ_STREAM = [
  "kinesis:DescribeStream",
  "kinesis:DescribeStreamSummary",
  "kinesis:GetRecords",
  "kinesis:GetShardIterator",
  "kinesis:ListShards",
];
const WRITE_LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"];
const SET_ARNS = ["block-ipv4", "block-ipv6", "count-ipv4", "count-ipv6"].map((set) =>
  arnOf("wafv2", `edge-${set}`),
);

describe("IntrusionPrevention", () => {
  let smallest: Registered[];
  let fullest: Registered[];
  const inputsOf = (name: string, of = smallest): Registered["inputs"] => {
    const found = of.find((one) => one.name === `edge-${name}`);
    assert.ok(found, name);
    return found.inputs;
  };
  const statementsOf = (name: string, of = smallest): Statement[] =>
    (JSON.parse(inputsOf(name, of).policy as string) as { Statement: Statement[] }).Statement;

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

  describe("permissions", () => {
    const table = arnOf("dynamodb", "edge-decisions");
    const EXPECTED: Readonly<Record<string, readonly (readonly [readonly string[], unknown])[]>> = {
      "parse-policy": [
        [WRITE_LOGS, `${arnOf("cloudwatch", "edge-parse-logs")}:*`],
        [["kinesis:PutRecords"], arnOf("kinesis", "edge-requests")],
      ],
      "count-policy": [
        [WRITE_LOGS, `${arnOf("cloudwatch", "edge-count-logs")}:*`],
        [READ_STREAM, arnOf("kinesis", "edge-requests")],
        [["kinesis:PutRecords"], arnOf("kinesis", "edge-findings")],
        [["sqs:SendMessage"], arnOf("sqs", "edge-failures")],
      ],
      "act-policy": [
        [WRITE_LOGS, `${arnOf("cloudwatch", "edge-act-logs")}:*`],
        [READ_STREAM, arnOf("kinesis", "edge-findings")],
        [["sqs:SendMessage"], arnOf("sqs", "edge-failures")],
        [["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], table],
        [["dynamodb:Query"], `${table}/index/in-force`],
        [["wafv2:GetIPSet", "wafv2:UpdateIPSet"], SET_ARNS],
        [["sns:Publish"], arnOf("sns", "edge-notices")],
      ],
      "expire-policy": [
        [WRITE_LOGS, `${arnOf("cloudwatch", "edge-expire-logs")}:*`],
        [["dynamodb:GetItem", "dynamodb:PutItem"], table],
        [["dynamodb:Query"], `${table}/index/in-force`],
        [["wafv2:GetIPSet", "wafv2:UpdateIPSet"], SET_ARNS],
        [["sns:Publish"], arnOf("sns", "edge-notices")],
      ],
      "delivery-policy": [
        [
          [
            "s3:AbortMultipartUpload",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:PutObject",
          ],
          [arnOf("s3", "edge-archive"), `${arnOf("s3", "edge-archive")}/*`],
        ],
        [
          ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
          `${arnOf("lambda", "edge-parse")}:*`,
        ],
        [["logs:PutLogEvents"], `${arnOf("cloudwatch", "edge-delivery-logs")}:log-stream:*`],
      ],
      "schedule-policy": [[["lambda:InvokeFunction"], arnOf("lambda", "edge-expire")]],
    };
    for (const [name, expected] of Object.entries(EXPECTED)) {
      it(`${name}: these statements and no other`, () => {
        assert.deepEqual(
          statementsOf(name).map(({ Action, Resource }) => [Action, Resource]),
          expected,
        );
      });
    }

    it("adds what tracing and a key of one's own need, and no managed policy", () => {
      for (const name of ["parse", "count", "act", "expire"]) {
        assert.deepEqual(statementsOf(`${name}-policy`, fullest).at(-1), {
          Sid: "Trace",
          Effect: "Allow",
          Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
          Resource: "*",
        });
        assert.deepEqual(inputsOf(name, fullest).tracingConfig, { mode: "Active" });
        assert.deepEqual(Object.keys(inputsOf(`${name}-role`, fullest) as object), [
          "assumeRolePolicy",
        ]);
      }
      assert.deepEqual(statementsOf("delivery-policy", fullest).at(-1), {
        Sid: "Encrypt",
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: KEY,
      });
    });

    it("lets one AWS service take on each role", () => {
      const services = smallest
        .filter(({ type }) => type === "aws:iam/role:Role")
        .map(({ name, inputs }) => [
          name,
          (
            JSON.parse(inputs.assumeRolePolicy as string) as {
              Statement: [{ Principal: { Service: string } }];
            }
          ).Statement[0].Principal.Service,
        ]);
      assert.deepEqual(Object.fromEntries(services), {
        "edge-act-role": "lambda.amazonaws.com",
        "edge-count-role": "lambda.amazonaws.com",
        "edge-delivery-role": "firehose.amazonaws.com",
        "edge-expire-role": "lambda.amazonaws.com",
        "edge-parse-role": "lambda.amazonaws.com",
        "edge-schedule-role": "scheduler.amazonaws.com",
      });
    });
  });

  describe("wiring", () => {
    it("gives each function its role, its log group and the same machine", () => {
      const machines = { parse: [1024, 60], count: [1024, 60], act: [512, 60], expire: [512, 55] };
      for (const [name, [memorySize, timeout]] of Object.entries(machines)) {
        // eslint-disable-next-line @typescript-eslint/no-unused-vars
        const { code, ...inputs } = inputsOf(name);
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
        assert.equal(inputsOf(`${name}-policy`).role, `edge-${name}-role-name`);
        assert.equal(inputsOf(`${name}-logs`).retentionInDays, 30);
        assert.equal(inputsOf(`${name}-logs`, fullest).retentionInDays, 7);
      }
    });

    it("delivers gzip JSON lines by the hour, through the parse callback", () => {
      assert.deepEqual(inputsOf("logs"), {
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
      const full = inputsOf("logs", fullest).extendedS3Configuration;
      assert.match(String(full.prefix), /^edge\/logs\/year=/);
      assert.equal(full.kmsKeyArn, KEY);
      // 60 seconds are AWS's default, which would show a difference on every run.
      assert.equal(full.processingConfiguration.processors[0].parameters.length, 1);
    });

    it("counts and acts with bounded retries and a place for what fails", () => {
      assert.deepEqual(inputsOf("count-requests"), {
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
      assert.deepEqual(inputsOf("act-findings"), {
        eventSourceArn: arnOf("kinesis", "edge-findings"),
        functionName: arnOf("lambda", "edge-act"),
        startingPosition: "TRIM_HORIZON",
        batchSize: 100,
        maximumBatchingWindowInSeconds: 1,
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: 5,
        maximumRecordAgeInSeconds: 3600,
        destinationConfig: { onFailure: { destinationArn: arnOf("sqs", "edge-failures") } },
      });
      assert.deepEqual(inputsOf("every-minute"), {
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
      assert.deepEqual(inputsOf("requests"), oneShard);
      assert.deepEqual(inputsOf("findings"), oneShard);
      assert.deepEqual(inputsOf("requests", fullest), {
        ...shared,
        streamModeDetails: { streamMode: "ON_DEMAND" },
      });
      assert.deepEqual(inputsOf("findings", fullest), oneShard);
    });

    it("remembers decisions with point-in-time recovery, by client and by what is in force", () => {
      assert.deepEqual(inputsOf("decisions"), {
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
      const table = inputsOf("requests-table", fullest);
      assert.equal(table.databaseName, "edge_archive_name");
      assert.equal(
        table.parameters["storage.location.template"],
        "s3://edge-archive-name/edge/logs/year=${year}/month=${month}/day=${day}/hour=${hour}/",
      );
      assert.equal(table.storageDescriptor.location, "s3://edge-archive-name/edge/logs/");
      assert.equal(inputsOf("top-clients").database, "edge_archive_name");
      assert.equal(inputsOf("top-clients").workgroup, "edge-queries-id");
      assert.equal(
        inputsOf("queries").configuration.resultConfiguration.outputLocation,
        "s3://edge-archive-name/athena-results/",
      );
    });
  });

  describe("the archive bucket", () => {
    it("is private, encrypted, and forgets", () => {
      assert.deepEqual(inputsOf("archive-private"), {
        bucket: "edge-archive-id",
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
      assert.deepEqual(inputsOf("archive-ownership").rule, {
        objectOwnership: "BucketOwnerEnforced",
      });
      assert.deepEqual(inputsOf("archive-encryption").rules, [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
          bucketKeyEnabled: false,
        },
      ]);
      assert.deepEqual(inputsOf("archive-encryption", fullest).rules, [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: KEY },
          bucketKeyEnabled: true,
        },
      ]);
      const kept = (of: Registered[]): unknown[] =>
        (
          inputsOf("archive-lifecycle", of).rules as {
            filter: { prefix: string };
            expiration: { days: number };
          }[]
        ).map(({ filter, expiration }) => [filter.prefix, expiration.days]);
      assert.deepEqual(kept(smallest), [
        ["requests/", 90],
        ["errors/", 90],
        ["athena-results/", 7],
      ]);
      assert.deepEqual(kept(fullest)[0], ["edge/logs/", 30]);
    });

    it("refuses whoever comes without TLS", () => {
      const [statement] = statementsOf("archive-policy");
      assert.deepEqual(statement, {
        Sid: "DenyPlainText",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [arnOf("s3", "edge-archive"), `${arnOf("s3", "edge-archive")}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      });
    });
  });

  describe("the web ACL", () => {
    const reference = (set: string, forwarded?: object): object => ({
      ipSetReferenceStatement: { arn: arnOf("wafv2", `edge-${set}`), ...forwarded },
    });
    const statement = (action: string, forwarded?: object): object => ({
      andStatement: {
        statements: [
          {
            orStatement: {
              statements: [
                reference(`${action}-ipv4`, forwarded),
                reference(`${action}-ipv6`, forwarded),
              ],
            },
          },
          {
            notStatement: {
              statement: {
                orStatement: {
                  statements: [
                    reference("allow-ipv4", forwarded),
                    reference("allow-ipv6", forwarded),
                  ],
                },
              },
            },
          },
        ],
      },
    });
    const seen = (metricName: string): object => ({
      metricName,
      cloudwatchMetricsEnabled: true,
      sampledRequestsEnabled: true,
    });

    it("blocks who is in the sets and not allowed, and counts the others", () => {
      assert.deepEqual(inputsOf("block-rule"), {
        name: "edge-dev-block",
        webAclArn: arnOf("wafv2", "edge-web-acl"),
        priority: 0,
        action: { block: { customResponse: { responseCode: 403 } } },
        statement: statement("block"),
        visibilityConfig: seen("edge-dev-block"),
      });
      assert.deepEqual(inputsOf("count-rule"), {
        name: "edge-dev-count",
        webAclArn: arnOf("wafv2", "edge-web-acl"),
        priority: 1,
        action: { count: {} },
        statement: statement("count"),
        visibilityConfig: seen("edge-dev-count"),
      });
      assert.deepEqual(inputsOf("protect-0"), {
        webAclArn: arnOf("wafv2", "edge-web-acl"),
        resourceArn: LOAD_BALANCER,
      });
    });

    it("limits the rate natively, but not of those who are allowed", () => {
      const { priority, action, statement: limit } = inputsOf("rate-limit-rule");
      assert.equal(priority, 2);
      assert.deepEqual(action, { block: { customResponse: { responseCode: 403 } } });
      assert.equal(limit.rateBasedStatement.limit, 3000);
      assert.equal(limit.rateBasedStatement.evaluationWindowSec, 60);
      assert.equal(limit.rateBasedStatement.aggregateKeyType, "IP");
      assert.ok("notStatement" in (limit.rateBasedStatement.scopeDownStatement as object));
    });

    it("only counts at the limit when the ceiling is count", async () => {
      const counting = await make({ mode: "count" });
      assert.deepEqual(inputsOf("rate-limit-rule", counting).action, { count: {} });
    });

    it("adds its rules to an ACL that exists, and looks at the forwarded address", () => {
      const forwarded = {
        ipSetForwardedIpConfig: {
          headerName: "X-Forwarded-For",
          position: "LAST",
          fallbackBehavior: "NO_MATCH",
        },
      };
      assert.deepEqual(inputsOf("block-rule", fullest), {
        name: "edge-dev-block",
        webAclArn: WEB_ACL,
        priority: 10,
        action: { block: { customResponse: { responseCode: 429 } } },
        statement: statement("block", forwarded),
        visibilityConfig: seen("edge-dev-block"),
      });
      assert.equal(inputsOf("protect-0", fullest).webAclArn, WEB_ACL);
    });

    it("looks at the last forwarded address behind CloudFront, without being told", async () => {
      const behind = await make({ trust: ["alb", "cloudfront"] });
      assert.deepEqual(
        inputsOf("block-rule", behind).statement,
        statement("block", {
          ipSetForwardedIpConfig: {
            headerName: "X-Forwarded-For",
            position: "LAST",
            fallbackBehavior: "NO_MATCH",
          },
        }),
      );
      assert.ok(!behind.some(({ name }) => name === "edge-rate-limit-rule"));
    });

    it("lives in us-east-1 for CloudFront", async () => {
      const cloudFront = await make({ scope: "CLOUDFRONT" });
      const waf = cloudFront.filter(({ type }) => type.startsWith("aws:wafv2"));
      assert.equal(waf.length, 10);
      for (const { inputs } of waf) assert.equal(inputs.region, "us-east-1");
    });

    it("answers with a body of the user's", async () => {
      const withBody = await make({ blockResponse: { status: 429, body: '{"error":"blocked"}' } });
      assert.deepEqual(inputsOf("web-acl", withBody).customResponseBodies, [
        { key: "floodgate-block", content: '{"error":"blocked"}', contentType: "APPLICATION_JSON" },
      ]);
      assert.deepEqual(inputsOf("block-rule", withBody).action, {
        block: { customResponse: { responseCode: 429, customResponseBodyKey: "floodgate-block" } },
      });
    });

    it("leaves the contents of the sets to the callbacks, and only theirs", () => {
      const ignored = smallest
        .filter(({ type }) => type === "aws:wafv2/ipSet:IpSet")
        .map(({ name, opts, inputs }) => [name, opts.ignoreChanges, inputs.addresses as unknown]);
      assert.deepEqual(ignored, [
        ["edge-allow-ipv4", undefined, []],
        ["edge-allow-ipv6", undefined, []],
        ["edge-block-ipv4", ["addresses"], []],
        ["edge-block-ipv6", ["addresses"], []],
        ["edge-count-ipv4", ["addresses"], []],
        ["edge-count-ipv6", ["addresses"], []],
      ]);
      assert.deepEqual(inputsOf("allow-ipv4", fullest).addresses, ["203.0.113.0/28"]);
      assert.deepEqual(inputsOf("allow-ipv6", fullest).addresses, ["2001:db8:ffff::/48"]);
    });
  });

  describe("alarms", () => {
    it("all ring at the topic, and say when they are over", () => {
      for (const [of, topic] of [
        [smallest, arnOf("sns", "edge-notices")],
        [fullest, TOPIC],
      ] as const) {
        const alarms = of.filter(({ type }) => type.endsWith(":MetricAlarm"));
        assert.equal(alarms.length, 17);
        for (const { inputs } of alarms) {
          assert.deepEqual(inputs.alarmActions, [topic]);
          assert.deepEqual(inputs.okActions, [topic]);
          assert.match(String(inputs.alarmDescription), /[.]$/);
        }
      }
    });

    it("ring when nothing comes at all", () => {
      const { metricName, threshold, comparisonOperator, period, treatMissingData, dimensions } =
        inputsOf("no-logs", fullest);
      assert.deepEqual(
        { metricName, threshold, comparisonOperator, period, treatMissingData, dimensions },
        {
          metricName: "IncomingRecords",
          threshold: 1,
          comparisonOperator: "LessThanThreshold",
          period: 300,
          treatMissingData: "breaching",
          dimensions: { DeliveryStreamName: "edge-logs-name" },
        },
      );
    });

    it("watch the metrics that the callbacks report", () => {
      const own = smallest.filter(({ inputs }) => inputs.namespace === "Floodgate");
      assert.deepEqual(
        own.map(({ name, inputs }) => [
          name,
          inputs.metricName as string,
          inputs.threshold as number,
        ]),
        [
          ["edge-failed-records", "RecordsFailed", 0],
          ["edge-mass-block", "MassBlocks", 0],
          ["edge-no-expiry", "DecisionsInForce", 1],
          ["edge-sets-failing", "IpSetFailures", 0],
          ["edge-sets-filling", "IpSetFillPercent", 70],
          ["edge-sets-full", "IpSetFillPercent", 90],
          ["edge-unforwarded", "RequestsUnforwarded", 0],
        ],
      );
      for (const { inputs } of own) assert.deepEqual(inputs.dimensions, { Component: "edge-dev" });
    });
  });

  it("shows everything on one dashboard", () => {
    const { dashboardBody, dashboardName } = inputsOf("dashboard");
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
        "Lines that could not be parsed, requests that could not be counted",
        "Age of the streams (ms)",
        "Errors",
        "What costs: bytes in, function time (ms)",
      ],
    );
    for (const { properties } of widgets) assert.equal(properties.region, "eu-west-1");
    assert.deepEqual(widgets[5].properties.metrics, [
      ["AWS/Lambda", "IteratorAge", "FunctionName", "edge-count-name"],
      ["AWS/Lambda", "IteratorAge", "FunctionName", "edge-act-name"],
    ]);
  });

  describe("arguments", () => {
    const [rule] = NGINX_RULES;
    const wrong: readonly (readonly [string, unknown, RegExp])[] = [
      ["rules", { rules: [{ ...rule, withinSeconds: 0 }] }, /withinSeconds/],
      ["rules", { rules: S3_RULES }, /at least one rule on nginx logs, got 4 on others/],
      ["mode", { mode: "ban" }, /one of observe, count, challenge, block, got "ban"/],
      ["allow[1]", { allow: ["192.0.2.1", "office"] }, /CIDR block.*got "office"/],
      ["allow[0]", { allow: ["0.0.0.0/0"] }, /not \/0/],
      ["trust[0]", { trust: ["everybody"] }, /hops.*got "everybody"/],
      ["ipv4Prefix", { ipv4Prefix: 33 }, /8 to 32, got 33/],
      ["ipv6Prefix", { ipv6Prefix: 8 }, /16 to 128, got 8/],
      ["maxBlocksPerMinute", { maxBlocksPerMinute: 0 }, /1 to 10000, got 0/],
      ["scope", { scope: "GLOBAL" }, /REGIONAL, CLOUDFRONT, got "GLOBAL"/],
      ["webAcl", { webAcl: "shared" }, /an ARN of wafv2, got "shared"/],
      ["protect[0]", { protect: ["web"] }, /an ARN of elasticloadbalancing/],
      ["protect", { scope: "CLOUDFRONT", protect: [LOAD_BALANCER] }, /webAclId/],
      ["rulePriority", { rulePriority: -1 }, /0 to 1000000, got -1/],
      ["blockResponse.status", { blockResponse: { status: 99 } }, /200 to 599, got 99/],
      [
        "blockResponse.body",
        { blockResponse: { status: 403, body: "" } },
        /1 to 4096 bytes, got 0/,
      ],
      [
        "blockResponse.body",
        { webAcl: WEB_ACL, blockResponse: { status: 403, body: "no" } },
        /web ACL of the component's own/,
      ],
      ["rateLimit.requests", { rateLimit: { requests: 9, perSeconds: 60 } }, /10 to/],
      [
        "rateLimit.perSeconds",
        { rateLimit: { requests: 10, perSeconds: 30 } },
        /60, 120, 300, 600/,
      ],
      [
        "rateLimit",
        { trust: ["cloudfront"], rateLimit: { requests: 10, perSeconds: 60 } },
        /the client itself writes/,
      ],
      [
        "forwardedIp.position",
        { forwardedIp: { headerName: "X", position: "MIDDLE" } },
        /FIRST, LAST, ANY/,
      ],
      [
        "forwardedIp.headerName",
        { forwardedIp: { headerName: "", position: "LAST" } },
        /name of a header/,
      ],
      ["archive.retentionDays", { archive: { retentionDays: 0 } }, /1 to 3650, got 0/],
      ["archive.prefix", { archive: { prefix: "logs" } }, /end in "\/"/],
      ["archive.prefix", { archive: { prefix: "errors/" } }, /not begin with errors/],
      ["archive.kmsKeyArn", { archive: { kmsKeyArn: "alias/x" } }, /an ARN of kms/],
      ["stream", { stream: 0 }, /ON_DEMAND or 1 to 200 shards, got 0/],
      ["stream", { stream: "LARGE" }, /ON_DEMAND or 1 to 200 shards, got "LARGE"/],
      ["parseBufferSeconds", { parseBufferSeconds: 901 }, /0 to 900, got 901/],
      ["logFormat", { logFormat: "csv" }, /ltsv, json, got "csv"/],
      ["notify.topicArn", { notify: { topicArn: "oncall" } }, /an ARN of sns/],
      ["notify.emails[0]", { notify: { emails: ["oncall"] } }, /an e-mail address, got "oncall"/],
      ["silentMinutes", { silentMinutes: 0.5 }, /whole number from 1 to 1440, got 0.5/],
      ["logRetentionDays", { logRetentionDays: 31 }, /one of 1, 3, 5, .* got 31/],
    ];
    for (const [propertyPath, args, reason] of wrong) {
      it(`refuses ${JSON.stringify(args).slice(0, 90)}`, async () => {
        let thrown: unknown;
        await register((opts) => {
          try {
            new IntrusionPrevention("edge", args as IntrusionPreventionArgs, opts);
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
});
