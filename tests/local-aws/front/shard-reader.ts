import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";

/** A record of a stream, as `GetRecords` answers it. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  /** Base64. */
  readonly data: string;
  /** Epoch milliseconds. */
  readonly arrivedAt: number;
}

export interface ReaderPorts {
  /** Calls the function; throws when it failed. */
  readonly invoke: (event: unknown) => Promise<unknown>;
  /** Tells the on-failure destination. */
  readonly fail: (message: unknown) => Promise<void>;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

export interface ReaderSettings {
  readonly mapping: EventSourceMappingConfiguration;
  readonly shardId: string;
  readonly region: string;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html */
const MOST_STATE = 1024 * 1024;
/** A call takes 6 MB. */
const MOST_PAYLOAD = 6 * 1024 * 1024;
/** Waits for newer records, which tell that the window is over, no longer than this. */
const WINDOW_GRACE_MS = 120_000;
const RETRY_MS = 500;

type Batch = readonly StreamRecord[];

interface Window {
  readonly start: number;
  readonly end: number;
}

/**
 * What Lambda does with one shard for a function: batches by number, bytes and time; tumbling windows
 * with their state, the last call of each, and an early end above 1 MB of state; retries, bisecting,
 * partial batches, the age and number of retries that are enough, and the on-failure destination.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 */
export class ShardReader {
  readonly #settings: ReaderSettings;
  readonly #ports: ReaderPorts;
  #waiting: StreamRecord[] = [];
  #window: Window | undefined;
  #state: unknown = {};
  #isTerminatedEarly = false;

  constructor(settings: ReaderSettings, ports: ReaderPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Records that no function has seen through. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes newly read records, and calls the function when it is time. */
  async take(records: Batch): Promise<void> {
    this.#waiting.push(...records);
    for (let batch = this.#due(); batch.length > 0; batch = this.#due()) {
      await this.#openWindow(batch[0].arrivedAt);
      await this.#deliver(batch, 0);
      this.#waiting.splice(0, batch.length);
    }
    await this.#closeWindowInTime();
  }

  /** The batch that is full, or has waited long enough; never across the end of a window. */
  #due(): Batch {
    const { BatchSize = 100, MaximumBatchingWindowInSeconds = 0 } = this.#settings.mapping;
    if (this.#waiting.length === 0) return [];
    const [first] = this.#waiting;
    const window = this.#windowOf(first.arrivedAt);
    let [bytes, n] = [0, 0];
    for (; n < Math.min(BatchSize, this.#waiting.length); n++) {
      const { data, arrivedAt } = this.#waiting[n];
      const isOver = window !== undefined && arrivedAt >= window.end;
      bytes += data.length + 512;
      if (n > 0 && (isOver || bytes > MOST_PAYLOAD)) return this.#waiting.slice(0, n);
    }
    const isFull = n === BatchSize;
    const hasWaited = this.#ports.now() - first.arrivedAt >= MaximumBatchingWindowInSeconds * 1000;
    return isFull || hasWaited ? this.#waiting.slice(0, n) : [];
  }

  async #deliver(batch: Batch, attempts: number): Promise<void> {
    const { BisectBatchOnFunctionError, MaximumRetryAttempts = -1 } = this.#settings.mapping;
    for (let left = batch, tries = attempts; left.length > 0;) {
      const outcome = await this.#call(left);
      if (outcome === "done") return;
      // Records before the first failure are through; the rest is a batch of its own.
      if (outcome.from > 0) left = left.slice(outcome.from);
      else if (BisectBatchOnFunctionError === true && left.length > 1) {
        // Splitting is no retry.
        const middle = Math.ceil(left.length / 2);
        await this.#deliver(left.slice(0, middle), tries);
        left = left.slice(middle);
        continue;
      }
      tries++;
      const isEnough = MaximumRetryAttempts >= 0 && tries > MaximumRetryAttempts;
      if (isEnough || this.#isTooOld(left[0])) {
        const condition = isEnough ? "RetryAttemptsExhausted" : "RecordAgeExceeded";
        await this.#ports.fail(this.#failureOf(left, condition, tries));
        return;
      }
      await this.#ports.pause(RETRY_MS);
    }
  }

  #isTooOld({ arrivedAt }: StreamRecord): boolean {
    const seconds = this.#settings.mapping.MaximumRecordAgeInSeconds ?? -1;
    return seconds >= 0 && this.#ports.now() - arrivedAt > seconds * 1000;
  }

