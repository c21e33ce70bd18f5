import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
const SCREENSHOTS = ".bench/screenshots";

interface Opened {
  readonly page: Page;
  readonly errors: string[];
  readonly requests: string[];
}

describe("the report in Chromium", () => {
  let folder = "";
  let browser: Browser;

  before(async () => {
    assert.ok(existsSync(CHROMIUM), `no ${CHROMIUM}; install Debian's package chromium`);
    folder = mkdtempSync(join(tmpdir(), "floodgate-report-"));
    mkdirSync(SCREENSHOTS, { recursive: true });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  function report(name: string, logs: readonly string[]): string {
    const file = join(folder, name);
    const { status, stderr } = spawnSync(
      process.execPath,
      ["dist/cli/floodgate.js", "replay", ...logs, "--quiet", "--report", file],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    return file;
  }

  async function openReport(
    file: string,
    settings: { width: number; colorScheme: "light" | "dark" },
  ): Promise<Opened> {
    const context = await browser.newContext({
      viewport: { width: settings.width, height: 900 },
      colorScheme: settings.colorScheme,
    });
    const page = await context.newPage();
    const errors: string[] = [];
    const requests: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    return { page, errors, requests };
  }

  for (const [name, settings] of [
    ["on a desk", { width: 1280, colorScheme: "light" }],
    ["on a phone in the dark", { width: 390, colorScheme: "dark" }],
  ] as const) {
    it(`opens ${name}: chart drawn, nothing fetched, nothing wider than the screen`, async () => {
      const file = report("samples.html", ["samples/logs/access.log.gz", "samples/logs/s3"]);

      const { page, errors, requests } = await openReport(file, settings);

      await page.waitForSelector("#chart canvas");
      assert.deepEqual(errors, []);
      assert.deepEqual(requests, [pathToFileURL(file).href]);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
      assert.ok((await page.locator(".cards .card").count()) >= 15);
      assert.ok((await page.locator("tbody tr").count()) >= 10);
      assert.equal(
        await page.locator("details pre", { hasText: "_anomaly_access_to_example-media_" }).count(),
        4,
      );
      const background = await page.evaluate<string>(
        "getComputedStyle(document.body).backgroundColor",
      );
      assert.equal(
        background,
        settings.colorScheme === "dark" ? "rgb(20, 23, 26)" : "rgb(251, 251, 249)",
      );
      await page.screenshot({
        path: `${SCREENSHOTS}/${settings.colorScheme}-${settings.width}.png`,
        fullPage: true,
      });
    });
  }

  it("says minute and requests where the mouse points, in UTC", async () => {
    const log = join(folder, "minutes.log");
    const line = (time: string): string =>
      `198.51.100.9 - - [22/Nov/2026:${time} +0100] "GET / HTTP/1.1" 200 1 "-" "curl"\n`;
    writeFileSync(log, line("00:58:30") + line("01:00:10") + line("01:00:20"));
    const { page } = await openReport(report("minutes.html", [log]), {
      width: 800,
      colorScheme: "light",
    });

    const plot = await page.locator("#chart .u-over").boundingBox();
    assert.ok(plot !== null);
    await page.mouse.move(plot.x + plot.width - 2, plot.y + 10);

    const values = await page.locator("#chart .u-legend .u-value").allTextContents();
    assert.deepEqual(values, ["2026-11-22 00:00", "2", "0"]);
  });

  it("runs nothing that stands in the log", async () => {
    const log = join(folder, "hostile.log");
    const attack = `"GET /?q=<script>document.title='owned'</script> HTTP/1.1" 200 1 "-" "</script><img src=x onerror=document.title='owned'>"`;
    writeFileSync(
      log,
      `198.51.100.9 - - [22/Nov/2026:01:45:34 +0000] ${attack}\n<svg onload=document.title='owned'>\n`,
    );

    const { page, errors } = await openReport(report("hostile.html", [log]), {
      width: 800,
      colorScheme: "light",
    });

    await page.waitForSelector("#chart canvas");
    assert.equal(await page.title(), "Floodgate replay");
    assert.deepEqual(errors, []);
    assert.equal(await page.locator("img, svg").count(), 0);
  });
});
