import type { ClientPrefixes } from "../parsing/address";
import type { Trust } from "../parsing/client-address";
import { ClientDirectory } from "../parsing/client-directory";
import { PackedReader } from "../parsing/packed-requests";
import { RowBatch } from "../parsing/row-batch";
import type { Rule } from "../rules/rule";
import { Counter } from "./counter";
import { MAX_STATE_BYTES, restoreCounter, saveCounter, type CounterState } from "./counter-state";
import type { Finding } from "./finding";
import { RecentBatches } from "./recent-batches";

export interface CountSettings {
  readonly rules: readonly Rule[];
  readonly trust: Trust;
  readonly prefixes: ClientPrefixes;
}

/** What the event source mapping carries from batch to batch of a shard, as plain JSON. */
export interface ShardState {
  /** Shard and sequence number up to which it counts. */
  readonly mark?: string;
  readonly counter?: CounterState;
  /** Ids of the packed records that were counted last, oldest first. */
  readonly batches?: readonly string[];
}

/** What one record added. */
export interface CountedRecord {
  readonly outcome: "counted" | "duplicate" | "unreadable";
  readonly requests: number;
  readonly findings: readonly Finding[];
}

const ENVELOPE_BYTES = 500;
const NOTHING: readonly Finding[] = [];

/**
 * Counts the packed records of one shard, in the order in which they reached it. What it counted
 * stays in memory: while the carried state is the one that it saved last, nothing need be read back,
 * and where a tumbling window begins with no state at all, counting goes on.
 */
export class ShardCounter {
  private readonly counter: Counter;
  private readonly reader = new PackedReader();
  private readonly batch = new RowBatch();
  private readonly directory: ClientDirectory;
  private batches = new RecentBatches();
  private shard = "";
  /** Of the state that was saved last; undefined once anything was counted since. */
  private mark: string | undefined;

  constructor(settings: CountSettings) {
    this.counter = new Counter(settings);
    this.directory = new ClientDirectory(settings);
  }

  /** Goes on from what is carried for the shard. */
  resume(shard: string, state: ShardState): void {
    const isFresh = state.mark === undefined && this.mark !== undefined && this.shard === shard;
    if (isFresh || (state.mark !== undefined && state.mark === this.mark)) return;
    this.shard = shard;
    this.mark = state.mark;
    this.counter.clear();
    this.batches = new RecentBatches(state.batches);
    if (state.counter !== undefined) restoreCounter(this.counter, this.directory, state.counter);
  }

  /** Counts one record; an id that was counted lately is passed over. */
  add(data: Buffer): CountedRecord {
    this.mark = undefined;
    const { reader } = this;
    this.batch.clear();
    if (!reader.load(data)) return { outcome: "unreadable", requests: 0, findings: NOTHING };
    if (!this.batches.add(reader.id))
      return { outcome: "duplicate", requests: 0, findings: NOTHING };
    const findings: Finding[] = [];
    let requests = 0;
    while (reader.next()) {
      requests++;
      this.directory.resolve(reader.row);
      reader.row = this.batch.exchange(reader.row);
      if (this.batch.isFull) this.countBatch(findings);
    }
    this.countBatch(findings);
    return { outcome: "counted", requests, findings };
  }

  private countBatch(findings: Finding[]): void {
    for (const { finding } of this.counter.add(this.batch)) findings.push(finding);
    this.batch.clear();
  }

  /**
   * The state to carry on, of at most 900 KB, and how many keys had no room in it.
   *
   * @param sequence of the last record that was counted.
   */
  save(sequence: string): { state: ShardState; forgotten: number } {
    const batches = this.batches.saved();
    const room = MAX_STATE_BYTES - JSON.stringify(batches).length - ENVELOPE_BYTES;
    const { state, forgotten } = saveCounter(this.counter, this.directory, room);
    this.mark = `${this.shard}:${sequence}`;
    return { state: { mark: this.mark, counter: state, batches }, forgotten };
  }
}
