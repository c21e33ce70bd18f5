import { pause } from "./pause";

/** What became of records that were put. */
export interface PutResult<Entry> {
  readonly failed: readonly Entry[];
  /** How often what had failed was put again. */
  readonly retries: number;
  /** AWS's name of the last error. */
  readonly trouble: string | undefined;
}

/** One call that puts many records, some of which may be refused. */
export interface PutCall<Entry> {
  readonly sizeOf: (entry: Entry) => number;
  /** AWS's names of errors, in the order of the entries; undefined for those that are through. */
  readonly put: (entries: readonly Entry[]) => Promise<readonly (string | undefined)[]>;
}

/** Both Kinesis and Firehose take 500 records, and 4 MB or more, in a call. */
const MAX_RECORDS = 500;
const MAX_BYTES = 4_000_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
/** A call that takes longer than this is given up. */
export const CALL_MS = 5000;

/**
 * Puts records, those that failed again and again with growing pauses until `deadline` (epoch
 * milliseconds).
 */
export async function putInBatches<Entry>(
  call: PutCall<Entry>,
  entries: readonly Entry[],
  deadline: number,
): Promise<PutResult<Entry>> {
  let left = entries;
  let trouble: string | undefined;
  for (let attempt = 0; ; attempt++) {
    const failed: Entry[] = [];
    for (const batch of batchesOf(call, left)) {
      const errors = await putOnce(call, batch);
      failed.push(...batch.filter((_, i) => errors[i] !== undefined));
      trouble = errors.find((error) => error !== undefined) ?? trouble;
    }
    const wait = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
    if (failed.length === 0 || Date.now() + wait + CALL_MS > deadline)
      return { failed, retries: attempt, trouble };
    await pause(wait);
    left = failed;
  }
}

async function putOnce<Entry>(
  { put }: PutCall<Entry>,
  entries: readonly Entry[],
): Promise<readonly (string | undefined)[]> {
  try {
    return await put(entries);
  } catch (error) {
    return entries.map(() => (error instanceof Error ? error.name : "unknown"));
  }
}

function* batchesOf<Entry>(
  { sizeOf }: PutCall<Entry>,
  entries: readonly Entry[],
): Generator<readonly Entry[]> {
  let batch: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry);
    if (batch.length === MAX_RECORDS || (batch.length > 0 && bytes + size > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
