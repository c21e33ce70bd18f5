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
  readSchema,
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
  /** Parquet instead of JSON lines; the lines are then kept for some days besides, to be counted. */
  readonly isParquet?: boolean;
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
  /** Where the JSON lines lie. */
  readonly linesPrefix: string;
}

/** What the delivery stream, or a parse callback, could not make anything of. */
export const ERRORS_PREFIX = "errors/";
/** Results of queries are looked at once. */
const RESULTS_DAYS = 7;
/** Beside Parquet, the lines are needed until they are counted, and to look into what went wrong. */
const LINES_PREFIX = "lines/";
const LINES_DAYS = 7;
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
  const { retentionDays, prefix, kmsKeyArn, isParquet = false } = settings;
  const bucket = createPrivateBucket(
    `${name}-archive`,
    {
      kmsKeyArn,
      lifecycle: [
        { id: "logs", prefix, days: retentionDays },
        { id: "errors", prefix: ERRORS_PREFIX, days: retentionDays },
        { id: "results", prefix: RESULTS_PREFIX, days: RESULTS_DAYS },
        ...(isParquet ? [{ id: "lines", prefix: LINES_PREFIX, days: LINES_DAYS }] : []),
      ],
    },
    parent,
  );
  const tables = createTables(name, bucket, { prefix, isParquet, ...settings.table }, parent);
  const deliveryStream = createDeliveryStream(name, { bucket, tables }, settings, parent);
  return { bucket, deliveryStream, tables, linesPrefix: isParquet ? LINES_PREFIX : prefix };
}

function createDeliveryStream(
  name: string,
  { bucket, tables }: { readonly bucket: aws.s3.Bucket; readonly tables: Tables },
  settings: ArchiveSettings,
  parent: pulumi.Resource,
): aws.kinesis.FirehoseDeliveryStream {
  const { prefix, kmsKeyArn, logRetentionDays, transformation, isParquet = false } = settings;
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
        ...(isParquet ? [readSchema(tables)] : []),
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
        ...LINES,
        fileExtension: ".json.gz",
        ...(isParquet ? parquet(tables, { bucketArn: bucket.arn, roleArn: role.arn }) : {}),
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

/** JSON lines, gzip, every five minutes or 64 MB. */
const LINES = {
  compressionFormat: "GZIP",
  bufferingSize: 64,
  bufferingInterval: 300,
};

/** Parquet after the table's columns; the lines as they came go to a prefix of their own. */
const parquet = (
  { database, table }: Tables,
  target: { readonly bucketArn: pulumi.Output<string>; readonly roleArn: pulumi.Output<string> },
): Partial<Delivery> => ({
  // Parquet is compressed inside.
  compressionFormat: "UNCOMPRESSED",
  fileExtension: ".parquet",
  bufferingSize: 128,
  dataFormatConversionConfiguration: {
    inputFormatConfiguration: { deserializer: { openXJsonSerDe: {} } },
    outputFormatConfiguration: { serializer: { parquetSerDe: {} } },
    schemaConfiguration: {
      databaseName: database.name,
      tableName: table.name,
      roleArn: target.roleArn,
    },
  },
  s3BackupMode: "Enabled",
  s3BackupConfiguration: {
    ...target,
    ...LINES,
    prefix: `${LINES_PREFIX}${PARTITIONS}`,
    errorOutputPrefix: `${ERRORS_PREFIX}!{firehose:error-output-type}/${PARTITIONS}`,
  },
});

type Delivery = aws.types.input.kinesis.FirehoseDeliveryStreamExtendedS3Configuration;

function processing({
  callback: { fn },
  bufferSeconds,
}: Transformation): aws.types.input.kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfiguration {
  const parameters = [
    { parameterName: "LambdaArn", parameterValue: pulumi.interpolate`${fn.arn}:$LATEST` },
    ...(bufferSeconds === DEFAULT_BUFFER_SECONDS
      ? []
      : [{ parameterName: "BufferIntervalInSeconds", parameterValue: String(bufferSeconds) }]),
  ];
  return { enabled: true, processors: [{ type: "Lambda", parameters }] };
}
