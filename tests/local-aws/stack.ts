import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { parse, stringify } from "yaml";
import { BIN, CHECKOUT, KEPT } from "./paths";
import { propertyNames } from "./provider/property-names";
import { TYPES } from "./provider/types";
import type { World } from "./world";

/** What the program is, seen from the engine. */
const PROGRAM = [
  "index.ts",
  "infra",
  "functions",
  "node_modules",
  "package.json",
  "tsconfig.json",
  "Pulumi.yaml",
];

/** The stack's configuration, with the keys of `Pulumi.yaml` without "floodgate:". */
export type StackConfig = Readonly<Record<string, unknown>>;

export interface Finished {
  readonly code: number;
  /** Both outputs as they came. */
  readonly text: string;
}

/** One stack of the program, driven by the real CLI and engine, its state in the world's folder. */
export class Stack {
  readonly name: string;
  readonly #world: World;
  /** Where the program and its stack files are. */
  readonly folder: string;

  private constructor(world: World, name: string) {
    [this.#world, this.name] = [world, name];
    this.folder = join(world.folder, "program");
  }

  static async init(world: World, name: string, config: StackConfig): Promise<Stack> {
    const stack = new Stack(world, name);
    buildProvider();
    mkdirSync(join(world.folder, "state"), { recursive: true });
    if (!existsSync(stack.folder)) {
      mkdirSync(stack.folder);
      for (const part of PROGRAM) symlinkSync(join(CHECKOUT, part), join(stack.folder, part));
    }
    await stack.#must("stack", "init", name);
    stack.configure(config);
    return stack;
  }

  /** Replaces the stack's configuration. */
  configure(config: StackConfig): void {
    const file = join(this.folder, `Pulumi.${this.name}.yaml`);
    const before = existsSync(file) ? (parse(readFileSync(file, "utf8")) as object) : {};
    const entries = Object.entries(config).map(([key, value]) => [`floodgate:${key}`, value]);
    writeFileSync(file, stringify({ ...before, config: Object.fromEntries(entries) as object }));
  }

  preview = (...flags: string[]): Promise<string> => this.#must("preview", ...flags);
  up = (...flags: string[]): Promise<string> =>
    this.#must("up", "--yes", "--skip-preview", ...flags);
  refresh = (...flags: string[]): Promise<string> =>
    this.#must("refresh", "--yes", "--skip-preview", ...flags);
  destroy = (...flags: string[]): Promise<string> =>
    this.#must("destroy", "--yes", "--skip-preview", ...flags);

  async outputs(): Promise<Record<string, Record<string, string>>> {
    const text = await this.#must("stack", "output", "--json", "--show-secrets");
    return JSON.parse(text) as Record<string, Record<string, string>>;
  }

  /** The resources of the state, by type and name. */
  async resources(): Promise<{ type: string; name: string; id: string }[]> {
    const text = await this.#must("stack", "export");
    const { deployment } = JSON.parse(text) as {
      deployment: { resources?: { urn: string; type: string; id?: string }[] };
    };
    return (deployment.resources ?? []).map(({ urn, type, id = "" }) => ({
      type,
      id,
      name: urn.split("::")[3],
    }));
  }

  /** @throws Error when the stack has no resource of that name. */
  async idOf(name: string): Promise<string> {
    const found = (await this.resources()).find((one) => one.name === name);
    if (found === undefined) throw new Error(`the stack has no ${name}`);
    return found.id;
  }

  /** Runs a command and says how it ended. */
  run(command: string, ...args: string[]): Promise<Finished> {
    const child = spawn(
      join(BIN, "pulumi"),
      [command, ...args, "--non-interactive", ...this.#selected(command, args)],
      {
        cwd: this.folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          ...this.#world.environment,
          PATH: `${BIN}:${process.env["PATH"] ?? ""}`,
          PULUMI_HOME: join(this.#world.folder, "home"),
          PULUMI_BACKEND_URL: `file://${join(this.#world.folder, "state")}`,
          PULUMI_CONFIG_PASSPHRASE: "none",
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        },
      },
    );
    const end = (): void => void child.kill();
    process.once("exit", end);
    let text = "";
    for (const output of [child.stdout, child.stderr])
      output.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        process.off("exit", end);
        resolve({ code: code ?? 1, text });
      });
    });
  }

  #selected = (command: string, args: readonly string[]): string[] =>
    command === "stack" && args[0] === "init" ? [] : ["--stack", this.name];

  async #must(command: string, ...args: string[]): Promise<string> {
    const { code, text } = await this.run(command, ...args);
    if (code !== 0)
      throw new Error(
        `pulumi ${command} ${args.join(" ")} ended with ${code}:\n${reasonsIn(text)}`,
      );
    return text;
  }
}

/** What the CLI says at the end, without the list of resources. */
export const reasonsIn = (text: string): string =>
  text.slice(Math.max(0, text.indexOf("Diagnostics:")));

let isBuilt = false;

/** One file, so that it starts fast, and the property names beside it. */
function buildProvider(): void {
  if (isBuilt) return;
  isBuilt = true;
  const folder = join(KEPT, "provider");
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, "provider/index.ts")],
    write: false,
    bundle: true,
    platform: "node",
    target: "node20",
    external: ["@pulumi/pulumi"],
    logLevel: "warning",
  });
  put(join(folder, "index.js"), outputFiles[0].text);
  const names = JSON.stringify(propertyNames(Object.keys(TYPES)));
  put(join(folder, "property-names.json"), names);
  const script = `#!/bin/sh\nexec node ${join(folder, "index.js")} "$@"\n`;
  put(join(BIN, "pulumi-resource-aws"), script, 0o755);
}

/** Whole at once: another run may be starting it. */
function put(path: string, text: string, mode = 0o644): void {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, text, { mode });
  renameSync(fresh, path);
}
