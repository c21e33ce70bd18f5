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

describe("IntrusionPrevention: the archive bucket", () => {
  let smallest: Registered[];
  let fullest: Registered[];

  before(async () => {
    smallest = await make(SMALLEST);
    fullest = await make(FULLEST);
  });

  it("is private, encrypted, and forgets", () => {
    assert.deepEqual(inputsOf(smallest, "archive-private"), {
      bucket: "edge-archive-id",
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.deepEqual(inputsOf(smallest, "archive-ownership").rule, {
      objectOwnership: "BucketOwnerEnforced",
    });
    assert.deepEqual(inputsOf(smallest, "archive-encryption").rules, [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
        bucketKeyEnabled: false,
      },
    ]);
    assert.deepEqual(inputsOf(fullest, "archive-encryption").rules, [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: KEY },
        bucketKeyEnabled: true,
      },
    ]);
    const kept = (of: Registered[]): unknown[] =>
      (
        inputsOf(of, "archive-lifecycle").rules as {
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

  it("is the one that all its settings are about", () => {
    for (const setting of ["private", "ownership", "encryption", "lifecycle", "policy"])
      assert.equal(inputsOf(smallest, `archive-${setting}`).bucket, "edge-archive-id");
  });

  it("refuses whoever comes without TLS", () => {
    const [statement] = statementsOf(smallest, "archive-policy");
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
