import { addAbortListener, once } from "node:events";
import { closeSync, createReadStream, open, openSync, read, readSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { createGunzip } from "node:zlib";
import { isGzip, MAGIC_BYTES } from "./packing";

/** Where the bytes of a log come from; `read` fills a buffer and says how many bytes it got, 0 at the end. */
export interface ChunkSource {
  readonly read: (target: Buffer, at: number) => Promise<number>;
  /** How many bytes `read` needs room for. */
  readonly room: number;
  /** Bytes taken from the disk so far, compressed ones where the file is. */
  readonly taken: () => number;
  readonly close: () => Promise<void>;
}

/** Bytes of a log handed on at once; they stay in the processor's cache while they are parsed. */
const CHUNK = 1 << 17;
/** Bytes that other threads read or unpack at once; handing them over takes as long as parsing fifty lines. */
const PIECE = 1 << 21;
/** A file that says it is empty may still be written to. */
const MIN_ROOM = 4096;

/**
 * Opens a file, a pipe or, for `-`, standard input; gzip is told by its first bytes, not by its name.
 * The signal ends a pipe, of which more may never come.
 *
 * @throws Error for other packings; see `isGzip`.
 */
export async function openChunks(path: string, signal?: AbortSignal): Promise<ChunkSource> {
  if (path === "-") return openPipe(process.stdin, signal);
  // Signals and messages get their turn, however many small files there are.
  await setImmediate();
  const stats = statSync(path);
  if (stats.isFIFO()) {
    // A socket can be ended while it waits; a file's read would keep the process alive.
    const fd = await openElsewhere(path, "r");
    return openPipe(new Socket({ fd, readable: true, writable: false }), signal);
  }
  if (!stats.isFile()) return openPipe(createReadStream(path), signal);
  const file = openSync(path, "r");
  const magic = Buffer.alloc(MAGIC_BYTES);
  readSync(file, magic, 0, MAGIC_BYTES, 0);
  if (!isGzip(magic)) return stats.size > CHUNK ? fromFile(file) : fromSmallFile(file, stats.size);
  closeSync(file);
  const raw = createReadStream(path, { highWaterMark: CHUNK });
  return fromStream(unzip(raw), raw);
}

/** Reads in this very thread: S3 writes many small files, each read before another thread has heard of it. */
function fromSmallFile(file: number, size: number): ChunkSource {
  let taken = 0;
  const room = Math.max(MIN_ROOM, size);
  return {
    read: (target, at) => {
      const got = readSync(file, target, at, room, null);
      taken += got;
      return Promise.resolve(got);
    },
    room,
    taken: () => taken,
    close: () => {
      closeSync(file);
      return Promise.resolve();
    },
  };
}

const openElsewhere = promisify(open);
const readElsewhere = promisify(read);

/** Reads the next piece of a file while the last one is worked on: waiting would cost a fifth of a replay. */
function fromFile(file: number): ChunkSource {
  let taken = 0;
  let [piece, spare] = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)];
  let reading = readElsewhere(file, piece, 0, PIECE, null);
  const next = async (): Promise<Buffer> => {
    const { bytesRead } = await reading;
    taken += bytesRead;
    const filled = piece.subarray(0, bytesRead);
    [piece, spare] = [spare, piece];
    if (bytesRead > 0) reading = readElsewhere(file, piece, 0, PIECE, null);
    return filled;
  };
  return {
    read: bitByBit(next),
    room: CHUNK,
    taken: () => taken,
    close: async () => {
      await reading.catch(() => undefined);
      closeSync(file);
    },
  };
}

/** Hands pieces on in parts of at most `CHUNK` bytes. */
function bitByBit(next: () => Promise<Buffer>): ChunkSource["read"] {
  let rest: Buffer = Buffer.alloc(0);
  return async (target, at) => {
    if (rest.length === 0) rest = await next();
    const copied = rest.copy(target, at, 0, CHUNK);
    rest = rest.subarray(copied);
    return copied;
  };
}

/** What can be read once: nothing may be taken from it to look at it beforehand. */
async function openPipe(
  pipe: Readable & { readonly bytesRead?: number },
  signal: AbortSignal | undefined,
): Promise<ChunkSource> {
  const whole = pipe.pipe(new PassThrough());
  pipe.on("error", (error) => whole.destroy(error));
  if (signal !== undefined) {
    addAbortListener(signal, () => {
      pipe.unpipe(whole).destroy();
      whole.end();
    });
  }
  await once(whole, "readable");
  const first = whole.read() as Buffer | null;
  if (first === null) return fromStream(whole, pipe);
  whole.unshift(first);
  return fromStream(isGzip(first) ? unzip(whole) : whole, pipe);
}

function unzip(raw: Readable): Readable {
  const gunzip = createGunzip({ chunkSize: PIECE });
  raw.on("error", (error) => gunzip.destroy(error));
  return raw.pipe(gunzip);
}

function fromStream(stream: Readable, raw: { readonly bytesRead?: number }): ChunkSource {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  return {
    read: bitByBit(async () => (await chunks.next()).value ?? Buffer.alloc(0)),
    room: CHUNK,
    taken: () => raw.bytesRead ?? 0,
    close: () => {
      stream.destroy();
      return Promise.resolve();
    },
  };
}
