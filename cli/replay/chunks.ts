import { open, type FileHandle } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
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
export const CHUNK = 1 << 19;

/** Opens a file or, for `-`, standard input; gzip is told by its first bytes, not by its name. */
export async function openChunks(path: string): Promise<ChunkSource> {
  if (path === "-") return openStandardInput();
  const file = await open(path);
  const magic = Buffer.alloc(2);
  await file.read(magic, 0, 2, 0);
  if (isGzip(magic)) {
    await file.close();
    const raw = createReadStream(path, { highWaterMark: CHUNK });
    return fromStream(unzip(raw), raw);
  }
  return readAhead(file);
}

/** Reads the next piece of a file while the last one is worked on: waiting would cost a fifth of a replay. */
function readAhead(file: FileHandle): ChunkSource {
  let taken = 0;
  const readNext = (buffer: Buffer): Promise<Buffer> =>
    file.read(buffer, 0, buffer.length).then(({ bytesRead }) => buffer.subarray(0, bytesRead));
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  let next = readNext(buffer);
  return {
    read: async (target, at) => {
      const piece = await next;
      piece.copy(target, at);
      taken += piece.length;
      if (piece.length > 0) next = readNext(buffer);
      return piece.length;
    },
    taken: () => taken,
    close: async () => {
      await next.catch(() => undefined);
      await file.close();
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
  const gunzip = createGunzip({ chunkSize: CHUNK });
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
