import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { ObjectName } from "../parsing/s3-events";
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

/** An object's bytes piece by piece, unpacked when they are gzip. */
export type Opened = AsyncIterable<Buffer>;

export interface Objects {
  /** Undefined when there is no such object, or no more. */
  readonly open: (object: ObjectName) => Promise<Opened | undefined>;
  readonly put: (object: ObjectName, body: Buffer) => Promise<void>;
}

export function objects(): Objects {
  const client = new S3Client({});
  return {
    async open({ bucket, key }) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Body instanceof Readable ? unpacked(Body) : undefined;
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async put({ bucket, key }, body) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: "application/x-ndjson",
        }),
      );
    },
  };
}

/** Looks at the first two bytes; a gzip that ends too early throws. */
async function* unpacked(source: Readable): Opened {
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await pieces.next();
  if (first.done === true) return;
  const all = async function* (): Opened {
    yield first.value;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next())
      yield next.value;
  };
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* all();
    return;
  }
  const gunzip = createGunzip();
  // An error on the way destroys the last stream with it, and so reaches whoever reads.
  pipeline(Readable.from(all()), gunzip, () => undefined);
  yield* gunzip as Opened;
}
