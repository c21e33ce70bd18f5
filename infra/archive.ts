import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createTables, RESULTS_PREFIX, type Tables, type TableSettings } from "./athena";
import type { Callback } from "./callback";
import { createPrivateBucket } from "./private-bucket";
import {
  assumedBy,
  deliverToBucket,
  document,
  encrypt,
  transformRecords,
  writeErrors,
} from "./policies";

export interface ArchiveSettings {
  readonly retentionDays: number;
  /** Ends in a slash. */
  readonly prefix: string;
  readonly kmsKeyArn: pulumi.Input<string> | undefined;
  readonly logRetentionDays: number;
  readonly table: TableSettings;
  /** What each record goes through on its way. @default - nothing */
  readonly transformation?: Transformation;
}

export interface Transformation {
  readonly callback: Callback;
  /** Seconds that records are gathered before. */
  readonly bufferSeconds: number;
}

export interface Archive {
  readonly bucket: aws.s3.Bucket;
  readonly deliveryStream: aws.kinesis.FirehoseDeliveryStream;
  readonly tables: Tables;
}

/** What the delivery stream, or a parse callback, could not make anything of. */
export const ERRORS_PREFIX = "errors/";
/** Results of queries are looked at once. */
const RESULTS_DAYS = 7;
/**
 * Lambda's default for record transformation; giving it shows a difference on every run.
 *
 * @see https://docs.aws.amazon.com/firehose/latest/APIReference/API_ProcessorParameter.html
 */
const DEFAULT_BUFFER_SECONDS = 60;
const PARTITIONS =
  "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/";

/** The delivery stream, the bucket that it fills, and the tables that make SQL of it. */
export function createArchive(
  name: string,
  settings: ArchiveSettings,
  parent: pulumi.Resource,
): Archive {
  const { retentionDays, prefix, kmsKeyArn } = settings;
  const bucket = createPrivateBucket(
    `${name}-archive`,
    {
      kmsKeyArn,
      lifecycle: [
        { id: "logs", prefix, days: retentionDays },
        { id: "errors", prefix: ERRORS_PREFIX, days: retentionDays },
        { id: "results", prefix: RESULTS_PREFIX, days: RESULTS_DAYS },
      ],
    },
    parent,
  );
  const deliveryStream = createDeliveryStream(name, bucket, settings, parent);
  const tables = createTables(name, bucket, { prefix: settings.prefix, ...settings.table }, parent);
  return { bucket, deliveryStream, tables };
}

function createDeliveryStream(
  name: string,
  bucket: aws.s3.Bucket,
  settings: ArchiveSettings,
  parent: pulumi.Resource,
): aws.kinesis.FirehoseDeliveryStream {
  const { prefix, kmsKeyArn, logRetentionDays, transformation } = settings;
  const logGroup = new aws.cloudwatch.LogGroup(
    `${name}-delivery-logs`,
    { retentionInDays: logRetentionDays },
    { parent },
  );
  const logStream = new aws.cloudwatch.LogStream(
    `${name}-delivery-errors`,
    { logGroupName: logGroup.name },
    { parent },
  );
  const role = new aws.iam.Role(
    `${name}-delivery-role`,
    { assumeRolePolicy: assumedBy("firehose.amazonaws.com") },
    { parent },
  );
  const policy = new aws.iam.RolePolicy(
    `${name}-delivery-policy`,
    {
      role: role.name,
      policy: document(
        deliverToBucket(bucket.arn),
        ...(transformation === undefined ? [] : [transformRecords(transformation.callback.fn.arn)]),
        writeErrors(logGroup.arn),
        ...(kmsKeyArn === undefined ? [] : [encrypt(kmsKeyArn)]),
      ),
    },
    { parent },
  );
  return new aws.kinesis.FirehoseDeliveryStream(
    `${name}-logs`,
    {
      destination: "extended_s3",
      serverSideEncryption: { enabled: true, keyType: "AWS_OWNED_CMK" },
      extendedS3Configuration: {
        roleArn: role.arn,
        bucketArn: bucket.arn,
        prefix: `${prefix}${PARTITIONS}`,
        errorOutputPrefix: `${ERRORS_PREFIX}!{firehose:error-output-type}/${PARTITIONS}`,
        compressionFormat: "GZIP",
        fileExtension: ".json.gz",
        bufferingSize: 64,
        bufferingInterval: 300,
        ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
        cloudwatchLoggingOptions: {
          enabled: true,
          logGroupName: logGroup.name,
          logStreamName: logStream.name,
        },
        ...(transformation === undefined
          ? {}
          : { processingConfiguration: processing(transformation) }),
      },
    },
    { parent, dependsOn: [policy] },
  );
}

function processing({
  callback: { fn },
  bufferSeconds,
}: Transformation): aws.types.input.kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfiguration {
  const parameters = [
    { parameterName: "LambdaArn", parameterValue: pulumi.interpolate`${fn.arn}:$LATEST` },
  ];
  if (bufferSeconds !== DEFAULT_BUFFER_SECONDS) {
    parameters.push({
      parameterName: "BufferIntervalInSeconds",
      parameterValue: pulumi.interpolate`${bufferSeconds}`,
    });
  }
  return { enabled: true, processors: [{ type: "Lambda", parameters }] };
}
