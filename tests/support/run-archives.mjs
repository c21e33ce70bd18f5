// Runs the deployed archives, unpacked beside each other, on a log: parse, count, act and expire, as
// Lambda and its event sources would call them, against AWS services that are played here, in a time
// that is the log's own. It needs nothing but Node. Prints what came of it as JSON.
//
//   node run-archives.mjs FOLDER LOG
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { load, playAws } from "./play-aws.mjs";

const [folder, log] = process.argv.slice(2);
const require = createRequire(join(folder, "run.js"));

let now = 0;
Date.now = () => now;
require("node:timers/promises").setTimeout = async (ms) => void (now += ms);

/** Streams by name, the decisions table, IP sets by name, and what was published. */
const streams = new Map();
const table = new Map();
const sets = new Map();
const notices = [];
let lockToken = 1;

const keyOf = ({ client, from }) => `${client.S} ${from.N}`;
const services = {
  "Kinesis_20131202.PutRecords": ({ StreamName, Records }) => {
    const stream = streams.get(StreamName) ?? [];
    streams.set(StreamName, stream);
    stream.push(...Records);
    return {
      FailedRecordCount: 0,
      Records: Records.map(() => ({ SequenceNumber: "1", ShardId: "shard-0" })),
    };
  },
  "DynamoDB_20120810.PutItem": ({ Item, ConditionExpression }) => {
    if (ConditionExpression !== undefined && table.has(keyOf(Item)))
      return { __type: "ConditionalCheckFailedException" };
    table.set(keyOf(Item), Item);
    return {};
  },
  "DynamoDB_20120810.GetItem": ({ Key }) => ({ Item: table.get(keyOf(Key)) }),
  "DynamoDB_20120810.Query": ({ IndexName, ExpressionAttributeValues: values, Limit }) => {
    const items = [...table.values()].filter((item) =>
      IndexName === undefined
        ? item.client.S === values[":client"].S
        : item.action?.S === values[":action"].S && Number(item.until.N) > Number(values[":now"].N),
    );
    items.sort((a, b) => Number(b.from.N) - Number(a.from.N));
    return { Items: items.slice(0, Limit) };
  },
  "AWSWAF_20190729.GetIPSet": ({ Name }) => ({
    LockToken: String(lockToken),
    IPSet: {
      Name,
      Id: "id",
      ARN: "arn",
      IPAddressVersion: "IPV4",
      Addresses: sets.get(Name) ?? [],
    },
  }),
  "AWSWAF_20190729.UpdateIPSet": ({ Name, Addresses, LockToken }) => {
    if (LockToken !== String(lockToken)) return { __type: "WAFOptimisticLockException" };
    lockToken++;
    sets.set(Name, Addresses);
    return { NextLockToken: String(lockToken) };
  },
};

const server = await playAws({ services, publish: (notice) => notices.push(notice) });
const [parse, count, act, expire] = ["parse", "count", "act", "expire"].map((name) =>
  load(folder, name),
);
const metrics = [];
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = (text) => metrics.push(JSON.parse(text)) > 0;

const context = { getRemainingTimeInMillis: () => 60_000 };
const taken = { requests: 0, findings: 0 };
const next = (kind, name) => {
  const records = (streams.get(name) ?? []).slice(taken[kind]);
  taken[kind] += records.length;
  return records.map(({ Data }, i) => ({
    kinesis: { data: Data, sequenceNumber: String(taken[kind] - records.length + i + 1) },
  }));
};

const lines = gunzipSync(readFileSync(log))
  .toString()
  .split("\n")
  .filter((line) => line !== "");
const timeOf = (line) => {
  const [, day, month, rest] = /\[(\d+)\/(\w+)\/(.*?)\]/.exec(line) ?? [];
  const iso = /(?:^|\t)time:([^\t]+)/.exec(line)?.[1];
  return Date.parse(iso ?? `${day} ${month} ${rest.replace(":", " ")}`);
};
const { REQUESTS, FINDINGS } = process.env;
const BATCH = 200;
let state = {};
let archived = 0;
for (let i = 0; i < lines.length; i += BATCH) {
  const batch = lines.slice(i, i + BATCH);
  now = Math.max(now, timeOf(batch.at(-1)) + 1000);
  const records = [0, 50, 100, 150].map((from) => ({
    recordId: `${String(i)}-${String(from)}`,
    data: Buffer.from(`${batch.slice(from, from + 50).join("\n")}\n`).toString("base64"),
  }));
  const answer = await parse({ records }, context);
  for (const { data } of answer.records)
    archived +=
      Buffer.from(data ?? "", "base64")
        .toString()
        .split("\n").length - 1;
  const counted = await count({ shardId: "shard-0", state, Records: next("requests", REQUESTS) });
  state = JSON.parse(JSON.stringify(counted.state));
  const findings = next("findings", FINDINGS);
  if (findings.length > 0) await act({ Records: findings });
}
await expire({});
const inForce = Object.fromEntries([...sets].sort());
const blocks = [...table.values()].filter((item) => item.action !== undefined);
now = Math.max(...blocks.map(({ until }) => Number(until.N)));
await expire({});
print(
  JSON.stringify({
    lines: lines.length,
    archived,
    decisions: blocks.map(({ client, action, from, until, rule, level }) => ({
      client: client.S,
      action: action.S,
      from: Number(from.N),
      until: Number(until.N),
      rule: rule.S,
      level: Number(level.N),
    })),
    inForce,
    atTheEnd: Object.fromEntries([...sets].sort()),
    notices,
    metrics: metrics.flatMap((line) =>
      line._aws.CloudWatchMetrics[0].Metrics.map(({ Name }) => Name),
    ),
  }),
);
server.close();
server.closeAllConnections();
