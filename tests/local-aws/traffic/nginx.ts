import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LOG_FILE } from "../../../infra/log-formats";
import { remember } from "../left-overs";
import { Trouble } from "../trouble";

/** Debian's nginx with the configuration that the component gives out, on a port of its own. */
export class Nginx {
  readonly logFile: string;
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(logFile: string, url: string, child: ChildProcess) {
    [this.logFile, this.url, this.#process] = [logFile, url, child];
  }

  /** `run` is the run's folder, `part` is for nginx's `http` block. @throws Trouble without nginx, or with the port taken. */
  static async start(run: string, port: number, part: string): Promise<Nginx> {
    const folder = join(run, "nginx");
    mkdirSync(folder, { recursive: true });
    const logFile = join(folder, "access.log");
    writeFileSync(logFile, "");
    const file = join(folder, "nginx.conf");
    writeFileSync(file, configuration(folder, port, part.replaceAll(LOG_FILE, logFile)));
    await checkPort(port);
    const child = spawn("nginx", ["-e", join(folder, "error.log"), "-c", file], {
      stdio: "ignore",
      detached: true,
    });
    remember(run, child.pid);
    let failure: Error | undefined;
    child.once("error", (error) => (failure = error));
    const url = `http://127.0.0.1:${port}`;
    for (let tries = 0; tries < 50; tries++) {
      await pause(100);
      if (failure !== undefined)
        throw new Trouble(
          `nginx does not start (${failure.message}).\nDebian: apt-get install nginx-light`,
        );
      if (child.exitCode !== null)
        throw new Trouble(`nginx ended: ${readFileSync(join(folder, "error.log"), "utf8")}`);
      if (
        await fetch(`${url}/up`).then(
          () => true,
          () => false,
        )
      )
        return new Nginx(logFile, url, child);
    }
    throw new Trouble(`nginx does not answer on port ${port}`);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGQUIT");
    await ended;
  }

  /** Lines that are in the log now. */
  lines(): string[] {
    return readFileSync(this.logFile, "latin1").split("\n").slice(0, -1);
  }
}

/** @throws Trouble when somebody listens there. */
export async function checkPort(port: number): Promise<void> {
  if (await isTaken(port))
    throw new Trouble(`port ${port} is taken: end what listens there, or give another port.`);
}

const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => {
      resolve(false);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });

/** Pages that are there, and everything else that is not. */
const configuration = (folder: string, port: number, part: string): string => `
worker_processes 1;
pid ${folder}/nginx.pid;
daemon off;
events {}
http {
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  ${part}
  server {
    listen 127.0.0.1:${port};
    location = / { return 200 "home\\n"; }
    location /page/ { return 200 "page\\n"; }
    location = /up { access_log off; return 200 "up\\n"; }
    location / { return 404 "not here\\n"; }
  }
}
`;
