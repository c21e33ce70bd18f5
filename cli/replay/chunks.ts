import { open } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";

/** Where the bytes of a log come from; `read` fills a buffer and says how many bytes it got, 0 at the end. */
export interface ChunkSource {
  readonly read: (target: Buffer, at: number) => Promise<number>;
  /** Bytes taken from the disk so far, compressed ones where the file is. */
  readonly taken: () => number;
  readonly close: () => Promise<void>;
}

const GZIP_MAGIC = [0x1f, 0x8b];

/** Opens a file or, for `-`, standard input; gzip is told by its first bytes, not by its name. */
export async function openChunks(path: string): Promise<ChunkSource> {
  if (path === "-") return fromStream(process.stdin, process.stdin);
  const file = await open(path);
  const magic = Buffer.alloc(2);
  const { bytesRead } = await file.read(magic, 0, 2, 0);
  if (bytesRead === 2 && magic[0] === GZIP_MAGIC[0] && magic[1] === GZIP_MAGIC[1]) {
    await file.close();
    const raw = createReadStream(path, { highWaterMark: 1 << 18 });
    const gunzip = createGunzip({ chunkSize: 1 << 18 });
    raw.on("error", (error) => gunzip.destroy(error));
    return fromStream(raw.pipe(gunzip), raw);
  }
  let position = 0;
  return {
    read: async (target, at) => {
      const got = await file.read(target, at, target.length - at, position);
      position += got.bytesRead;
      return got.bytesRead;
    },
    taken: () => position,
    close: () => file.close(),
  };
}

function fromStream(
  stream: AsyncIterable<unknown> & { destroy: () => unknown },
  raw: NodeJS.ReadableStream & { bytesRead?: number },
): ChunkSource {
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
