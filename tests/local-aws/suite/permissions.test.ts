import assert from "node:assert/strict";
import { neverUsed } from "../usage";

/** Granted and not seen here, each for a reason. */
const UNSEEN: readonly RegExp[] = [
  // AWS's documentation asks for them; Firehose calls them in cases that the front does not play.
  /-delivery: (lambda:GetFunctionConfiguration|logs:PutLogEvents|glue:GetTable(Version|Versions)?)$/,
  /-delivery: s3:(AbortMultipartUpload|GetBucketLocation|GetObject|ListBucket|ListBucketMultipartUploads)$/,
  // ministack calls functions on schedule by itself, and knows no X-Ray.
  /-schedule: lambda:InvokeFunction$/,
  /: xray:Put(TraceSegments|TelemetryRecords)$/,
  // There are no machines behind the web tier.
  /^web-servers: firehose:PutRecord(Batch)?$/,
  // Findings wait for fifteen minutes before they are given up.
  /^edge-act: sqs:SendMessage$/,
  // Ten minutes after a digest, which only the soak is long enough for.
  /^edge-expire: (dynamodb:PutItem|sns:Publish)$/,
];

/** Mocha runs the files in the order of their names: this one after all that deploy something. */
describe("what the roles are granted", () => {
  it("was used in this suite, or there is a reason", () => {
    const unused = neverUsed();
    console.log(`      granted and never used: ${unused.join(", ")}`);
    const unexpected = unused.filter((one) => !UNSEEN.some((known) => known.test(one)));
    assert.deepEqual(unexpected, []);
  });
});
