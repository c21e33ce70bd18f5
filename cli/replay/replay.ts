import { ClientDirectory } from "../../functions/parsing/client-directory";
import type { Row } from "../../functions/parsing/row";
import type { StackSettings } from "../../functions/rules/stack-settings";
import { Census, hashText } from "./census";
import { Evaluation } from "./evaluation";
import type { ReplayResult, UnparsedExample } from "./result";

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
const EXAMPLES_PER_REASON = 3;
const EXAMPLE_LENGTH = 300;
const NOT_MINE = -1;

/** Takes in lines in order of event time and finds out what Floodgate would have done. */
export class Replay {
  private readonly settings: ReplaySettings;
  private readonly directory: ClientDirectory;
  private readonly census = new Census();
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
  private first = Infinity;
  private last = -Infinity;

  constructor(settings: ReplaySettings) {
    this.settings = settings;
    const { index, of } = settings.shard;
    this.directory = new ClientDirectory({
      trust: settings.stacks[0].trust,
      prefixes: settings.stacks[0].prefixes,
      register: (client) =>
        of === 1 || (hashText(client)[0] >>> 0) % of === index
          ? this.census.placeOf(client)
          : NOT_MINE,
    });
    const limits = of === 1 ? {} : { maxBlocksPerMinute: Infinity };
    this.evaluations = settings.stacks.map((stack) => new Evaluation(stack, limits));
  }

  /** Takes in a parsed line. */
  add(row: Row, source: { line: () => string }): void {
    this.parsed++;
    this.noteFormat(row.format);
    const { from, to, shard } = this.settings;
    if ((from !== undefined && row.time < from) || (to !== undefined && row.time >= to)) return;
    this.directory.resolve(row);
    const { client } = row;
    if (client === undefined ? shard.index > 0 : client.place === NOT_MINE) return;
    this.noteTime(row.time);
    this.counted++;
    if (client?.isBlockable === false) this.privateClients++;
    const requestsBefore = client === undefined ? 0 : this.census.count(client.place);
    for (let i = 0; i < this.evaluations.length; i++)
      this.evaluations[i].add(row, { requestsBefore, source });
  }

  /** Takes in a line that could not be parsed. */
  addUnparsed(reason: string, file: string, line: () => string): void {
    const before = this.unparsed.get(reason) ?? 0;
    this.unparsed.set(reason, before + 1);
    if (before < EXAMPLES_PER_REASON) {
      this.examples.push({ reason, file, line: line().slice(0, EXAMPLE_LENGTH) });
    }
  }

  result(problems: readonly string[], isInterrupted: boolean): ReplayResult {
    this.closeMinute();
    this.noteFormat("");
    const unparsed = [...this.unparsed.values()].reduce((sum, n) => sum + n, 0);
    return {
      lines: this.parsed + unparsed,
      parsed: this.parsed,
      unparsedByReason: Object.fromEntries(this.unparsed),
      unparsedExamples: this.examples,
      formats: Object.fromEntries(this.formats),
      clients: this.census.size,
      counted: this.counted,
      privateClients: this.privateClients,
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
    const minute = Math.floor(time / MINUTE);
    if (minute !== this.minute) {
      this.closeMinute();
      this.minute = minute;
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
