import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Writes a whole configuration around its `http` block, all in a folder of its own. */
export function nginxConfigFile(folder: string, http: string): string {
  const file = join(folder, "nginx.conf");
  const lines = [`error_log ${folder}/error.log;`, `pid ${folder}/nginx.pid;`, "daemon off;"];
  writeFileSync(file, [...lines, "events {}", "http {", http, "}", ""].join("\n"));
  return file;
}

/** Runs nginx with a configuration that listens on a port of this machine, and ends it. */
export async function withNginx(
  file: string,
  port: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const nginx = spawn("nginx", ["-c", file]);
  try {
    for (let tries = 0; !(await isListening(port)); tries++) {
      if (tries > 50) throw new Error(`nginx does not listen on port ${port}`);
      await pause(100);
    }
    await work();
  } finally {
    nginx.kill("SIGQUIT");
    await once(nginx, "exit");
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
