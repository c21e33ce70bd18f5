import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clearLeftOvers, makeRun, remember } from "./left-overs";
import { Nginx } from "./traffic/nginx";
import { Trouble } from "./trouble";

describe("bad surroundings of a local run", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "floodgate-surroundings-"))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Set-up with a `PATH` that holds these commands only, each a script that prints a version. */
  function setUpWith(commands: Readonly<Record<string, string>>) {
    for (const [name, version] of Object.entries(commands))
      writeFileSync(join(folder, name), `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 });
    symlinkSync("/bin/sh", join(folder, "sh"));
    const script = join(__dirname, "setup.mjs");
    return spawnSync(process.execPath, [script], { env: { PATH: folder }, encoding: "utf8" });
  }

  for (const [what, commands, message] of [
    ["no Go", {}, /Go 1\.24 or newer is needed, found none\.\n.*go\.dev/],
    ["an old Go", { go: "go version go1.19.8" }, /Go 1\.24 or newer is needed, found 1\.19\./],
    ["no Python", { go: "go version go1.26.0" }, /Python 3\.10 or newer is needed, found none\.\n/],
    [
      "an old Python",
      { go: "go version go1.26.0", python3: "Python 3.9.2" },
      /Python 3\.10 or newer is needed, found 3\.9\./,
    ],
  ] as const)
    it(`${what}: set-up says what is needed and how to get it`, () => {
      const { status, stderr } = setUpWith(commands);
      assert.equal(status, 1);
      assert.match(stderr, message);
    });

  it("a taken port: it is named", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const starting = Nginx.start(folder, port, "");
    await assert.rejects(
      starting,
      (error) => error instanceof Trouble && error.message.startsWith(`port ${port} is taken`),
    );
    server.close();
  });

  it("a run that was killed half-way: the next one ends what it left, and only that", async () => {
    const alive = makeRun(folder);
    // Nobody has this number: the owner's process has ended.
    const dead = join(folder, `${spawnSync("true").pid}-xyz`);
    mkdirSync(dead);
    const wait = "setTimeout(() => undefined, 60000)";
    const options = { detached: true, stdio: "ignore" } as const;
    const left = spawn(process.execPath, ["-e", wait, "like-nginx"], options);
    const stranger = spawn(process.execPath, ["-e", wait, "like-something-else"], options);
    for (const { pid } of [left, stranger]) remember(dead, pid);
    const ended = once(left, "exit");
    clearLeftOvers(folder);
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    assert.equal(stranger.exitCode, null);
    stranger.kill("SIGKILL");
    assert.deepEqual([existsSync(dead), existsSync(alive)], [false, true]);
  });
});
