import assert from "node:assert/strict";
import {
  FULLEST,
  inputsOf,
  KEY,
  make,
  SMALLEST,
  statementsOf,
} from "../support/intrusion-prevention";
import { arnOf, type Registered } from "../support/mocks";

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

describe("IntrusionPrevention: permissions", () => {
  let smallest: Registered[];
  let fullest: Registered[];

  before(async () => {
    smallest = await make(SMALLEST);
    fullest = await make(FULLEST);
  });

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
        statementsOf(smallest, name).map(({ Action, Resource }) => [Action, Resource]),
        expected,
      );
    });
  }

  it("adds what tracing and a key of one's own need, and no managed policy", () => {
    for (const name of ["parse", "count", "act", "expire"]) {
      assert.deepEqual(statementsOf(fullest, `${name}-policy`).at(-1), {
        Sid: "Trace",
        Effect: "Allow",
        Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        Resource: "*",
      });
      assert.deepEqual(inputsOf(fullest, name).tracingConfig, { mode: "Active" });
      assert.deepEqual(Object.keys(inputsOf(fullest, `${name}-role`) as object), [
        "assumeRolePolicy",
      ]);
    }
    assert.deepEqual(statementsOf(fullest, "delivery-policy").at(-1), {
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
