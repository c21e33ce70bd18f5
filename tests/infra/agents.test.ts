import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { agentConfigs, type AgentConfigs } from "../../infra/agents";
import { nginxConfig, type LogFormat } from "../../infra/log-formats";
import { LineParser } from "../../functions/parsing/line-parser";

const configs = (format: LogFormat): Promise<AgentConfigs> =>
  new Promise((resolve) => {
    agentConfigs(
      {
        deliveryStreamName: "edge-logs-0a1b2c3",
        deliveryStreamArn:
          "arn:aws:firehose:eu-west-1:123456789012:deliverystream/edge-logs-0a1b2c3",
        region: "eu-west-1",
      },
      format,
    ).apply(resolve);
  });

/** What nginx would write with the format: each variable in place. */
function logged(format: LogFormat, values: Readonly<Record<string, string>>): string {
  const [, definition] =
    /log_format floodgate(?: escape=json)?\n([^;]*);/.exec(nginxConfig(format)) ?? [];
  return definition
    .split("\n")
    .map((line) => line.trim().slice(1, -1))
    .join("")
    .replaceAll("\\t", "\t")
    .replace(
      /\$([a-z_0-9]+)/g,
      (_, name: string) => values[name] ?? (format === "json" ? "" : "-"),
    );
}

describe("agentConfigs", () => {
  before(async () => {
    await pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) });
  });

  it("fills in stream and region, and packs many lines into a record", async () => {
    const { fluentBit, fluentd, vector, kinesisAgent } = await configs("ltsv");
    for (const [config, packs] of [
      [fluentBit, /simple_aggregation true/],
      [fluentd, /n_lines 200/],
      [vector, /concat_newline/],
      [kinesisAgent, /"aggregatedRecordSizeBytes": 100000/],
    ] as const) {
      assert.match(config, /edge-logs-0a1b2c3/);
      assert.match(config, /eu-west-1/);
      assert.match(config, /\/var\/log\/nginx\/floodgate\.log/);
      assert.match(config, packs);
    }
    assert.doesNotThrow(() => JSON.parse(kinesisAgent) as unknown);
  });

  it("allows to send logs to this stream and nothing else", async () => {
    const { policy } = await configs("ltsv");
    assert.deepEqual(JSON.parse(policy), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "SendLogs",
          Effect: "Allow",
          Action: ["firehose:PutRecord", "firehose:PutRecordBatch"],
          Resource: "arn:aws:firehose:eu-west-1:123456789012:deliverystream/edge-logs-0a1b2c3",
        },
      ],
    });
  });

  for (const format of ["ltsv", "json"] as const) {
    it(`gives nginx a ${format} format that the parser reads whole`, () => {
      const parser = new LineParser("nginx");
      const line = logged(format, {
        time_iso8601: "2026-11-22T01:45:34+00:00",
        remote_addr: "10.0.0.9",
        request: "GET /a?b=c HTTP/1.1",
        status: "404",
        body_bytes_sent: "153",
        http_host: "www.example.com",
        http_user_agent: "curl/8.5",
        http_x_forwarded_for: "192.0.2.1",
        request_time: "0.003",
      });
      assert.equal(parser.parseText(line), undefined);
      const { row } = parser;
      assert.equal(row.format, format);
      assert.equal(row.status, 404);
      assert.equal(row.durationMs, 3);
      const columns = row.columns();
      assert.equal(columns["http_x_forwarded_for"], "192.0.2.1");
      assert.equal(columns["http_host"], "www.example.com");
      assert.equal(columns["request_method"], "GET");
      assert.equal(columns["request_uri"], "/a?b=c");
    });
  }
});
