import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { readCall } from "./call";
import { neededFor } from "./needed";
import { Waf } from "./waf";

const WHERE = { account: "123456789012", region: "eu-west-1" };
const AGENT = "aws-sdk-js/3.1141.0 os/linux lang/js md/nodejs#24.0.0 app/edge-act-1a2b3c4.4711";
const FORM = "application/x-www-form-urlencoded";

const requestOf = (
  service: string,
  { method = "POST", url = "/", ...headers }: Readonly<Record<string, string>> = {},
): IncomingMessage =>
  ({
    method,
    url,
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=123456789012/20261122/eu-west-1/${service}/aws4_request, SignedHeaders=host`,
      "user-agent": AGENT,
      ...headers,
    },
  }) as unknown as IncomingMessage;

/** Service, what the request says besides, its body; the action, and what is needed for it. */
const CASES: readonly (readonly [string, Record<string, string>, string, string, string])[] = [
  [
    "kinesis",
    { "x-amz-target": "Kinesis_20131202.PutRecords" },
    '{"StreamName":"findings"}',
    "kinesis:PutRecords",
    "arn:aws:kinesis:eu-west-1:123456789012:stream/findings",
  ],
  [
    "firehose",
    { "x-amz-target": "Firehose_20150804.PutRecordBatch" },
    '{"DeliveryStreamName":"logs"}',
    "firehose:PutRecordBatch",
    "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs",
  ],
  [
    "dynamodb",
    { "x-amz-target": "DynamoDB_20120810.PutItem" },
    '{"TableName":"decisions"}',
    "dynamodb:PutItem",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/decisions",
  ],
  [
    "dynamodb",
    { "x-amz-target": "DynamoDB_20120810.Query" },
    '{"TableName":"decisions","IndexName":"in-force"}',
    "dynamodb:Query",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/decisions/index/in-force",
  ],
  [
    "sns",
    { "content-type": FORM },
    "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Anotices",
    "sns:Publish",
    "arn:aws:sns:eu-west-1:123456789012:notices",
  ],
  [
    "s3",
    { method: "GET", url: "/logs/s3/a%20b?x-id=GetObject" },
    "",
    "s3:GetObject",
    "arn:aws:s3:::logs/s3/a b",
  ],
  ["s3", { method: "PUT", url: "/archive/a" }, "x", "s3:PutObject", "arn:aws:s3:::archive/a"],
  [
    "s3",
    { method: "GET", url: "/logs?list-type=2&prefix=s3%2F" },
    "",
    "s3:ListBucket",
    "arn:aws:s3:::logs",
  ],
];

describe("the front's reading of a call", () => {
  for (const [service, request, body, action, resource] of CASES)
    it(`knows ${action} and what it is on: ${resource}`, () => {
      const call = readCall(requestOf(service, request), Buffer.from(body));
      const waf = new Waf({ ...WHERE, now: () => 0 });
      assert.deepEqual(neededFor(call, { ...WHERE, waf }), { action, resource });
    });

  it("finds an IP set's ARN by its id", () => {
    const waf = new Waf({ ...WHERE, now: () => 0 });
    waf.answer("CreateIPSet", {
      Name: "a",
      Scope: "REGIONAL",
      IPAddressVersion: "IPV4",
      Addresses: [],
    });
    const [{ Id, ARN }] = waf.sets.all();
    const request = requestOf("wafv2", { "x-amz-target": "AWSWAF_20190729.UpdateIPSet" });
    const call = readCall(request, Buffer.from(JSON.stringify({ Id })));
    const needed = { action: "wafv2:UpdateIPSet", resource: ARN };
    assert.deepEqual(neededFor(call, { ...WHERE, waf }), needed);
  });

  it("refuses a service that no function has business with", () => {
    const call = readCall(
      requestOf("iam", { "content-type": FORM }),
      Buffer.from("Action=GetUser"),
    );
    const waf = new Waf({ ...WHERE, now: () => 0 });
    assert.throws(() => neededFor(call, { ...WHERE, waf }), { name: "AccessDeniedException" });
  });

  it("tells functions, and their processes, from everybody else", () => {
    const of = (agent: string) =>
      readCall(requestOf("sns", { "user-agent": agent }), Buffer.alloc(0)).caller;
    assert.deepEqual(of(AGENT), { functionName: "edge-act-1a2b3c4", pid: 4711 });
    assert.equal(of("aws-sdk-js/3.1141.0 app/somebody"), undefined);
    assert.equal(of("aws-cli/2"), undefined);
  });
});
