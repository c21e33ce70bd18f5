import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { createGunzip } from "node:zlib";

/** Where the bytes of a log come from; `read` fills a buffer and says how many bytes it got, 0 at the end. */
export interface ChunkSource {
  readonly read: (target: Buffer, at: number) => Promise<number>;
  /** Bytes taken from the disk so far, compressed ones where the file is. */
  readonly taken: () => number;
  readonly close: () => Promise<void>;
}

const GZIP_MAGIC = [0x1f, 0x8b];
/** Bytes asked for at once; a reader has room for at least as many. */
export const CHUNK = 1 << 17;
/** Bytes of a compressed log handed over at once, by another thread. */
const UNZIPPED = 1 << 19;
/** Milliseconds after which signals and messages get their turn. */
const TURN_MS = 20;

/** Opens a file or, for `-`, standard input; gzip is told by its first bytes, not by its name. */
export async function openChunks(path: string): Promise<ChunkSource> {
  if (path === "-") return openStandardInput();
  const file = openSync(path, "r");
  const magic = Buffer.alloc(2);
  readSync(file, magic, 0, 2, 0);
  if (!isGzip(magic)) return fromFile(file);
  closeSync(file);
  const raw = createReadStream(path, { highWaterMark: CHUNK });
  return fromStream(unzip(raw), raw);
}

/**
 * Reads in this very thread: handing a read over to another one takes longer than small pieces do,
 * which the system has read ahead anyway.
 */
function fromFile(file: number): ChunkSource {
  let taken = 0;
  let lastTurn = performance.now();
  return {
    read: async (target, at) => {
      if (performance.now() - lastTurn > TURN_MS) {
        await setImmediate();
        lastTurn = performance.now();
      }
      const got = readSync(file, target, at, CHUNK, null);
      taken += got;
      return got;
    },
    taken: () => taken,
    close: () => {
      closeSync(file);
      return Promise.resolve();
    },
  };
}

async function openStandardInput(): Promise<ChunkSource> {
  const { stdin } = process;
  const chunks = stdin.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const first = await chunks.next();
  if (first.done === true) return fromStream(Readable.from([]), stdin);
  const whole = Readable.from(startingWith(first.value, chunks));
  return fromStream(isGzip(first.value) ? unzip(whole) : whole, stdin);
}

async function* startingWith(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1];

function unzip(raw: Readable): Readable {
  const gunzip = createGunzip({ chunkSize: UNZIPPED });
  raw.on("error", (error) => gunzip.destroy(error));
  return raw.pipe(gunzip);
}

function fromStream(stream: Readable, raw: { readonly bytesRead?: number }): ChunkSource {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    read: async (target, at) => {
      if (rest.length === 0) {
        const { value, done } = (await chunks.next()) as IteratorResult<Buffer, undefined>;
        if (done === true) return 0;
        rest = value;
      }
      const copied = rest.copy(target, at);
      rest = rest.subarray(copied);
      return copied;
    },
    taken: () => raw.bytesRead ?? 0,
    close: () => {
      stream.destroy();
      return Promise.resolve();
    },
  };
}
