// Bundles the command line into dist/cli, each command on its own, with all it needs inside.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const out = "dist/cli";
const settings = { bundle: true, legalComments: "none", logLevel: "warning" };

await Promise.all([
  build({
    ...settings,
    // A short text is read sooner; names stay, so that a stack trace says where.
    minifyWhitespace: true,
    minifySyntax: true,
    entryPoints: [
      "floodgate",
      "replay-command",
      "replay-worker",
      "explain-command",
      "rules-command",
    ].map((name) => `cli/${name}.ts`),
    outdir: out,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    external: ["./replay-command.js", "./explain-command.js", "./rules-command.js"],
    // Libraries that are modules ask where they lie.
    define: { "import.meta.url": "bundleUrl" },
    banner: {
      js: '#!/usr/bin/env node\nconst bundleUrl = require("node:url").pathToFileURL(__filename).href;',
    },
  }),
  build({
    ...settings,
    entryPoints: ["cli/report/charts.ts"],
    outdir: join(out, "report"),
    format: "iife",
    minify: true,
  }),
]);
mkdirSync(join(out, "report"), { recursive: true });
copyFileSync("cli/report/report.eta", join(out, "report/report.eta"));
copyFileSync(require.resolve("uplot/dist/uPlot.min.css"), join(out, "report/uPlot.min.css"));
