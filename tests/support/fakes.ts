import { gunzipSync } from "node:zlib";
import { canonicalCidr } from "../../functions/parsing/address";
import type { StoredIncident } from "../../functions/acting/stored-incident";
import type { Counters } from "../../functions/edges/counters";
import { Past } from "../../functions/counting/baseline";
import type { PastStore } from "../../functions/edges/past";
import type { Heartbeats } from "../../functions/edges/heartbeats";
import type { IncidentStore, Versioned } from "../../functions/edges/incidents-table";
import type { Decision } from "../../functions/acting/decision";
import { isInForce } from "../../functions/acting/decision";
import type { IpSet, WriteOutcome } from "../../functions/acting/reconcile";
import type { Family } from "../../functions/acting/ranges";
import type { Ledger, SentDigest } from "../../functions/edges/ledger";
import type { Objects, Opened } from "../../functions/edges/objects";
import type { ObjectName } from "../../functions/parsing/s3-events";
import type { PutResult } from "../../functions/edges/put-batches";
import type { StreamRecord } from "../../functions/edges/stream";
import type { Mode } from "../../functions/rules/rule";

/** Time that passes only when somebody waits. */
export class FakeClock {
  time: number;

  constructor(time: number) {
    this.time = time;
  }

  readonly now = (): number => this.time;
  readonly pause = (ms: number): Promise<void> => {
    this.time += ms;
    return Promise.resolve();
  };
}

/** WAF's IP sets with its rules: lock tokens, one write a second, 10,000 CIDR blocks of one family. */
export class FakeWaf {
  readonly contents = new Map<string, readonly string[]>();
  readonly writes: string[] = [];
  /** Asked before each write; what it answers is the outcome, undefined lets the write through. */
  trouble: () => WriteOutcome | undefined = () => undefined;
  private token = 1;
  private lastWrite = -Infinity;
  private readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  set(action: Mode, family: Family): IpSet {
    const name = `${action}-${family}`;
    return {
      action,
      family,
      read: () =>
        Promise.resolve({
          addresses: this.contents.get(name) ?? [],
          lockToken: String(this.token),
        }),
      write: (addresses, lockToken) =>
        Promise.resolve(this.write(name, family, { addresses, lockToken })),
    };
  }

  /** What somebody else does with a set. */
  edit(name: string, addresses: readonly string[]): void {
    this.contents.set(name, addresses);
    this.token++;
  }

  private write(
    name: string,
    family: Family,
    { addresses, lockToken }: { addresses: readonly string[]; lockToken: string },
  ): WriteOutcome {
    const trouble = this.trouble();
    if (trouble !== undefined) return trouble;
    if (this.clock.now() - this.lastWrite < 1000) return "busy";
    if (lockToken !== String(this.token)) return "conflict";
    if (addresses.length > 10_000) throw new Error("WAFLimitsExceededException");
    for (const cidr of addresses) {
      const isOfFamily = cidr.includes(":") === (family === "ipv6");
      if (!isOfFamily || canonicalCidr(cidr) !== cidr || !/\/[1-9]\d*$/.test(cidr))
        throw new Error(`WAFInvalidParameterException ${cidr}`);
    }
    this.lastWrite = this.clock.now();
    this.token++;
    this.contents.set(name, addresses);
    this.writes.push(name);
    return "written";
  }
}

/** The decisions table in memory. */
export class FakeLedger implements Ledger {
  readonly decisions = new Map<string, Decision>();
  readonly minutes = new Map<number, number>();
  digest: SentDigest = { sentAt: 0, upTo: 0 };
  /** Makes every call fail. */
  isDown = false;
  /** Makes writes on this client fail. */
  refuses: string | undefined;

  readonly newest = (client: string): Promise<Decision | undefined> =>
    this.answer(() =>
      [...this.decisions.values()]
        .filter((one) => one.client === client)
        .sort((a, b) => b.from - a.from)
        .at(0),
    );
  readonly put = (decision: Decision): Promise<void> =>
    this.answer(() => {
      if (decision.client === this.refuses) throw new Error("InternalServerError");
      const key = `${decision.client} ${decision.from}`;
      if (!this.decisions.has(key)) this.decisions.set(key, decision);
    });
  readonly inForce = (now: number): Promise<Decision[]> =>
    this.answer(() => [...this.decisions.values()].filter((one) => isInForce(one, now)));
  readonly blocksIn = (minute: number): Promise<number> =>
    this.answer(() => this.minutes.get(minute) ?? 0);
  readonly putBlocksIn = (minute: number, blocks: number): Promise<void> =>
    this.answer(() => void this.minutes.set(minute, blocks));
  readonly lastDigest = (): Promise<SentDigest> => this.answer(() => this.digest);
  readonly putDigest = (digest: SentDigest): Promise<void> =>
    this.answer(() => void (this.digest = digest));

  private async answer<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.isDown) throw new Error("InternalServerError");
    return work();
  }
}

/** A stream with Kinesis's limits of a request; `failing` says which records it refuses for good. */
export class FakeStream {
  readonly records: StreamRecord[] = [];
  failing: (record: StreamRecord) => boolean = () => false;

