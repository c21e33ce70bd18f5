import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  Agent,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { AwsError } from "./aws-error";
import { readCall, type Call } from "./call";
import type { Services } from "./services";

/** A call that is never answered is broken off after this time, as a network would. */
const SILENCE_MS = 20_000;

/**
 * AWS's endpoint for a run: calls go to the services of our own or on to ministack, unless they are
 * refused or meant to go wrong.
 */
export class Front {
  readonly #services: Services;
  /** Of ministack. */
  readonly #endpoint: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(services: Services, endpoint: string) {
    this.#services = services;
    this.#endpoint = endpoint;
  }

  /** Listens, on any port that is free when it is 0, and says where. */
  async open(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#services.mappings.stop();
    this.#services.firehose.stop();
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let call: Call | undefined;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      call = readCall(request, body);
      if (await this.#misfortune(call, request, response)) return;
      await this.#services.permit(call);
      const own = await this.#services.answer(call);
      if (own === undefined) await this.#passOn(request, call, response);
      else sendJson(response, 200, own);
    } catch (error) {
      const known = error instanceof AwsError ? error : undefined;
      if (known === undefined) this.#services.troubles.push(`front: ${String(error)}`);
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
    const fault = this.#services.faults.strike(call);
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
          this.#services.waf.sets.loseToken(
            (JSON.parse(call.body.toString()) as { Id: string }).Id,
          );
        return false;
      case "lost-answer":
      case "kill":
        await this.#services.permit(call);
        await this.#answerQuietly(call, request);
        if (fault === "kill" && call.caller) kill(call.caller.pid);
        response.destroy();
        return true;
    }
  }

  async #answerQuietly(call: Call, request: IncomingMessage): Promise<void> {
    if ((await this.#services.answer(call)) === undefined)
      await this.#passOn(request, call, undefined);
  }

  /** Hands a request to ministack as it is, and its answer back. */
  async #passOn(
    request: IncomingMessage,
    call: Call,
    response: ServerResponse | undefined,
  ): Promise<void> {
    const { hostname, port } = new URL(this.#endpoint);
    const headers = { ...request.headers, "content-length": String(call.body.length) };
    delete (headers as Record<string, unknown>)["transfer-encoding"];
    delete (headers as Record<string, unknown>)["expect"];
    const { method, url: path } = request;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const to = { hostname, port, method, path, headers, agent: this.#agent };
      httpRequest(to, resolve).once("error", reject).end(call.body);
    });
    if (answer.statusCode === 404) await this.#services.permitMissing(call);
    if (response === undefined) answer.resume();
    else {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    }
    await once(answer, "end");
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