  async #call(batch: Batch): Promise<"done" | { from: number }> {
    let answer: unknown;
    try {
      answer = await this.#ports.invoke(this.#eventOf(batch, false));
    } catch {
      return { from: 0 };
    }
    const { state, batchItemFailures } = (answer ?? {}) as {
      state?: unknown;
      batchItemFailures?: readonly { itemIdentifier?: string | null }[] | null;
    };
    // A function in a window that answers without state has failed.
    if (this.#window !== undefined && state === undefined) return { from: 0 };
    const reports =
      this.#settings.mapping.FunctionResponseTypes?.includes("ReportBatchItemFailures");
    const failures = reports === true ? (batchItemFailures ?? []) : [];
    const places = failures.map(({ itemIdentifier }) =>
      batch.findIndex(({ sequenceNumber }) => sequenceNumber === itemIdentifier),
    );
    if (places.includes(-1)) return { from: 0 };
    this.#keep(state);
    return places.length === 0 ? "done" : { from: Math.min(...places) };
  }

  #keep(state: unknown): void {
    if (this.#window === undefined) return;
    this.#isTerminatedEarly = JSON.stringify(state).length > MOST_STATE;
    this.#state = this.#isTerminatedEarly ? {} : state;
  }

  #windowOf(arrivedAt: number): Window | undefined {
    const seconds = this.#settings.mapping.TumblingWindowInSeconds ?? 0;
    if (seconds === 0) return undefined;
    const start = Math.floor(arrivedAt / (seconds * 1000)) * seconds * 1000;
    return { start, end: start + seconds * 1000 };
  }

  async #openWindow(arrivedAt: number): Promise<void> {
    const window = this.#windowOf(arrivedAt);
    if (window === undefined || window.start === this.#window?.start) return;
    await this.#closeWindow();
    this.#window = window;
  }

  async #closeWindowInTime(): Promise<void> {
    if (this.#window !== undefined && this.#ports.now() > this.#window.end + WINDOW_GRACE_MS)
      await this.#closeWindow();
  }

  /** The last call: no records, the state, and nothing is carried on. */
  async #closeWindow(): Promise<void> {
    if (this.#window === undefined) return;
    await this.#ports.invoke(this.#eventOf([], true)).catch(() => undefined);
    this.#window = undefined;
    this.#state = {};
    this.#isTerminatedEarly = false;
  }

  #eventOf(batch: Batch, isFinalInvokeForWindow: boolean): unknown {
    const { mapping, shardId, region } = this.#settings;
    const Records = batch.map(({ sequenceNumber, partitionKey, data, arrivedAt }) => ({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey,
        sequenceNumber,
        data,
        approximateArrivalTimestamp: arrivedAt / 1000,
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `${shardId}:${sequenceNumber}`,
      eventName: "aws:kinesis:record",
      awsRegion: region,
      eventSourceARN: mapping.EventSourceArn,
    }));
    if (this.#window === undefined) return { Records };
    const { start, end } = this.#window;
    return {
      Records,
      window: { start: new Date(start).toISOString(), end: new Date(end).toISOString() },
      state: this.#state,
      shardId,
      eventSourceARN: mapping.EventSourceArn,
      isFinalInvokeForWindow,
      isWindowTerminatedEarly: this.#isTerminatedEarly,
    };
  }

  #failureOf(batch: Batch, condition: string, tries: number): unknown {
    const { mapping, shardId } = this.#settings;
    const time = (at: number): string => new Date(at).toISOString();
    return {
      requestContext: {
        functionArn: mapping.FunctionArn,
        condition,
        approximateInvokeCount: tries,
      },
      version: "1.0",
      timestamp: time(this.#ports.now()),
      KinesisBatchInfo: {
        shardId,
        startSequenceNumber: batch[0].sequenceNumber,
        endSequenceNumber: batch[batch.length - 1].sequenceNumber,
        approximateArrivalOfFirstRecord: time(batch[0].arrivedAt),
        approximateArrivalOfLastRecord: time(batch[batch.length - 1].arrivedAt),
        batchSize: batch.length,
        streamArn: mapping.EventSourceArn,
      },
    };
  }
}
