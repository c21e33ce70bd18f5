import { AccessLines, quarantined } from "./access-lines";
import { isBlank, NEWLINE } from "./bytes";
import { LineParser, MAX_LINE_BYTES } from "./line-parser";
import type { Reason } from "./reasons";
import { shortHash } from "./short-hash";

/** Many accesses in one record of the delivery stream. */
export interface PackedAccesses {
  readonly data: Buffer;
  readonly accesses: number;
}

/** A record holds at most 1,000 KiB; Firehose bills steps of 5 KB, so few and large ones are best. */
const PACKED_BYTES = 400_000;
const MAX_ACCESS_BYTES = 500_000;

/**
 * Packs one log object, given piece by piece, into records. Each line says which record it is in: an
 * id that follows from the object and the place in it alone, so that the same object gives the same
 * records however often it is read.
 */
export class AccessPacker {
  lines = 0;
  /** Of lines for the quarantine that were not taken yet. */
  refusedBytes = 0;
  readonly unparsed: Partial<Record<Reason, number>> = {};
  /** Milliseconds between event and `now` of up to a hundred accesses. */
  readonly delays: number[] = [];
  private readonly object: string;
  private readonly now: number;
  private readonly id: string;
  private readonly parser = new LineParser("s3");
  private readonly out = new AccessLines();
  private readonly packed: PackedAccesses[] = [];
  private readonly refused: Buffer[] = [];
  private chunk = 0;
  private inChunk = 0;
  private begun: Buffer = Buffer.alloc(0);
  private isSkipping = false;

  /** @param object bucket, key and version of the log object. */
  constructor(object: string, now: number) {
    this.object = object;
    this.now = now;
    this.id = shortHash(object);
  }

  /** Takes in the next bytes of the object. */
  push(bytes: Buffer): void {
    const whole = this.begun.length === 0 ? bytes : Buffer.concat([this.begun, bytes]);
    this.parser.load(whole);
    let start = 0;
    for (let end = whole.indexOf(NEWLINE); end >= 0; end = whole.indexOf(NEWLINE, start)) {
      if (this.isSkipping) this.isSkipping = false;
      else this.addLine(whole, start, end);
      start = end + 1;
    }
    this.begun = whole.subarray(start);
    if (this.begun.length <= MAX_LINE_BYTES) return;
    // No log line is so long: its beginning is kept for whoever looks into it.
    if (!this.isSkipping) this.refuse("too-long", this.begun.subarray(0, MAX_ACCESS_BYTES));
    this.isSkipping = true;
    this.begun = Buffer.alloc(0);
  }

  /** Says that the object is at its end; its last line may lack a newline. */
  end(): void {
    this.parser.load(this.begun);
    if (!this.isSkipping) this.addLine(this.begun, 0, this.begun.length);
    this.begun = Buffer.alloc(0);
    this.close();
  }

  /** The records that are full by now; each is given once. */
  take(): PackedAccesses[] {
    return this.packed.splice(0);
  }

  /** The lines that could not be parsed, for the quarantine; each is given once. */
  takeRefused(): Buffer {
    this.refusedBytes = 0;
    return Buffer.concat(this.refused.splice(0));
  }

  private addLine(bytes: Buffer, start: number, end: number): void {
    if (isBlank(bytes, start, end)) return;
    this.lines++;
    const reason = this.parser.parse(start, end);
    if (reason !== undefined) this.refuse(reason, bytes.subarray(start, end));
    else if (end - start > MAX_ACCESS_BYTES) this.refuse("too-long", bytes.subarray(start, end));
    else this.add();
  }

  private add(): void {
    const { row } = this.parser;
    if (this.delays.length < MAX_DELAYS) this.delays.push(this.now - row.time);
    this.out.add(row, `${this.id}.${this.chunk.toString(36)}`, this.inChunk++);
    if (this.out.size >= PACKED_BYTES) this.close();
  }

  private refuse(reason: Reason, line: Buffer): void {
    this.unparsed[reason] = (this.unparsed[reason] ?? 0) + 1;
    const text = quarantined(this.object, reason, line);
    this.refused.push(text);
    this.refusedBytes += text.length;
  }

  private close(): void {
    if (this.inChunk === 0) return;
    this.packed.push({ data: this.out.take(), accesses: this.inChunk });
    this.chunk++;
    this.inChunk = 0;
  }
}

/** As many values as a metric in a log line may have. */
const MAX_DELAYS = 100;
