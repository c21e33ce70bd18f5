import { join } from "node:path";

export const CHECKOUT = join(__dirname, "../..");
/** Where everything goes that is built or kept for a run. */
export const KEPT = join(CHECKOUT, ".local-aws");
/** On the `PATH` of a run: the CLI, its Node language host, and the provider. */
export const BIN = join(KEPT, "bin");
export const MINISTACK = join(KEPT, "venv/bin/ministack");
