import { join } from "node:path";
import { buildSync } from "esbuild";

/** The callbacks: one file each in `functions/handlers`. */
export type HandlerName =
  "parse" | "count" | "act" | "expire" | "parse-accesses" | "count-accesses" | "watch-accesses";

/** Under the folder that the program runs in, because archives hold paths as they are written. */
const OUT = "dist/floodgate";

const bundled = new Set<string>();

/**
 * Bundles a callback with all that it imports, once in each run of the program, so that yesterday's
 * code is never deployed. Returns the path to require, the same here and in the archive.
 */
export function bundle(name: HandlerName): string {
  const outfile = `${OUT}/${name}.js`;
  if (bundled.has(outfile)) return `./${outfile}`;
  bundled.add(outfile);
  buildSync({
    entryPoints: [join(__dirname, `../functions/handlers/${name}.ts`)],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    legalComments: "none",
    logLevel: "warning",
  });
  return `./${outfile}`;
}
