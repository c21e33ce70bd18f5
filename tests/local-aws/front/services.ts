import { setTimeout as pause } from "node:timers/promises";
import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";
import type { Backend, BackendSettings } from "./backend";
import type { Call } from "./call";
import { Faults } from "./faults";
import { Firehose } from "./firehose";
import { Mappings } from "./mappings";
import { neededFor } from "./needed";
import { Permissions } from "./permissions";
import { Waf } from "./waf";

export interface ServicesSettings extends BackendSettings {
  /** Seconds that delivery streams gather lines for an object, at most. */
  readonly longestBuffer: number;
  /** Of the faults. */
  readonly seed: number;
}

const MAPPINGS_PATH = /^\/2015-03-31\/event-source-mappings\/?([\w-]*)\/?$/;
/** What Lambda itself does with a stream, with the function's role. */
const STREAM_ACTIONS = [
  "kinesis:DescribeStream",
  "kinesis:DescribeStreamSummary",
  "kinesis:GetRecords",
  "kinesis:GetShardIterator",
  "kinesis:ListShards",
];
/** What Lambda itself does with a queue, with the function's role. */
const QUEUE_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/** The name in a function's ARN, which may name a version behind it; a name alone is one too. */
const nameOf = (functionArn: string): string =>
  functionArn.replace(/^arn:.*:function:/, "").split(":")[0];

/**
 * What ministack does not do as AWS does: Firehose, WAF, and event source mappings of streams; and
 * what each function may do at all.
 */
export class Services {
  readonly waf: Waf;
  readonly firehose: Firehose;
  readonly mappings: Mappings;
  readonly permissions: Permissions;
  readonly faults: Faults;
  /** What functions failed with, and what the services themselves could not do. */
  readonly troubles: string[] = [];
  readonly #settings: ServicesSettings;
  readonly #backend: Backend;
  readonly #roles = new Map<string, Promise<string>>();

