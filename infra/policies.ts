import * as pulumi from "@pulumi/pulumi";

/** One statement of an IAM policy; all of ours allow. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: pulumi.Input<string> | readonly pulumi.Input<string>[];
}

type Arn = pulumi.Input<string>;

const allow = (
  Sid: string,
  Action: readonly string[],
  Resource: Statement["Resource"],
): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
});

/** The policy document of some statements. */
export const document = (...statements: readonly Statement[]): pulumi.Output<string> =>
  pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });

/** Who may take on a role: one AWS service. */
export const assumedBy = (service: string): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  });

/** The log group exists already, so it need not be created. */
export const writeLogs = (logGroupArn: Arn): Statement =>
  allow(
    "WriteLogs",
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    pulumi.interpolate`${logGroupArn}:*`,
  );

/** AWS knows no resources for these. */
export const tracing = (): Statement =>
  allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*");

export const readStream = (streamArn: Arn): Statement =>
  allow(
    "ReadStream",
    [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ],
    streamArn,
  );

export const putRecords = (streamArn: Arn): Statement =>
  allow("PutRecords", ["kinesis:PutRecords"], streamArn);

/** What an event source mapping could not get through goes to a queue, with the function's role. */
export const sendFailures = (queueArn: Arn): Statement =>
  allow("SendFailures", ["sqs:SendMessage"], queueArn);

export const writeDecisions = (tableArn: Arn): Statement =>
  allow("WriteDecisions", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], tableArn);

export const readDecisionsInForce = (tableArn: Arn, indexName: string): Statement =>
  allow(
    "ReadDecisionsInForce",
    ["dynamodb:Query"],
    pulumi.interpolate`${tableArn}/index/${indexName}`,
  );

/** The time of the last digest stands in the decisions table. */
export const rememberDigest = (tableArn: Arn): Statement =>
  allow("RememberDigest", ["dynamodb:GetItem", "dynamodb:PutItem"], tableArn);

/** Nothing when there are no sets: a statement without resources is refused. */
export const updateIpSets = (ipSetArns: readonly Arn[]): Statement[] =>
  ipSetArns.length === 0
    ? []
    : [allow("UpdateIpSets", ["wafv2:GetIPSet", "wafv2:UpdateIPSet"], ipSetArns)];

export const publish = (topicArn: Arn): Statement => allow("Notify", ["sns:Publish"], topicArn);

export const invoke = (functionArn: Arn): Statement =>
  allow("Invoke", ["lambda:InvokeFunction"], functionArn);

/** What a delivery stream does with its bucket. */
export const deliverToBucket = (bucketArn: Arn): Statement =>
  allow(
    "DeliverToBucket",
    [
      "s3:AbortMultipartUpload",
      "s3:GetBucketLocation",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:ListBucketMultipartUploads",
      "s3:PutObject",
    ],
    [bucketArn, pulumi.interpolate`${bucketArn}/*`],
  );

/** A delivery stream names the version that it transforms records with. */
export const transformRecords = (functionArn: Arn): Statement =>
  allow(
    "TransformRecords",
    ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
    pulumi.interpolate`${functionArn}:*`,
  );

export const writeErrors = (logGroupArn: Arn): Statement =>
  allow("WriteErrors", ["logs:PutLogEvents"], pulumi.interpolate`${logGroupArn}:log-stream:*`);

export const encrypt = (kmsKeyArn: Arn): Statement =>
  allow("Encrypt", ["kms:Decrypt", "kms:GenerateDataKey"], kmsKeyArn);

/** All that a log agent may do: hand lines to the delivery stream. */
export const sendLogs = (deliveryStreamArn: Arn): Statement =>
  allow("SendLogs", ["firehose:PutRecord", "firehose:PutRecordBatch"], deliveryStreamArn);

/** Refuses whoever comes to a bucket without TLS. */
export const denyPlainText = (bucketArn: Arn): pulumi.Output<string> =>
  pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "DenyPlainText",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn, pulumi.interpolate`${bucketArn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
