import { Presets, SingleBar } from "cli-progress";

export interface Progress {
  readonly update: (taken: number) => void;
  readonly close: () => void;
}

const MEGABYTE = 1_000_000;
const LINE_EVERY_MS = 5000;

/** Says on standard error how far the reading is: a bar on a terminal, elsewhere a line now and then. */
export function openProgress(total: number, isShown: boolean): Progress {
  if (!isShown) return { update: () => undefined, close: () => undefined };
  return process.stderr.isTTY ? openBar(total) : openLines(total);
}

function openBar(total: number): Progress {
  const bar = new SingleBar(
    {
      format: "reading {bar} {percentage} % | {value}/{total} MB | {eta_formatted} left",
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(megabytes(total), 0);
  return {
    update: (taken) => {
      bar.update(megabytes(taken));
    },
    close: () => {
      bar.stop();
    },
  };
}

function openLines(total: number): Progress {
  let next = Date.now() + LINE_EVERY_MS;
  return {
    update: (taken) => {
      if (Date.now() < next) return;
      next = Date.now() + LINE_EVERY_MS;
      process.stderr.write(
        `reading: ${String(megabytes(taken))} of ${String(megabytes(total))} MB\n`,
      );
    },
    close: () => undefined,
  };
}

const megabytes = (bytes: number): number => Math.round(bytes / MEGABYTE);
