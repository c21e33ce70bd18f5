import type { Source } from "../../functions/parsing/line-parser";
import type { Reason } from "../../functions/parsing/reasons";
import type { Row } from "../../functions/parsing/row";
import type { Input } from "./inputs";
import { LogReader, type Wants } from "./log-reader";
import { readProblem } from "./read-problem";

/** Who takes in what is read. */
export interface LineSink {
  /** Takes in a parsed line, and gives the row that the next one is parsed into. */
  readonly add: (row: Row) => Row;
  /** Called before the bytes that rows point into change: from now on none of them may be read. */
  readonly flush: () => void;
  readonly addUnparsed: (unparsed: Unparsed) => void;
}

/** A line that could not be parsed. */
export interface Unparsed {
  readonly path: string;
  readonly reason: Reason;
  /** Knows the line, and nothing else of it. */
  readonly row: Row;
}

export interface ReadSettings {
  readonly source: Source;
  /** Lines to leave to others; all are read when it is not given. */
  readonly wants: Wants | undefined;
  /** Called now and then with the bytes taken from the disk. */
  readonly onProgress: (taken: number) => void;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

interface Log {
  readonly input: Input;
  readonly kind: Row["kind"];
  /** Event time of the first line; -Infinity when it cannot be known beforehand. */
  readonly first: number;
}

/**
 * Reads logs in order of event time: nginx logs that overlap (several servers, rotated files) are
 * merged line by line, each opened when its time has come. S3 logs follow file by file, for their
 * lines come hours late and in no order anyway.
 *
 * @returns what could not be read, each with its reason; everything else was.
 */
export async function readLogs(
  inputs: readonly Input[],
  sink: LineSink,
  settings: ReadSettings,
): Promise<string[]> {
  const problems: string[] = [];
  const logs: Log[] = [];
  for (const input of inputs) {
    const log = await peek(input, settings.source).catch((error: unknown) => {
      problems.push(readProblem(input.path, error));
    });
    if (log !== undefined) logs.push(log);
  }
  const session = new Session(sink, settings, problems);
  const nginx = logs.filter((log) => log.kind === "request").sort((a, b) => a.first - b.first);
  const s3 = logs.filter((log) => log.kind === "access");
  await session.merge(nginx);
  for (const log of s3) await session.readWhole(log.input);
  return problems;
}

/** A log that is being read, with its next line in hand. */
interface Head {
  readonly reader: LogReader;
  time: number;
}

class Session {
  private readonly sink: LineSink;
  private readonly settings: ReadSettings;
  private readonly problems: string[];
  private takenBefore = 0;

  constructor(sink: LineSink, settings: ReadSettings, problems: string[]) {
    this.sink = sink;
    this.settings = settings;
    this.problems = problems;
  }

  async merge(logs: readonly Log[]): Promise<void> {
    const heads: Head[] = [];
    let opened = 0;
    const { signal } = this.settings;
    while (!signal.aborted && (heads.length > 0 || opened < logs.length)) {
      if (opened < logs.length && (heads.length === 0 || logs[opened].first <= heads[0].time)) {
        await this.open(logs[opened++].input, heads);
        continue;
      }
      const [head] = heads;
      const until = Math.min(heads[1]?.time ?? Infinity, logs[opened]?.first ?? Infinity);
      if (await this.drain(head, until)) insert(heads, heads.shift());
      else heads.shift();
    }
    await Promise.all(heads.map(({ reader }) => reader.close()));
  }

  async readWhole(input: Input): Promise<void> {
    if (this.settings.signal.aborted) return;
    const heads: Head[] = [];
    await this.open(input, heads);
    for (const head of heads) await this.drain(head, Infinity);
  }

  private async open(input: Input, heads: Head[]): Promise<void> {
    const { source, wants, signal } = this.settings;
    const head = {
      reader: new LogReader(input.path, source, wants, signal),
      time: -Infinity,
    };
    if (await this.advance(head)) insert(heads, head);
  }

  /** Hands on lines for as long as the log is the earliest; false when it has come to its end. */
  private async drain(head: Head, until: number): Promise<boolean> {
    const { reader } = head;
    for (;;) {
      reader.row = this.sink.add(reader.row);
      let step = reader.next();
      while (step === "row" && reader.row.time <= until) {
        reader.row = this.sink.add(reader.row);
        step = reader.next();
      }
      if (step === "row") {
        head.time = reader.row.time;
        return true;
      }
      if (step === "unparsed") this.sink.addUnparsed(reader);
      if (!(await this.advance(head))) return false;
      if (head.time > until) return true;
    }
  }

  /** Goes on to the next line that can be parsed; false at the end, or when reading fails. */
  private async advance(head: Head): Promise<boolean> {
    const { reader } = head;
    try {
      for (;;) {
        const step = reader.next();
        if (step === "row") {
          head.time = reader.row.time;
          return true;
        }
        if (step === "unparsed") this.sink.addUnparsed(reader);
        else if (!(await this.fill(reader))) return false;
      }
    } catch (error) {
      this.problems.push(readProblem(reader.path, error));
      this.takenBefore += reader.taken();
      return false;
    }
  }

  private async fill(reader: LogReader): Promise<boolean> {
    this.sink.flush();
    const hasMore = await reader.fill();
    this.settings.onProgress(this.takenBefore + reader.taken());
    if (hasMore && !this.settings.signal.aborted) return true;
    this.takenBefore += reader.taken();
    return false;
  }
}

/** Keeps the earliest first; there are as many heads as logs that overlap, so a few. */
function insert(heads: Head[], head: Head | undefined): void {
  if (head === undefined) return;
  const at = heads.findIndex((other) => other.time > head.time);
  heads.splice(at < 0 ? heads.length : at, 0, head);
}

/** Which kind of log it is, and when it begins, by its first line that can be parsed. */
async function peek(input: Input, source: Source): Promise<Log> {
  if (input.isOnce) return { input, kind: "request", first: -Infinity };
  const reader = new LogReader(input.path, source);
  try {
    while (await reader.fill()) {
      for (let step = reader.next(); step !== "empty"; step = reader.next()) {
        if (step === "row") return { input, kind: reader.row.kind, first: reader.row.time };
      }
    }
    return { input, kind: "request", first: -Infinity };
  } finally {
    await reader.close();
  }
}
