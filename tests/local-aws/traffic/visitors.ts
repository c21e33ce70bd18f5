import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const VISITORS = 30;
const ATTACKERS = 40;
const TICK_MS = 200;
/** An attack begins this often. */
const ATTACK_MS = 4000;

/**
 * Writes a log of ordinary visitors and of attackers who come back now and then, as nginx would, in
 * real time; the same random numbers choose the same people.
 */
export class Visitors {
  readonly #path: string;
  readonly #random: () => number;
  #isStopped = false;
  #running: Promise<void>;
  lines = 0;

  constructor(path: string, random: () => number) {
    this.#path = path;
    this.#random = random;
    writeFileSync(path, "");
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let attackAt = Date.now() + ATTACK_MS;
    let attack = { client: "", left: 0 };
    while (!this.#isStopped) {
      const lines: string[] = [];
      for (let i = 0; i < VISITORS; i++)
        if (this.#random() < 0.1)
          lines.push(requestLine(`192.0.2.${i + 1}`, `/page/${Math.floor(this.#random() * 30)}`));
      if (Date.now() >= attackAt) {
        attackAt += ATTACK_MS;
        attack = { client: this.#attacker(), left: 25 + Math.floor(this.#random() * 30) };
      }
      for (let i = 0; i < 10 && attack.left > 0; i++, attack.left--)
        lines.push(requestLine(attack.client, "/login"));
      if (lines.length > 0) appendFileSync(this.#path, `${lines.join("\n")}\n`);
      this.lines += lines.length;
      await pause(TICK_MS);
    }
  }

  #attacker(): string {
    const n = 1 + Math.floor(this.#random() * ATTACKERS);
    return n % 5 === 0 ? `2001:db8:${n}::7` : `198.51.100.${n}`;
  }
}

/** A line of the format that the component gives out. */
export const requestLine = (
  client: string,
  uri: string,
  { status = 200, at = Date.now() }: { status?: number; at?: number } = {},
): string =>
  [
    `time:${new Date(at).toISOString().replace(/\.\d+Z/, "+00:00")}`,
    "remote_addr:10.0.0.1",
    `request:GET ${uri} HTTP/1.1`,
    `status:${status}`,
    "body_bytes_sent:5",
    "http_user_agent:tool/1.0",
    `http_x_forwarded_for:${client}`,
  ].join("\t");
