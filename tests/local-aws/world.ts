import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Backend } from "./front/backend";
import { Front } from "./front/front";
import { Services } from "./front/services";
import { clearLeftOvers, endGroup, endGroups, makeRun, remember } from "./left-overs";
import { BIN, KEPT, MINISTACK } from "./paths";
import { noteUsage } from "./usage";
import { Trouble } from "./trouble";

// Node 20 is promised; that the SDK will want a newer one some day is no news for each run.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

export const REGION = "eu-west-1";
export const ACCOUNT = "123456789012";
/** Nothing stands behind it; a web ACL can protect it all the same. */
export const BALANCER = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:loadbalancer/app/web/0123456789abcdef`;

export interface WorldSettings {
  /** @default 0, any that is free */
  readonly port?: number;
  /** Seconds until delivery streams write an object, instead of the five minutes of the program. */
  readonly longestBuffer?: number;
  /** Of faults. */
  readonly seed?: number;
}

interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly forcePathStyle: boolean;
  readonly useQueueUrlAsEndpoint: boolean;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Ends the process as a shell counts it, by way of its handlers of `exit`. */
const end = (): void => process.exit(130);

const READY_MS = 60_000;
/** For functions, logs and archives, in bytes. */
const ROOM = 1e9;

/** AWS on this machine: ministack and the front before it, in a folder that goes when it ends. */
export class World {
  readonly endpoint: string;
  readonly folder: string;
  readonly services: Services;
  readonly #front: Front;
  readonly #ministack: ChildProcess;
  /** For whoever ends the process without closing. */
  readonly #atExit = (): void => {
    this.#clear();
  };

  private constructor(
    world: Pick<World, "endpoint" | "folder" | "services">,
    front: Front,
    ministack: ChildProcess,
  ) {
    this.endpoint = world.endpoint;
    this.folder = world.folder;
    this.services = world.services;
    this.#front = front;
    this.#ministack = ministack;
    process.once("exit", this.#atExit);
    for (const signal of SIGNALS) process.once(signal, end);
  }

  /** @throws Trouble when set-up was not run, or the port is taken. */
  static async open({ port = 0, longestBuffer = 3, seed = 1 }: WorldSettings = {}): Promise<World> {
    for (const needed of [MINISTACK, join(BIN, "pulumi"), join(BIN, "pulumi-language-nodejs")])
      if (!existsSync(needed))
        throw new Trouble(`${needed} is missing: run "npm run local-aws:setup" first.`);
    const runs = join(KEPT, "runs");
    clearLeftOvers(runs);
    mkdirSync(runs, { recursive: true });
    const { bavail, bsize } = statfsSync(runs);
    if (bavail * bsize < ROOM)
      throw new Trouble(`the disk is nearly full: a run needs ${ROOM / 1e9} GB in ${KEPT}.`);
    const inner = await freePort();
    const endpoint = `http://127.0.0.1:${inner}`;
    const settings = { endpoint, region: REGION, account: ACCOUNT, longestBuffer, seed };
    const services = new Services(settings, new Backend(settings));
    const front = new Front(services, endpoint);
    const url = await front.open(port).catch((error: unknown) => {
      if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
      throw new Trouble(`port ${port} is taken: end what listens there, or give another --port.`);
    });
    const folder = makeRun(runs);
    const ministack = start(inner, url, folder);
    remember(folder, ministack.pid);
    const world = new World({ endpoint: url, folder, services }, front, ministack);
    try {
      await world.#ready(endpoint);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** What the SDK and the CLI need to come here. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: ACCOUNT,
      AWS_SECRET_ACCESS_KEY: "none",
    };
  }

  /** A client of any service. */
  client<Client>(make: new (config: ClientConfig) => Client): Client {
    return new make({
      endpoint: this.endpoint,
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: "none" },
      forcePathStyle: true,
      useQueueUrlAsEndpoint: false,
    });
  }

  /** Ends everything and leaves nothing behind. */
  async close(): Promise<void> {
    noteUsage(this.services.permissions.usage());
    await this.#front.close();
    const { pid, exitCode } = this.#ministack;
    if (pid !== undefined && exitCode === null) {
      const ended = new Promise((resolve) => this.#ministack.once("exit", resolve));
      // Its functions are in its process group.
      endGroup(pid, "SIGTERM");
      await Promise.race([ended, pause(5000, undefined, { ref: false })]);
    }
    process.off("exit", this.#atExit);
    for (const signal of SIGNALS) process.off(signal, end);
    this.#clear();
  }

  #clear(): void {
    endGroups(this.folder);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #ready(endpoint: string): Promise<void> {
    const until = Date.now() + READY_MS;
    for (;;) {
      const isUp = await fetch(`${endpoint}/_ministack/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isUp) return;
      if (this.#ministack.exitCode !== null || Date.now() > until)
        throw new Trouble(`ministack does not start:\n${tail(join(this.folder, "ministack.log"))}`);
      await pause(100);
    }
  }
}

function start(port: number, front: string, folder: string): ChildProcess {
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  const log = openSync(join(folder, "ministack.log"), "a");
  return spawn(MINISTACK, {
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      TMPDIR: temporary,
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: "local",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      // Functions inherit these.
      AWS_ENDPOINT_URL: front,
      NODE_OPTIONS: `--require ${join(__dirname, "front/in-function.cjs")}`,
    },
  });
}

const tail = (path: string): string => readFileSync(path, "utf8").split("\n").slice(-20).join("\n");

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
