import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { bucketPolicy, type ServiceStatement } from "./policies";

export interface PrivateBucketSettings {
  /** @default - S3's own key */
  readonly kmsKeyArn: pulumi.Input<string> | undefined;
  readonly lifecycle: readonly {
    readonly id: string;
    readonly prefix: string;
    readonly days: number;
  }[];
  /** What AWS services may do with it. @default - nothing */
  readonly statements?: (bucketArn: pulumi.Output<string>) => readonly ServiceStatement[];
}

/** A bucket that nobody else can read, that is encrypted and forgets, and refuses plain HTTP. */
export function createPrivateBucket(
  name: string,
  { kmsKeyArn, lifecycle, statements }: PrivateBucketSettings,
  parent: pulumi.Resource,
): aws.s3.Bucket {
  const bucket = new aws.s3.Bucket(name, {}, { parent });
  new aws.s3.BucketPublicAccessBlock(
    `${name}-private`,
    {
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    { parent },
  );
  new aws.s3.BucketOwnershipControls(
    `${name}-ownership`,
    { bucket: bucket.id, rule: { objectOwnership: "BucketOwnerEnforced" } },
    { parent },
  );
  new aws.s3.BucketServerSideEncryptionConfiguration(
    `${name}-encryption`,
    {
      bucket: bucket.id,
      rules: [
        {
          applyServerSideEncryptionByDefault:
            kmsKeyArn === undefined
              ? { sseAlgorithm: "AES256" }
              : { sseAlgorithm: "aws:kms", kmsMasterKeyId: kmsKeyArn },
          bucketKeyEnabled: kmsKeyArn !== undefined,
        },
      ],
    },
    { parent },
  );
  new aws.s3.BucketLifecycleConfiguration(
    `${name}-lifecycle`,
    {
      bucket: bucket.id,
      rules: lifecycle.map(({ id, prefix, days }) => ({
        id,
        status: "Enabled",
        filter: { prefix },
        expiration: { days },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      })),
    },
    { parent },
  );
  new aws.s3.BucketPolicy(
    `${name}-policy`,
    { bucket: bucket.id, policy: bucketPolicy(bucket.arn, statements?.(bucket.arn) ?? []) },
    { parent },
  );
  return bucket;
}
