import { IAMClient, GetRolePolicyCommand, ListRolePoliciesCommand } from "@aws-sdk/client-iam";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  type ShardIteratorType,
} from "@aws-sdk/client-kinesis";
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { StreamRecord } from "./shard-reader";

export interface BackendSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly account: string;
}

const CALL_MS = 330_000;

/** ministack, as the front's own services call it. */
export class Backend {
  readonly #settings: BackendSettings;
  readonly #kinesis: KinesisClient;
  readonly #lambda: LambdaClient;
  readonly #s3: S3Client;
  readonly #sqs: SQSClient;
  readonly #iam: IAMClient;

  constructor(settings: BackendSettings) {
    this.#settings = settings;
    const { endpoint, region, account } = settings;
    const config = {
      endpoint,
      region,
      // ministack takes a number of twelve digits for the account.
      credentials: { accessKeyId: account, secretAccessKey: "none" },
    };
    this.#kinesis = new KinesisClient({ ...config, requestHandler: new NodeHttpHandler() });
    this.#lambda = new LambdaClient({
      ...config,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({ requestTimeout: CALL_MS, socketTimeout: CALL_MS }),
    });
    this.#s3 = new S3Client({ ...config, forcePathStyle: true });
    this.#sqs = new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
    this.#iam = new IAMClient(config);
  }

  async functionOf(name: string): Promise<{ role: string; logGroup: string }> {
    const command = new GetFunctionConfigurationCommand({ FunctionName: name });
    const { Role = "", LoggingConfig } = await this.#lambda.send(command);
    return { role: Role, logGroup: LoggingConfig?.LogGroup ?? `/aws/lambda/${name}` };
  }

  async policiesOf(roleArn: string): Promise<Record<string, unknown>> {
    const RoleName = roleArn.split("/").pop() ?? "";
    const { PolicyNames = [] } = await this.#iam.send(new ListRolePoliciesCommand({ RoleName }));
    const policies = await Promise.all(
      PolicyNames.map(async (PolicyName) => {
        const found = await this.#iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
        const text = decodeURIComponent(found.PolicyDocument ?? "{}");
        return [PolicyName, JSON.parse(text) as unknown] as const;
      }),
    );
    return Object.fromEntries(policies);
  }

  /** @throws Error when the function failed, with what it said. */
  async invoke(functionArn: string, event: unknown): Promise<unknown> {
    const { Payload, FunctionError } = await this.#lambda.send(
      new InvokeCommand({
        FunctionName: functionArn.replace(/:\$LATEST$/, ""),
        Payload: Buffer.from(JSON.stringify(event)),
      }),
    );
    const text = Buffer.from(Payload ?? []).toString();
    if (FunctionError !== undefined) throw new Error(text);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }

  async put(Bucket: string, Key: string, Body: Buffer): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  }

  async send(queueArn: string, message: unknown): Promise<void> {
    const [name, account] = queueArn.split(":").reverse();
    const QueueUrl = `${this.#settings.endpoint}/${account}/${name}`;
    await this.#sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }),
    );
  }

  async shards(StreamARN: string): Promise<string[]> {
    const { Shards } = await this.#kinesis.send(new ListShardsCommand({ StreamARN }));
    return (Shards ?? []).map(({ ShardId }) => ShardId ?? "");
  }

  async iterator(StreamARN: string, ShardId: string, type: ShardIteratorType): Promise<string> {
    const { ShardIterator } = await this.#kinesis.send(
      new GetShardIteratorCommand({ StreamARN, ShardId, ShardIteratorType: type }),
    );
    return ShardIterator ?? "";
  }

  async read(
    ShardIterator: string,
  ): Promise<{ records: StreamRecord[]; next: string | undefined }> {
    const { Records, NextShardIterator } = await this.#kinesis.send(
      new GetRecordsCommand({ ShardIterator }),
    );
    const records = (Records ?? []).map((record) => ({
      sequenceNumber: record.SequenceNumber ?? "",
      partitionKey: record.PartitionKey ?? "",
      data: Buffer.from(record.Data ?? []).toString("base64"),
      arrivedAt: record.ApproximateArrivalTimestamp?.getTime() ?? 0,
    }));
    return { records, next: NextShardIterator };
  }
}
