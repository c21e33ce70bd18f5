import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { IntrusionPrevention } from "../../infra/intrusion-prevention";
import { S3AnomalyDetection } from "../../infra/s3-anomaly-detection";
import { WebTier } from "../../infra/web-tier";
import { mistakesIn } from "../local-aws/provider/check";
import { propertyNames } from "../local-aws/provider/property-names";
import { FULLEST, KEY, SMALLEST } from "../support/intrusion-prevention";
import { register } from "../support/mocks";

const everything = (opts: pulumi.ComponentResourceOptions): void => {
  const edge = new IntrusionPrevention("edge", SMALLEST, opts);
  new IntrusionPrevention("full", FULLEST, opts);
  new IntrusionPrevention("page", { blockResponse: { status: 429, body: "{}" } }, opts);
  const { deliveryStreamArn, agents } = edge;
  new WebTier("web", { deliveryStreamArn, agents }, opts);
  new S3AnomalyDetection("audit", {}, opts);
  new S3AnomalyDetection(
    "parquet",
    {
      archive: { parquet: true, kmsKeyArn: KEY },
      buckets: ["photos"],
      logBucket: { name: "given" },
    },
    opts,
  );
};

describe("what the program asks for", () => {
  it("has only the inputs that AWS's types know, and all that they need", async () => {
    const seen = (await register(everything)).filter(({ type }) => type.startsWith("aws:"));
    const known = propertyNames([...new Set(seen.map(({ type }) => type))]);
    const mistakes = seen.flatMap(({ type, name, inputs }) =>
      mistakesIn(JSON.parse(JSON.stringify(inputs)), known[type]).map(
        ({ property, reason }) => `${name}: ${property} ${reason}`,
      ),
    );
    assert.deepEqual(mistakes, []);
  });
});
