import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { capital, present, region, without, type ResourceType, type Values } from "./resource-type";

const s3 = new S3Client({ forcePathStyle: true });

const bucket: ResourceType = {
  named: { input: "bucket", longest: 63 },
  replaceOn: ["bucket"],
  async create({ bucket: Bucket }) {
    await s3.send(
      new CreateBucketCommand({
        Bucket,
        CreateBucketConfiguration: { LocationConstraint: region as "eu-west-1" },
      }),
    );
    return {
      id: Bucket,
      outputs: {
        arn: `arn:aws:s3:::${Bucket}`,
        region,
        bucketDomainName: `${Bucket}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${Bucket}.s3.${region}.amazonaws.com`,
      },
    };
  },
  async read(id) {
    await s3.send(new HeadBucketCommand({ Bucket: id }));
    return { bucket: id };
  },
  update: async () => undefined,
  delete: (id) => s3.send(new DeleteBucketCommand({ Bucket: id })),
};

/** One of the documents that hang on a bucket: there is one of each, and putting it replaces it. */
const document = (
  put: (Bucket: string, inputs: Values) => Promise<unknown>,
  get: (Bucket: string) => Promise<Values>,
  remove: (Bucket: string) => Promise<unknown>,
): ResourceType => ({
  replaceOn: ["bucket"],
  async create(inputs) {
    await put(inputs["bucket"], inputs);
    return { id: inputs["bucket"] };
  },
  read: (id) => get(id),
  async update(id, news) {
    await put(id, news);
    return undefined;
  },
  delete: (id) => remove(id),
});

const publicAccessBlock = document(
  (Bucket, inputs) =>
    s3.send(
      new PutPublicAccessBlockCommand({
        Bucket,
        PublicAccessBlockConfiguration: capital(without(inputs, "bucket")),
      }),
    ),
  async (Bucket) => {
    const { PublicAccessBlockConfiguration: found = {} } = await s3.send(
      new GetPublicAccessBlockCommand({ Bucket }),
    );
    return {
      blockPublicAcls: found.BlockPublicAcls,
      blockPublicPolicy: found.BlockPublicPolicy,
      ignorePublicAcls: found.IgnorePublicAcls,
      restrictPublicBuckets: found.RestrictPublicBuckets,
    };
  },
  (Bucket) => s3.send(new DeletePublicAccessBlockCommand({ Bucket })),
);

const ownershipControls = document(
  (Bucket, { rule }) =>
    s3.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [capital(rule)] },
      }),
    ),
  async (Bucket) => {
    const { OwnershipControls } = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    return { rule: { objectOwnership: OwnershipControls?.Rules?.[0]?.ObjectOwnership } };
  },
  (Bucket) => s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket })),
);

const ENCRYPTION = { sseAlgorithm: "SSEAlgorithm", kmsMasterKeyId: "KMSMasterKeyID" };

const encryption = document(
  (Bucket, { rules }) =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: capital(rules, ENCRYPTION) },
      }),
    ),
  async (Bucket) => {
    await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    return {};
  },
  (Bucket) => s3.send(new DeleteBucketEncryptionCommand({ Bucket })),
);

const lifecycle = document(
  (Bucket, { rules }) =>
    s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: capital(rules, { id: "ID" }) },
      }),
    ),
  async (Bucket) => {
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    present(Rules?.[0], "lifecycle");
    return {};
  },
  (Bucket) => s3.send(new DeleteBucketLifecycleCommand({ Bucket })),
);

const policy = document(
  (Bucket, { policy: Policy }) => s3.send(new PutBucketPolicyCommand({ Bucket, Policy })),
  async (Bucket) => ({ policy: (await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy }),
  (Bucket) => s3.send(new DeleteBucketPolicyCommand({ Bucket })),
);

const logging = document(
  (Bucket, { targetBucket, targetPrefix, targetObjectKeyFormat }) =>
    s3.send(
      new PutBucketLoggingCommand({
        Bucket,
        BucketLoggingStatus: {
          LoggingEnabled: {
            TargetBucket: targetBucket,
            TargetPrefix: targetPrefix,
            TargetObjectKeyFormat: capital(targetObjectKeyFormat),
          },
        },
      }),
    ),
  async (Bucket) => {
    const { LoggingEnabled } = await s3.send(new GetBucketLoggingCommand({ Bucket }));
    const found = present(LoggingEnabled, "logging");
    return { targetBucket: found.TargetBucket, targetPrefix: found.TargetPrefix };
  },
  (Bucket) => s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })),
);

const notification = document(
  (Bucket, { queues }) =>
    s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: queues.map(({ queueArn, events, filterPrefix }: Values) => ({
            QueueArn: queueArn,
            Events: events,
            Filter: { Key: { FilterRules: [{ Name: "prefix", Value: filterPrefix ?? "" }] } },
          })),
        },
      }),
    ),
  async (Bucket) => {
    const { QueueConfigurations } = await s3.send(
      new GetBucketNotificationConfigurationCommand({ Bucket }),
    );
    present(QueueConfigurations?.[0], "notification");
    return {};
  },
  (Bucket) =>
    s3.send(
      new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }),
    ),
);

export const STORAGE: Readonly<Record<string, ResourceType>> = {
  "aws:s3/bucket:Bucket": bucket,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": publicAccessBlock,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownershipControls,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    encryption,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
  "aws:s3/bucketPolicy:BucketPolicy": policy,
  "aws:s3/bucketLogging:BucketLogging": logging,
  "aws:s3/bucketNotification:BucketNotification": notification,
};