  constructor(settings: ServicesSettings, backend: Backend) {
    const { account, region, seed } = settings;
    this.#settings = settings;
    this.#backend = backend;
    this.faults = new Faults(seed);
    this.waf = new Waf({ account, region, now: Date.now });
    this.permissions = new Permissions(account, (role) => backend.policiesOf(role));
    this.firehose = new Firehose(settings, (roleArn) => ({
      invoke: (functionArn, event) =>
        this.#invoke(functionArn, event, () =>
          this.permissions.require(roleArn, {
            action: "lambda:InvokeFunction",
            resource: functionArn,
          }),
        ),
      put: async (bucket, key, body) => {
        await this.permissions.require(roleArn, {
          action: "s3:PutObject",
          resource: `arn:aws:s3:::${bucket}/${key}`,
        });
        await backend.put(bucket, key, body);
      },
      now: Date.now,
      later: (ms, call) => setTimeout(call, ms).unref(),
      pause,
    }));
    this.mappings = new Mappings(settings, {
      shards: (arn) => backend.shards(arn),
      iterator: ({ EventSourceArn = "", StartingPosition = "LATEST" }, shardId) =>
        backend.iterator(EventSourceArn, shardId, StartingPosition),
      read: (iterator) => backend.read(iterator),
      reader: (mapping) => this.#readerPorts(mapping),
      pause,
      trouble: (error) => this.troubles.push(`mapping: ${String(error)}`),
    });
  }

  /** @throws AwsError AccessDenied when it is a function that calls and its role does not allow it. */
  async permit(call: Call): Promise<void> {
    if (call.caller === undefined) return;
    const role = await this.#roleOf(call.caller.functionName);
    await this.permissions.require(role, neededFor(call, { ...this.#settings, waf: this.waf }));
  }

  /**
   * S3 tells only those who may list a bucket that an object is not there; others are refused.
   *
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
   */
  async permitMissing({ service, action, path, caller }: Call): Promise<void> {
    if (caller === undefined || service !== "s3" || action !== "GetObject") return;
    const role = await this.#roleOf(caller.functionName);
    const resource = `arn:aws:s3:::${path.split("/")[1]}`;
    await this.permissions.require(role, { action: "s3:ListBucket", resource });
  }

  /** The role of a function, which must also be allowed what Lambda does with it for the log. */
  #roleOf(functionName: string): Promise<string> {
    const known = this.#roles.get(functionName) ?? this.#readRole(functionName);
    this.#roles.set(functionName, known);
    known.catch(() => this.#roles.delete(functionName));
    return known;
  }

  async #readRole(functionName: string): Promise<string> {
    const { role, logGroup } = await this.#backend.functionOf(functionName);
    const { region, account } = this.#settings;
    const resource = `arn:aws:logs:${region}:${account}:log-group:${logGroup}:log-stream:run`;
    for (const action of ["logs:CreateLogStream", "logs:PutLogEvents"])
      await this.permissions.require(role, { action, resource });
    return role;
  }

  /** Undefined when ministack is to answer. */
  async answer(call: Call): Promise<unknown> {
    const { service, action, body, method, path } = call;
    const input = (): never => JSON.parse(body.toString() || "{}") as never;
    if (service === "firehose") return this.firehose.answer(action, input());
    if (service === "wafv2") return this.waf.answer(action, input());
    if (service === "iam") this.#notePolicy(action, new URLSearchParams(body.toString()));
    if (service !== "lambda") return undefined;
    if (method !== "GET") this.#roles.clear();
    const [, id] = MAPPINGS_PATH.exec(path) ?? [];
    return id === undefined ? undefined : this.#answerMapping(method, id, input);
  }

  #notePolicy(action: string, form: URLSearchParams): void {
    this.permissions.forget();
    if (action !== "PutRolePolicy") return;
    const policy = JSON.parse(form.get("PolicyDocument") ?? "{}") as unknown;
    this.permissions.grant(form.get("RoleName") ?? "", policy);
  }

  async #answerMapping(method: string, id: string, input: () => never): Promise<unknown> {
    if (method === "POST" && id === "") {
      const wanted = input() as EventSourceMappingConfiguration & { FunctionName: string };
      if (wanted.EventSourceArn?.includes(":kinesis:") === true)
        return this.mappings.create(wanted);
      // "The provided execution role does not have permissions to call ReceiveMessage on SQS"
      const role = await this.#roleOf(nameOf(wanted.FunctionName));
      for (const action of QUEUE_ACTIONS)
        await this.permissions.require(role, { action, resource: wanted.EventSourceArn ?? "" });
      return undefined;
    }
    if (!this.mappings.has(id)) return undefined;
    if (method === "GET") return this.mappings.get(id);
    return method === "PUT" ? this.mappings.update(id, input()) : this.mappings.delete(id);
  }

  /** Calls a function as AWS does with a role, and now and then twice. */
  async #invoke(
    functionArn: string,
    event: unknown,
    permit: () => Promise<void>,
  ): Promise<unknown> {
    try {
      await permit();
      const answer = await this.#backend.invoke(functionArn, event);
      // The answer got lost on the way back: nobody knows, and the call comes again.
      if (!this.faults.isDeliveredTwice()) return answer;
      return await this.#backend.invoke(functionArn, event);
    } catch (error) {
      this.troubles.push(`${nameOf(functionArn)}: ${String(error)}`);
      throw error;
    }
  }

  #readerPorts(mapping: EventSourceMappingConfiguration) {
    const { FunctionArn = "", EventSourceArn = "", DestinationConfig } = mapping;
    const functionName = nameOf(FunctionArn);
    return {
      invoke: (event: unknown) =>
        this.#invoke(FunctionArn, event, async () => {
          const role = await this.#roleOf(functionName);
          for (const action of STREAM_ACTIONS)
            await this.permissions.require(role, { action, resource: EventSourceArn });
        }),
      fail: async (message: unknown) => {
        const queueArn = DestinationConfig?.OnFailure?.Destination ?? "";
        const role = await this.#roleOf(functionName);
        await this.permissions.require(role, { action: "sqs:SendMessage", resource: queueArn });
        await this.#backend.send(queueArn, message);
      },
      now: Date.now,
      pause,
    };
  }
}
