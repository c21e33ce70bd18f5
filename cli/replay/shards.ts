import { viewOf } from "../../functions/parsing/bytes";

/** Which of `of` shards has a client, by its text as counted. */
export function shardOf(counted: string, of: number): number {
  const bytes = Buffer.from(counted);
  return shardAt(viewOf(bytes), 0, bytes.length, of);
}

/** The same for a client whose text stands at `[start, end)`. */
export function shardAt(view: DataView, start: number, end: number, of: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x01000193);
  return ((hash ^ (hash >>> 16)) >>> 0) % of;
}
