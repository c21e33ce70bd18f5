import {
  createServer,
  request as httpRequest,
  Agent,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";
import { AwsError } from "./aws-error";
import { Backend, type BackendSettings } from "./backend";
import { readCall, type Call } from "./call";
import { Faults } from "./faults";
import { Firehose } from "./firehose";
import { Mappings } from "./mappings";
import { neededFor } from "./needed";
import { Permissions } from "./permissions";
import { Waf } from "./waf";

export interface FrontSettings extends BackendSettings {
  readonly port: number;
  /** Seconds that delivery streams gather lines for an object, at most. */
  readonly longestBuffer: number;
  readonly seed: number;
}

/** A call that is never answered is broken off after this time, as a network would. */
const SILENCE_MS = 20_000;
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

/**
 * AWS's endpoint for a run: it answers what ministack does not do as AWS does (Firehose, WAF, event
 * source mappings of streams), passes everything else on, refuses what a function's role does not
 * allow, and makes calls go wrong on demand.
 */
export class Front {
  readonly waf: Waf;
  readonly firehose: Firehose;
  readonly mappings: Mappings;
  readonly permissions: Permissions;
  readonly faults: Faults;
  /** What functions failed with, and what the front itself could not do. */
  readonly troubles: string[] = [];
  readonly #settings: FrontSettings;
  readonly #backend: Backend;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #roles = new Map<string, Promise<string>>();

  constructor(settings: FrontSettings) {
    const { account, region, seed } = settings;
    this.#settings = settings;
    this.#backend = new Backend(settings);
    this.faults = new Faults(seed);
    this.waf = new Waf({ account, region, now: Date.now });
    this.permissions = new Permissions(account, (role) => this.#backend.policiesOf(role));
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
        await this.#backend.put(bucket, key, body);
      },
      now: Date.now,
      later: (ms, call) => setTimeout(call, ms).unref(),
      pause,
    }));
    this.mappings = new Mappings(settings, {
      shards: (arn) => this.#backend.shards(arn),
      iterator: (arn, shardId) => this.#backend.iterator(arn, shardId, "TRIM_HORIZON"),
      read: (iterator) => this.#backend.read(iterator),
      reader: (mapping) => this.#readerPorts(mapping),
      pause,
      trouble: (error) => this.troubles.push(`mapping: ${String(error)}`),
    });
  }

  /** Listens, and says where. */
  async open(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#settings.port, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.mappings.stop();
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
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
      this.troubles.push(`${functionArn.split(":")[6]}: ${String(error)}`);
      throw error;
    }
  }

  #readerPorts(mapping: EventSourceMappingConfiguration) {
    const { FunctionArn = "", EventSourceArn = "", DestinationConfig } = mapping;
    const functionName = FunctionArn.split(":").pop() ?? "";
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

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let call: Call | undefined;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      call = readCall(request, body);
      if (await this.#misfortune(call, request, response)) return;
      await this.#permit(call);
      const own = await this.#answer(call);
      if (own === undefined) await this.#passOn(request, body, response);
      else sendJson(response, 200, own);
    } catch (error) {
      const known = error instanceof AwsError ? error : undefined;
      if (known === undefined) this.troubles.push(`front: ${String(error)}`);
      const answer = known ?? new AwsError("InternalFailure", String(error), 500);
      sendError(response, call?.service, answer);
    }
  }

  /** Whether the call has gone wrong and needs no further answer. */
  async #misfortune(
    call: Call,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<boolean> {
    const fault = this.faults.strike(call);
    switch (fault) {
      case undefined:
        return false;
      case "throttle":
        throw new AwsError(THROTTLED[call.service] ?? "ThrottlingException", "Rate exceeded");
      case "error":
        throw new AwsError("InternalFailure", "the service is out of order", 500);
      case "silence":
        await pause(SILENCE_MS, undefined, { ref: false });
        response.destroy();
        return true;
      case "lost-token":
        if (call.service === "wafv2")
          this.waf.sets.loseToken((JSON.parse(call.body.toString()) as { Id: string }).Id);
        return false;
      case "lost-answer":
      case "kill":
        await this.#permit(call);
        await this.#answerQuietly(call, request);
        if (fault === "kill" && call.caller) kill(call.caller.pid);
        response.destroy();
        return true;
    }
  }

  async #answerQuietly(call: Call, request: IncomingMessage): Promise<void> {
    if ((await this.#answer(call)) === undefined) await this.#passOn(request, call.body, undefined);
  }

  async #permit(call: Call): Promise<void> {
    if (call.caller === undefined) return;
    const role = await this.#roleOf(call.caller.functionName);
    await this.permissions.require(role, neededFor(call, { ...this.#settings, waf: this.waf }));
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
  async #answer(call: Call): Promise<unknown> {
    const { service, action, body, method, path } = call;
    const input = (): never => JSON.parse(body.toString() || "{}") as never;
    if (service === "firehose") return this.firehose.answer(action, input());
    if (service === "wafv2") return this.waf.answer(action, input());
    if (service === "iam") this.permissions.forget();
    if (service !== "lambda") return undefined;
    if (method !== "GET") this.#roles.clear();
    const [, id] = MAPPINGS_PATH.exec(path) ?? [];
    return id === undefined ? undefined : this.#answerMapping(method, id, input);
  }

  async #answerMapping(method: string, id: string, input: () => never): Promise<unknown> {
    if (method === "POST" && id === "") {
      const wanted = input() as EventSourceMappingConfiguration & { FunctionName: string };
      if (wanted.EventSourceArn?.includes(":kinesis:") === true)
        return this.mappings.create(wanted);
      // "The provided execution role does not have permissions to call ReceiveMessage on SQS"
      const role = await this.#roleOf(wanted.FunctionName.split(":").pop() ?? "");
      for (const action of QUEUE_ACTIONS)
        await this.permissions.require(role, { action, resource: wanted.EventSourceArn ?? "" });
      return undefined;
    }
    if (!this.mappings.has(id)) return undefined;
    if (method === "GET") return this.mappings.get(id);
    return method === "PUT" ? this.mappings.update(id, input()) : this.mappings.delete(id);
  }

  /** Hands a request to ministack as it is, and its answer back. */
  async #passOn(
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse | undefined,
  ): Promise<void> {
    const { hostname, port } = new URL(this.#settings.endpoint);
    const headers = { ...request.headers, "content-length": String(body.length) };
    delete (headers as Record<string, unknown>)["transfer-encoding"];
    delete (headers as Record<string, unknown>)["expect"];
    await new Promise<void>((resolve, reject) => {
      const { method, url: path } = request;
      const onward = httpRequest(
        { hostname, port, method, path, headers, agent: this.#agent },
        (answer) => {
          answer.once("end", resolve).once("error", reject);
          if (response === undefined) answer.resume();
          else {
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(response);
          }
        },
      );
      onward.once("error", reject);
      onward.end(body);
    });
  }
}

/** Each service has its own name for it. */
const THROTTLED: Readonly<Record<string, string>> = {
  kinesis: "ProvisionedThroughputExceededException",
  dynamodb: "ProvisionedThroughputExceededException",
  firehose: "ServiceUnavailableException",
  s3: "SlowDown",
};

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify(body));
}

/** Services that answer in XML refuse in XML. */
function sendError(
  response: ServerResponse,
  service: string | undefined,
  { name, message, status }: AwsError,
): void {
  if (response.headersSent || response.destroyed) return;
  const xml = `<Error><Code>${name}</Code><Message>${message}</Message></Error>`;
  if (service !== "s3" && service !== "sns") {
    response.setHeader("x-amzn-errortype", name);
    sendJson(response, status, { __type: name, message });
    return;
  }
  response.writeHead(status, { "content-type": "text/xml" });
  response.end(service === "s3" ? xml : `<ErrorResponse>${xml}</ErrorResponse>`);
}
