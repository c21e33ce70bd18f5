import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  UpdateDestinationCommand,
} from "@aws-sdk/client-firehose";
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  KinesisClient,
  StartStreamEncryptionCommand,
  UpdateShardCountCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { capital, whenActive, type ResourceType, type Values } from "./resource-type";

const kinesis = new KinesisClient({ requestHandler: new NodeHttpHandler() });
const firehose = new FirehoseClient({});

async function activeStream(StreamName: string): Promise<string> {
  const { StreamARN = "" } = await whenActive(
    async () =>
      (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName })))
        .StreamDescriptionSummary,
    ({ StreamStatus }) => StreamStatus,
  );
  return StreamARN;
}

/** @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html */
const stream: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name"],
  async create({ name, shardCount, streamModeDetails, retentionPeriod, encryptionType, kmsKeyId }) {
    await kinesis.send(
      new CreateStreamCommand({
        StreamName: name,
        ShardCount: shardCount,
        StreamModeDetails: capital(streamModeDetails),
      }),
    );
    const arn = await activeStream(name);
    if (retentionPeriod > 24)
      await kinesis.send(
        new IncreaseStreamRetentionPeriodCommand({
          StreamName: name,
          RetentionPeriodHours: retentionPeriod,
        }),
      );
    if (encryptionType === "KMS") {
      await kinesis.send(
        new StartStreamEncryptionCommand({
          StreamName: name,
          EncryptionType: encryptionType,
          KeyId: kmsKeyId,
        }),
      );
      await activeStream(name);
    }
    return { id: arn, outputs: { arn } };
  },
  async read(_, { name, shardCount }) {
    const { StreamDescriptionSummary: found } = await kinesis.send(
      new DescribeStreamSummaryCommand({ StreamName: name }),
    );
    return {
      retentionPeriod: found?.RetentionPeriodHours,
      encryptionType: found?.EncryptionType,
      kmsKeyId: found?.KeyId,
      // On demand there are as many as AWS likes.
      ...(shardCount === undefined ? {} : { shardCount: found?.OpenShardCount }),
    };
  },
  async update(_, { name, shardCount }, { __inputs: olds }) {
    if (shardCount !== undefined && shardCount !== olds.shardCount)
      await kinesis.send(
        new UpdateShardCountCommand({
          StreamName: name,
          TargetShardCount: shardCount,
          ScalingType: "UNIFORM_SCALING",
        }),
      );
    await activeStream(name);
    return undefined;
  },
  delete: (_, { name }) =>
    kinesis.send(new DeleteStreamCommand({ StreamName: name, EnforceConsumerDeletion: true })),
};

const ODD = {
  roleArn: "RoleARN",
  bucketArn: "BucketARN",
  cloudwatchLoggingOptions: "CloudWatchLoggingOptions",
  openXJsonSerDe: "OpenXJsonSerDe",
};

/** Buffering and encryption stand in structures of their own in AWS. */
function destination({
  bufferingSize,
  bufferingInterval,
  kmsKeyArn,
  s3BackupConfiguration,
  ...rest
}: Values): any {
  return {
    ...capital(rest, ODD),
    BufferingHints: { SizeInMBs: bufferingSize, IntervalInSeconds: bufferingInterval },
    ...(kmsKeyArn && {
      EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: kmsKeyArn } },
    }),
    ...(s3BackupConfiguration && { S3BackupConfiguration: destination(s3BackupConfiguration) }),
  };
}

const activeDelivery = (DeliveryStreamName: string) =>
  whenActive(
    async () =>
      (await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName })))
        .DeliveryStreamDescription,
    ({ DeliveryStreamStatus }) => DeliveryStreamStatus,
  );

/** @see https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html */
const deliveryStream: ResourceType = {
  named: { input: "name", longest: 64 },
  replaceOn: ["name", "destination"],
  async create({ name, extendedS3Configuration, serverSideEncryption }) {
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: name,
        DeliveryStreamType: "DirectPut",
        ExtendedS3DestinationConfiguration: destination(extendedS3Configuration),
        ...(serverSideEncryption?.enabled === true && {
          DeliveryStreamEncryptionConfigurationInput: { KeyType: serverSideEncryption.keyType },
        }),
      }),
    );
    const { DeliveryStreamARN: arn = "" } = await activeDelivery(name);
    return { id: arn, outputs: { arn } };
  },
  async read(_, { name }) {
    await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }));
    return {};
  },
  async update(_, { name, extendedS3Configuration }) {
    const found = await activeDelivery(name);
    await firehose.send(
      new UpdateDestinationCommand({
        DeliveryStreamName: name,
        CurrentDeliveryStreamVersionId: found.VersionId,
        DestinationId: found.Destinations?.[0]?.DestinationId,
        ExtendedS3DestinationUpdate: destination(extendedS3Configuration),
      }),
    );
    return undefined;
  },
  delete: (_, { name }) =>
    firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name })),
};

export const STREAMS: Readonly<Record<string, ResourceType>> = {
  "aws:kinesis/stream:Stream": stream,
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": deliveryStream,
};
