import { ClientDirectory, type Client } from "../../functions/parsing/client-directory";
import type { Row } from "../../functions/parsing/row";
import { BATCH_ROWS, RowBatch } from "../../functions/parsing/row-batch";
import type { StackSettings } from "../../functions/rules/stack-settings";
import { Census } from "./census";
import { Evaluation } from "./evaluation";
import type { Wants } from "./log-reader";
import type { Unparsed } from "./read-logs";
import { mostFirst, type ReplayResult, type UnparsedExample } from "./result";
import { shardAt, shardOf } from "./shards";

export interface ReplaySettings {
  /** What to judge by; with `--compare` there is a second one, on the same clients. */
  readonly stacks: readonly StackSettings[];
  /** Event times to count, epoch milliseconds: from the first, until before the second. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Only every `of`th client, beginning with `index`: several workers share the clients out. */
  readonly shard: { readonly index: number; readonly of: number };
}

const MINUTE = 60_000;
export const EXAMPLES_PER_REASON = 3;
const EXAMPLE_LENGTH = 300;
const NOT_MINE = -1;

/** Takes in lines in order of event time and finds out what Floodgate would have done. */
export class Replay {
  private readonly settings: ReplaySettings;
  private readonly directory: ClientDirectory;
  private readonly census = new Census();
  /** Rows of one kind that were taken in and not yet worked on. */
  private readonly batch = new RowBatch();
  /** For each of them, its client's requests up to and including it. */
  private readonly requestsBefore = new Int32Array(BATCH_ROWS);
  private readonly evaluations: readonly Evaluation[];
  private readonly unparsed = new Map<string, number>();
  private readonly examples: UnparsedExample[] = [];
  private readonly formats = new Map<string, number>();
  private readonly requestsByMinute = new Map<number, number>();
  private format = "";
  private ofFormat = 0;
  private minute = NaN;
  private inMinute = 0;
  private parsed = 0;
  private counted = 0;
  private privateClients = 0;
  private nameless = 0;
  private first = Infinity;
  private last = -Infinity;

  constructor(settings: ReplaySettings) {
    this.settings = settings;
    const { index, of } = settings.shard;
    this.directory = new ClientDirectory({
      trust: settings.stacks[0].trust,
      prefixes: settings.stacks[0].prefixes,
      register: (client) =>
        of === 1 || shardOf(client, of) === index ? this.census.placeOf(client) : NOT_MINE,
    });
    const limits = of === 1 ? {} : { maxBlocksPerMinute: Infinity };
    this.evaluations = settings.stacks.map((stack) => new Evaluation(stack, limits));
  }

  /**
   * Which lines are to be read at all: with several workers each leaves the clients of the others
   * alone, where the address at the line's beginning says whose it is.
   */
  get wants(): Wants | undefined {
    if (this.settings.shard.of === 1) return undefined;
    const { directory } = this;
    const { index, of } = this.settings.shard;
    return (view, start, end) => {
      // The others' clients need not even be looked up.
      if (directory.isCountedAsWritten(view, start, end))
        return shardAt(view, start, end, of) === index;
      const client = directory.clientAt(view, start, end);
      return client?.isBlockable === true ? this.isMine(client) : undefined;
    };
  }

  /** Takes in a parsed line, and gives the row that the next one is parsed into. */
  add(row: Row): Row {
    if (this.isAccountable(row)) {
      this.parsed++;
      this.noteFormat(row.format);
    }
    const { from, to } = this.settings;
    if ((from !== undefined && row.time < from) || (to !== undefined && row.time >= to)) return row;
    if (this.batch.size > 0 && row.kind !== this.batch.rows[0].kind) this.flush();
    const spare = this.batch.exchange(row);
    if (this.batch.isFull) this.flush();
    return spare;
  }

  /** Works on what was taken in; from now on the rows are free. */
  flush(): void {
    const { batch } = this;
    for (let i = 0; i < batch.size; i++) this.directory.resolve(batch.rows[i]);
    if (this.settings.shard.of > 1) batch.keep(({ client }) => this.isMine(client));
    for (let i = 0; i < batch.size; i++) this.requestsBefore[i] = this.note(batch.rows[i]);
    for (const evaluation of this.evaluations) evaluation.add(batch, this.requestsBefore);
    batch.clear();
  }

  /** A line that all workers read is accounted for by the first of them. */
  private isAccountable({ isOwn }: Row): boolean {
    return isOwn || this.settings.shard.index === 0;
  }

  private isMine(client: Client | undefined): boolean {
    return client === undefined ? this.settings.shard.index === 0 : client.place !== NOT_MINE;
  }

  /** Notes what is asked of all requests; returns how many the client has sent by now. */
  private note({ time, client, kind }: Row): number {
    this.noteTime(time);
    this.counted++;
    if (client === undefined) {
      if (kind === "request") this.nameless++;
      return 0;
    }
    if (!client.isBlockable) this.privateClients++;
    return this.census.count(client.place);
  }

  /** Takes in a line that could not be parsed. */
  addUnparsed({ path, reason, row }: Unparsed): void {
    if (!this.isAccountable(row)) return;
    const before = this.unparsed.get(reason) ?? 0;
    this.unparsed.set(reason, before + 1);
    if (before < EXAMPLES_PER_REASON) {
      this.examples.push({
        reason,
        file: path,
        line: row.lineText().slice(0, EXAMPLE_LENGTH),
      });
    }
  }

  result(problems: readonly string[], isInterrupted: boolean): ReplayResult {
    this.flush();
    this.closeMinute();
    this.noteFormat("");
    const unparsed = [...this.unparsed.values()].reduce((sum, n) => sum + n, 0);
    return {
      lines: this.parsed + unparsed,
      parsed: this.parsed,
      unparsedByReason: mostFirst(this.unparsed),
      unparsedExamples: this.examples,
      formats: mostFirst(this.formats),
      clients: this.census.clients,
      counted: this.counted,
      privateClients: this.privateClients,
      nameless: this.nameless,
      from: this.counted === 0 ? undefined : this.first,
      to: this.counted === 0 ? undefined : this.last,
      requestsByMinute: this.requestsByMinute,
      verdicts: this.evaluations.map((evaluation) => evaluation.verdict()),
      problems,
      isInterrupted,
    };
  }

  /** Lines of one format follow each other by the thousand: only a change touches the map. */
  private noteFormat(format: string): void {
    if (format !== this.format) {
      if (this.ofFormat > 0)
        this.formats.set(this.format, (this.formats.get(this.format) ?? 0) + this.ofFormat);
      this.format = format;
      this.ofFormat = 0;
    }
    this.ofFormat++;
  }

  private noteTime(time: number): void {
    if (time < this.first) this.first = time;
    if (time > this.last) this.last = time;
    const into = time - this.minute * MINUTE;
    if (!(into >= 0 && into < MINUTE)) {
      this.closeMinute();
      this.minute = Math.floor(time / MINUTE);
    }
    this.inMinute++;
  }

  private closeMinute(): void {
    if (this.inMinute === 0) return;
    this.requestsByMinute.set(
      this.minute,
      (this.requestsByMinute.get(this.minute) ?? 0) + this.inMinute,
    );
    this.inMinute = 0;
  }
}
