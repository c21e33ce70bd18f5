import assert from "node:assert/strict";
import { neverUsed } from "../usage";

/** Granted because AWS's documentation asks for it; Firehose calls them in cases that the front does not play. */
const ON_ADVICE =
  /^(edge|audit)-delivery: (lambda:GetFunctionConfiguration|logs:PutLogEvents|s3:(AbortMultipartUpload|GetBucketLocation|GetObject|ListBucket|ListBucketMultipartUploads))$/;
/** Used ten minutes after a digest, which only the soak is long enough for. */
const RARELY = /^edge-expire: (dynamodb:PutItem|sns:Publish)$/;

/** Mocha runs the files in the order of their names: this one after all that deploy something. */
describe("what the roles are granted", () => {
  it("was used in this suite, but for what AWS asks for", () => {
    const unused = neverUsed();
    console.log(`      granted and never used: ${unused.join(", ")}`);
    const unexpected = unused.filter((one) => !ON_ADVICE.test(one) && !RARELY.test(one));
    assert.deepEqual(unexpected, []);
  });
});
