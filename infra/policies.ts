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

/** A delivery stream that writes Parquet asks the catalogue for the columns. */
export const readSchema = ({
  database,
  table,
}: {
  readonly database: { readonly arn: Arn };
  readonly table: { readonly arn: Arn };
}): Statement =>
  allow(
    "ReadSchema",
    ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
    [
      pulumi.output(database.arn).apply((arn) => arn.replace(/:database\/.*$/, ":catalog")),
      database.arn,
      table.arn,
    ],
  );

export const encrypt = (kmsKeyArn: Arn): Statement =>
  allow("Encrypt", ["kms:Decrypt", "kms:GenerateDataKey"], kmsKeyArn);

/** All that a log agent may do: hand lines to the delivery stream. */
export const sendLogs = (deliveryStreamArn: Arn): Statement =>
  allow("SendLogs", ["firehose:PutRecord", "firehose:PutRecordBatch"], deliveryStreamArn);

/** Messages of a queue, as an event source mapping takes them. */
export const receiveFrom = (queueArn: Arn): Statement =>
  allow(
    "ReceiveMessages",
    ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
    queueArn,
  );

export const readObjects = (bucketArn: Arn, prefix: string): Statement =>
  allow("ReadObjects", ["s3:GetObject"], pulumi.interpolate`${bucketArn}/${prefix}*`);

/** Without it S3 says of an object that is gone that it is forbidden. */
export const listObjects = (bucketArn: Arn): Statement =>
  allow("ListObjects", ["s3:ListBucket"], bucketArn);

export const writeObjects = (bucketArn: Arn, prefix: string): Statement =>
  allow("WriteObjects", ["s3:PutObject"], pulumi.interpolate`${bucketArn}/${prefix}*`);

export const deliverTo = (deliveryStreamArn: Arn): Statement =>
  allow("Deliver", ["firehose:PutRecordBatch"], deliveryStreamArn);

/** What was usual stands beside the counters. */
export const addToCounters = (tableArn: Arn): Statement =>
  allow("AddToCounters", ["dynamodb:GetItem", "dynamodb:UpdateItem"], tableArn);

export const keepIncidents = (tableArn: Arn): Statement =>
  allow("KeepIncidents", ["dynamodb:PutItem", "dynamodb:Query"], tableArn);

export const beatHearts = (tableArn: Arn): Statement =>
  allow("BeatHearts", ["dynamodb:PutItem"], tableArn);

export const hearHearts = (tableArn: Arn): Statement =>
  allow("HearHearts", ["dynamodb:GetItem", "dynamodb:PutItem"], tableArn);

export const closeIncidents = (tableArn: Arn, indexName: string): Statement =>
  allow(
    "CloseIncidents",
    ["dynamodb:PutItem", "dynamodb:Query"],
    [tableArn, pulumi.interpolate`${tableArn}/index/${indexName}`],
  );

export const readExemptions = (tableArn: Arn): Statement =>
  allow("ReadExemptions", ["dynamodb:Scan"], tableArn);

/** A statement of a bucket's own policy. */
export interface ServiceStatement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal: "*" | { readonly Service: string };
  readonly Action: string;
  readonly Resource: Statement["Resource"];
  readonly Condition: unknown;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html */
export const acceptAccessLogs = (
  bucketArn: Arn,
  accountId: pulumi.Input<string>,
): ServiceStatement => ({
  Sid: "AcceptAccessLogs",
  Effect: "Allow",
  Principal: { Service: "logging.s3.amazonaws.com" },
  Action: "s3:PutObject",
  Resource: pulumi.interpolate`${bucketArn}/*`,
  Condition: { StringEquals: { "aws:SourceAccount": accountId } },
});

/** A bucket's policy: what it is told, and that whoever comes without TLS is refused. */
export const bucketPolicy = (
  bucketArn: Arn,
  statements: readonly ServiceStatement[],
): pulumi.Output<string> => {
  const denyPlainText: ServiceStatement = {
    Sid: "DenyPlainText",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, pulumi.interpolate`${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: [...statements, denyPlainText] });
};
