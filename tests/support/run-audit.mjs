// Runs the deployed archives of the S3 pipeline on log files: parse and count, as Lambda and SQS
// would call them, against AWS services that are played here. It needs nothing but Node. Prints what
// came of it as JSON.
//
//   node run-audit.mjs FOLDER LOG...
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { load, playAws } from "./play-aws.mjs";

const [folder, ...logs] = process.argv.slice(2);

/** Objects by bucket and key, delivered records, the tables, and what was published. */
const objects = new Map();
const delivered = [];
const counters = new Map();
const incidents = new Map();
const alerts = [];

/** Adds to a counter as DynamoDB would: each packed record once. */
function update({ Key, ExpressionAttributeNames: names, ExpressionAttributeValues: values }) {
  const before = counters.get(Key.window.S) ?? {};
  const batch = values[":batch"].S;
  if (before.batches?.SS.includes(batch))
    return { __type: "ConditionalCheckFailedException", Item: before };
  const after = { ...before, batches: { SS: [...(before.batches?.SS ?? []), batch] } };
  for (const [place, attribute] of Object.entries(names)) {
    const value = values[place.replace("#", ":")];
    after[attribute] =
      value.N === undefined
        ? { NS: [...new Set([...(before[attribute]?.NS ?? []), ...value.NS])] }
        : { N: String(Number(before[attribute]?.N ?? 0) + Number(value.N)) };
  }
  counters.set(Key.window.S, after);
  return { Attributes: before };
}

const services = {
  "Firehose_20150804.PutRecordBatch": ({ Records }) => {
    delivered.push(...Records.map(({ Data }) => Buffer.from(Data, "base64")));
    return { FailedPutCount: 0, RequestResponses: Records.map(() => ({ RecordId: "1" })) };
  },
  "DynamoDB_20120810.UpdateItem": update,
  "DynamoDB_20120810.Scan": () => ({ Items: [] }),
  "DynamoDB_20120810.PutItem": ({ Item }) => {
    incidents.set(Item.name.S, [Item]);
    return {};
  },
  "DynamoDB_20120810.Query": ({ ExpressionAttributeValues: values }) => ({
    Items: incidents.get(values[":name"].S) ?? [],
  }),
};

const publish = ({ subject, message }) => alerts.push({ subject, ...JSON.parse(message) });
const server = await playAws({ services, publish, objects });
const [parse, count] = ["parse", "count"].map((name) => load(folder, name));
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

const event = (bucket, key) => ({
  Records: [
    {
      messageId: key,
      body: JSON.stringify({
        Records: [
          { eventName: "ObjectCreated:Put", s3: { bucket: { name: bucket }, object: { key } } },
        ],
      }),
    },
  ],
});
const context = { getRemainingTimeInMillis: () => 300_000 };
const failures = [];
for (const log of logs) {
  const bytes = readFileSync(log);
  const key = basename(log);
  objects.set(`logs/${key}`, bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  // Notifications come more than once.
  for (let times = 0; times < 2; times++)
    failures.push(...(await parse(event("logs", key), context)).batchItemFailures);
}
for (const [i, records] of [delivered.slice(0, 3), delivered.slice(3)].entries()) {
  objects.set(`archive/${i}.json.gz`, gzipSync(Buffer.concat(records)));
  for (let times = 0; times < 2; times++)
    failures.push(...(await count(event("archive", `${i}.json.gz`))).batchItemFailures);
}
print(
  JSON.stringify({
    failures,
    lines: new Set(delivered.map(String).join("").split("\n").slice(0, -1)).size,
    alerts: alerts.map(({ subject, sqs }) => ({ subject, document: JSON.parse(sqs) })),
    incidents: [...incidents.values()].flat().map(({ document }) => JSON.parse(document.S)),
  }),
);
server.close();
server.closeAllConnections();
