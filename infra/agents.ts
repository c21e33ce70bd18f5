import * as pulumi from "@pulumi/pulumi";
import { LOG_FILE, nginxConfig, type LogFormat } from "./log-formats";
import { sendLogs } from "./policies";

/** Ready configuration for whoever has nginx already, each a whole file or block to paste. */
export interface AgentConfigs {
  /** For nginx's `http` block. */
  readonly nginx: string;
  readonly fluentBit: string;
  readonly fluentd: string;
  readonly vector: string;
  readonly kinesisAgent: string;
  /** The IAM policy that the machine or container needs, and no more. */
  readonly policy: string;
}

interface Target {
  readonly deliveryStreamName: string;
  readonly deliveryStreamArn: string;
  readonly region: string;
}

/**
 * The configurations for a delivery stream. All of them pack many lines into a record, because
 * every record is billed as a multiple of 5 KB, and flush within seconds.
 *
 * @see https://aws.amazon.com/firehose/pricing/
 */
export function agentConfigs(
  target: pulumi.Input<{ [Key in keyof Target]: pulumi.Input<string> }>,
  format: LogFormat,
): pulumi.Output<AgentConfigs> {
  return pulumi.output(target).apply((to) => ({
    nginx: nginxConfig(format),
    fluentBit: fluentBit(to),
    fluentd: fluentd(to),
    vector: vector(to),
    kinesisAgent: kinesisAgent(to),
    policy: JSON.stringify(
      { Version: "2012-10-17", Statement: [sendLogs(to.deliveryStreamArn)] },
      undefined,
      2,
    ),
  }));
}

/** Fluent Bit; `simple_aggregation` is of its newer versions. */
const fluentBit = ({ region, deliveryStreamName }: Target): string => `[SERVICE]
    Flush              1

[INPUT]
    Name               tail
    Tag                nginx
    Path               ${LOG_FILE}
    DB                 /var/lib/fluent-bit/floodgate.db
    Refresh_Interval   5

[OUTPUT]
    Name               kinesis_firehose
    Match              nginx
    region             ${region}
    delivery_stream    ${deliveryStreamName}
    log_key            log
    simple_aggregation true
    Retry_Limit        10
`;

/** Fluentd with fluent-plugin-kinesis, and fluent-plugin-concat for many lines in a record. */
const fluentd = ({ region, deliveryStreamName }: Target): string => `<source>
  @type tail
  tag nginx
  path ${LOG_FILE}
  pos_file /var/lib/fluentd/floodgate.pos
  <parse>
    @type none
  </parse>
</source>

<filter nginx>
  @type concat
  key message
  n_lines 200
  separator "\\n"
  flush_interval 2
  timeout_label @floodgate
</filter>

<match nginx>
  @type relabel
  @label @floodgate
</match>

<label @floodgate>
  <match nginx>
    @type kinesis_firehose
    region ${region}
    delivery_stream_name ${deliveryStreamName}
    data_key message
    drop_failed_records_after_batch_request_retries false
    <buffer>
      flush_interval 1s
      chunk_limit_size 1m
    </buffer>
  </match>
</label>
`;

const vector = ({ region, deliveryStreamName }: Target): string => `[sources.nginx]
type = "file"
include = ["${LOG_FILE}"]

[transforms.packed]
type = "reduce"
inputs = ["nginx"]
group_by = ["file"]
max_events = 200
expire_after_ms = 2000
flush_period_ms = 1000
merge_strategies.message = "concat_newline"

[sinks.floodgate]
type = "aws_kinesis_firehose"
inputs = ["packed"]
region = "${region}"
stream_name = "${deliveryStreamName}"
encoding.codec = "text"
batch.timeout_secs = 1
request_retry_partial = true
`;

const kinesisAgent = ({ region, deliveryStreamName }: Target): string =>
  `${JSON.stringify(
    {
      "firehose.endpoint": `firehose.${region}.amazonaws.com`,
      "cloudwatch.emitMetrics": false,
      flows: [
        {
          filePattern: LOG_FILE,
          deliveryStream: deliveryStreamName,
          initialPosition: "END_OF_FILE",
          maxBufferAgeMillis: 2000,
          aggregatedRecordSizeBytes: 100_000,
        },
      ],
    },
    undefined,
    2,
  )}\n`;