  readonly put = (records: readonly StreamRecord[]): Promise<PutResult<StreamRecord>> => {
    const failed = records.filter((record) => record.data.length > 1 << 20 || this.failing(record));
    this.records.push(...records.filter((record) => !failed.includes(record)));
    return Promise.resolve({
      failed,
      retries: 0,
      trouble: failed.length > 0 ? "ProvisionedThroughputExceededException" : undefined,
    });
  };
}

/** Metrics that were reported, added up by name; the last value of those that are no counts. */
export class FakeReport {
  readonly sums: Record<string, number> = {};
  readonly last: Record<string, number> = {};
  readonly details: unknown[] = [];

  readonly report = (
    metrics: Readonly<Record<string, number | readonly number[]>>,
    details?: unknown,
  ): void => {
    for (const [name, value] of Object.entries(metrics)) {
      const values = typeof value === "number" ? [value] : value;
      this.sums[name] = values.reduce((sum, n) => sum + n, this.sums[name] ?? 0);
      if (values.length > 0) this.last[name] = values[values.length - 1];
    }
    this.details.push(details);
  };
}

/** Objects in S3, read in pieces. */
export class FakeObjects implements Objects {
  readonly stored = new Map<string, Buffer>();
  pieceBytes = 64 * 1024;

  open = ({ bucket, key }: ObjectName): Promise<Opened | undefined> => {
    const bytes = this.stored.get(`${bucket}/${key}`);
    return Promise.resolve(bytes === undefined ? undefined : this.pieces(bytes));
  };
  readonly put = ({ bucket, key }: ObjectName, body: Buffer): Promise<void> => {
    this.stored.set(`${bucket}/${key}`, body);
    return Promise.resolve();
  };

  private async *pieces(bytes: Buffer): Opened {
    await Promise.resolve();
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const whole = isGzip ? gunzipSync(bytes) : bytes;
    for (let at = 0; at < whole.length; at += this.pieceBytes)
      yield whole.subarray(at, at + this.pieceBytes);
  }
}

interface FakeWindow {
  readonly batches: Set<string>;
  readonly totals: Map<string, number | Set<number>>;
}

/** The tables of counters and incidents, as DynamoDB would keep them. */
export class FakeAudit {
  readonly windows = new Map<string, FakeWindow>();
  readonly kept = new Map<string, Versioned[]>();
  /** Makes every `n`th call fail, as a throttled table does; 0 for none. */
  throttles = 0;
  private calls = 0;

  readonly counters: Counters = {
    add: async ({ id, counts }, batch) => {
      await this.answer();
      const fresh: FakeWindow = { batches: new Set(), totals: new Map() };
      const window = this.windows.get(id) ?? fresh;
      this.windows.set(id, window);
      const isNew = !window.batches.has(batch);
      window.batches.add(batch);
      return new Map(
        counts.map((count) => {
          const before = window.totals.get(count.rule);
          if ("amount" in count) {
            const total = Number(before ?? 0) + (isNew ? count.amount : 0);
            window.totals.set(count.rule, total);
            return [count.rule, total];
          }
          const known = before instanceof Set ? [...before] : [];
          const values = new Set<number>([...known, ...(isNew ? count.values : [])]);
          window.totals.set(count.rule, values);
          return [count.rule, values.size];
        }),
      );
    },
  };

  private readonly memory = new Past();
  readonly past: PastStore = {
    note: (key, hour, total) => {
      this.memory.note(key, hour, total);
      return Promise.resolve();
    },
    expected: (key, hour) => Promise.resolve(this.memory.expected(key, hour)),
  };

  readonly beats = new Map<string, number>();
  readonly heartbeats: Heartbeats = {
    last: (bucket) => Promise.resolve(this.beats.get(bucket)),
    beat: (bucket, now) => {
      this.beats.set(bucket, now);
      return Promise.resolve();
    },
  };

  readonly incidents: IncidentStore = {
    open: () =>
      Promise.resolve(
        [...this.kept].flatMap(([name, kept]) =>
          kept.filter(({ incident }) => !incident.isClosed).map((one) => ({ name, ...one })),
        ),
      ),
    newest: async (name) => {
      await this.answer();
      return this.kept.get(name)?.at(-1);
    },
    save: async (name, incident, version) => {
      await this.answer();
      const kept = this.kept.get(name) ?? [];
      const place = kept.findIndex((one) => one.incident.opened === incident.opened);
      if ((kept[place]?.version ?? 0) !== version) return false;
      const saved = {
        incident: JSON.parse(JSON.stringify(incident)) as StoredIncident,
        version: version + 1,
      };
      if (place < 0) kept.push(saved);
      else kept[place] = saved;
      this.kept.set(name, kept);
      return true;
    },
  };

  /** All incidents, by name. */
  all(): StoredIncident[] {
    return [...this.kept.values()].flatMap((kept) => kept.map(({ incident }) => incident));
  }

  private async answer(): Promise<void> {
    await Promise.resolve();
    if (this.throttles > 0 && ++this.calls % this.throttles === 0)
      throw new Error("ProvisionedThroughputExceededException");
  }
}
