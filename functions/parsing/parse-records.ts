import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { ClientPrefixes } from "./address";
import { ArchiveLines } from "./archive-lines";
import { isBlank, NEWLINE } from "./bytes";
import type { Trust } from "./client-address";
import { ClientDirectory } from "./client-directory";
import { LineParser, MAX_LINE_BYTES } from "./line-parser";
import { PackedRequests } from "./packed-requests";
import type { Reason } from "./reasons";
import { shortHash } from "./short-hash";

export interface ParseSettings {
  readonly trust: Trust;
  readonly prefixes: ClientPrefixes;
  /** Into how many parts clients are shared out; each part goes to one shard, whatever their number. */
  readonly lanes: number;
}

/** A record as the delivery stream hands it over: one line or many, joined by newlines. */
export interface RawRecord {
  readonly recordId: string;
  /** Base64; what it holds may be compressed with gzip. */
  readonly data: string;
}

/** What the delivery stream is to do with it. */
export interface ParsedRecord {
  readonly recordId: string;
  readonly result: "Ok" | "Dropped" | "ProcessingFailed";
  readonly data?: string;
}

/** Requests of one lane, ready for the requests stream. */
export interface PackedRecord {
  readonly lane: number;
  readonly data: Buffer;
  readonly requests: number;
}

export interface ParsedBatch {
  /** One for each record, in the same order. */
  readonly records: readonly ParsedRecord[];
  readonly packed: readonly PackedRecord[];
  readonly lines: number;
  readonly unparsed: Readonly<Partial<Record<Reason, number>>>;
  /** Records that went to the error prefix as they came: no base64, broken gzip, or no room. */
  readonly failedRecords: number;
  /** Time of the newest line, epoch milliseconds; undefined when none was parsed. */
  readonly newest: number | undefined;
}

/**
 * Lambda's answer holds at most 6 MB; a margin stays for ids and for JSON around them.
 *
 * @see https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
 */
const MAX_ANSWER_BYTES = 5_700_000;
/** Small enough that a batch can be halved around a bad record, large enough to be few. */
const MAX_PACKED_BYTES = 200_000;
const MAX_UNZIPPED_BYTES = 4 * MAX_LINE_BYTES;

/** Parses the records of one invocation: what is archived of each, and what counting gets. */
export class RecordParser {
  private readonly parser = new LineParser("nginx");
  private readonly directory: ClientDirectory;
  private readonly archive = new ArchiveLines();
  private readonly lanes: readonly PackedRequests[];
  private packed: PackedRecord[] = [];
  private batchId = "";
  private lines = 0;
  private unparsed: Partial<Record<Reason, number>> = {};
  private newest = -Infinity;

  constructor(settings: ParseSettings) {
    this.lanes = Array.from({ length: settings.lanes }, () => new PackedRequests());
    this.directory = new ClientDirectory({
      ...settings,
      register: (counted) => laneOf(counted, settings.lanes),
    });
  }

  /** The same records give the same batch, ids of packed records included. */
  parse(records: readonly RawRecord[]): ParsedBatch {
    this.begin(records);
    let room = MAX_ANSWER_BYTES;
    const parsed = records.map((record): ParsedRecord => {
      const answer = this.parseRecord(record);
      room -= answer.data?.length ?? 0;
      // Firehose keeps the original of a failed record in the error prefix, so nothing is lost.
      return room < 0 ? { recordId: record.recordId, result: "ProcessingFailed" } : answer;
    });
    this.lanes.forEach((_, lane) => {
      this.close(lane);
    });
    return {
      records: parsed,
      packed: this.packed,
      lines: this.lines,
      unparsed: this.unparsed,
      failedRecords: parsed.filter(({ result }) => result === "ProcessingFailed").length,
      newest: this.newest === -Infinity ? undefined : this.newest,
    };
  }

  private begin(records: readonly RawRecord[]): void {
    this.batchId = shortHash(records.map(({ recordId }) => `${recordId}\n`).join(""));
    this.packed = [];
    this.lines = 0;
    this.unparsed = {};
    this.newest = -Infinity;
  }

  private parseRecord({ recordId, data }: RawRecord): ParsedRecord {
    const bytes = decode(data);
    if (bytes === undefined) return { recordId, result: "ProcessingFailed" };
    const before = this.lines;
    this.parser.load(bytes);
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      if (!isBlank(bytes, start, end)) this.parseLine(bytes, start, end);
      start = end + 1;
    }
    if (this.lines === before) return { recordId, result: "Dropped" };
    return { recordId, result: "Ok", data: this.archive.take() };
  }

  private parseLine(bytes: Buffer, start: number, end: number): void {
    this.lines++;
    const reason = this.parser.parse(start, end);
    if (reason !== undefined) {
      this.unparsed[reason] = (this.unparsed[reason] ?? 0) + 1;
      this.archive.addUnparsed(reason, bytes.subarray(start, end));
      return;
    }
    const { row } = this.parser;
    this.directory.resolve(row);
    this.archive.add(row, bytes.subarray(start, end));
    if (row.time > this.newest) this.newest = row.time;
    const lane = row.client?.place ?? 0;
    this.lanes[lane].add(row);
    if (this.lanes[lane].size >= MAX_PACKED_BYTES) this.close(lane);
  }

  /** Ends a lane's record. Its id says which batch it is of, and which record of that batch. */
  private close(lane: number): void {
    const requests = this.lanes[lane].count;
    if (requests === 0) return;
    const id = `${this.batchId}.${this.packed.length.toString(36)}`;
    this.packed.push({ lane, data: this.lanes[lane].take(id), requests });
  }
}

/**
 * The hash key of a lane: the middle of its part of the 128 bits that shards share out, so that all
 * of a lane reaches one shard however many there are.
 *
 * @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html
 */
export function hashKeyOf(lane: number, lanes: number): string {
  return (((2n * BigInt(lane) + 1n) << 127n) / BigInt(lanes)).toString();
}

function laneOf(client: string, lanes: number): number {
  return createHash("sha256").update(client).digest().readUInt32BE(0) % lanes;
}

/** The bytes of a record, or undefined when it is no base64 or broken gzip. */
function decode(data: string): Buffer | undefined {
  const bytes = Buffer.from(data, "base64");
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  if (bytes.length !== Math.floor((data.length * 3) / 4) - padding) return undefined;
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNZIPPED_BYTES });
  } catch {
    return undefined;
  }
}
