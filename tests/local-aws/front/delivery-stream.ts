import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { ExtendedS3DestinationConfiguration } from "@aws-sdk/client-firehose";

/** What a delivery stream does with other services, with its role. */
export interface DeliveryPorts {
  readonly invoke: (functionArn: string, event: unknown) => Promise<unknown>;
  readonly put: (bucket: string, key: string, body: Buffer) => Promise<void>;
  readonly now: () => number;
  /** Calls back after this many milliseconds. */
  readonly later: (ms: number, call: () => void) => void;
  readonly pause: (ms: number) => Promise<void>;
}

export interface DeliverySettings {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly destination: ExtendedS3DestinationConfiguration;
  /** Objects are written after this many seconds at most, so that nobody has to wait five minutes. */
  readonly longestBuffer: number;
}

interface Incoming {
  readonly id: string;
  readonly data: Buffer;
  readonly at: number;
}

interface Transformed {
  readonly recordId: string;
  readonly result: "Ok" | "Dropped" | "ProcessingFailed";
  readonly data?: string;
}

const MB = 1024 * 1024;
/** The first call and three retries. */
const TRIES = 4;
const RETRY_MS = 1000;
/** A call takes 6 MB with the records in base64. */
const CALL_BYTES = 3 * MB;

/**
 * A delivery stream to S3: records are gathered, transformed by a function in one call a buffer,
 * gathered again, and written as objects. What the function fails on goes to the error prefix.
 *
 * @see https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
 * @see https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
 */
export class DeliveryStream {
  settings: DeliverySettings;
  version = 1;
  readonly #ports: DeliveryPorts;
  #incoming: Incoming[] = [];
  #outgoing: { data: Buffer; at: number }[] = [];
  #isTransforming = false;
  #isDelivering = false;
  #timers = { transform: false, deliver: false };
  #atWork = 0;
  #isStopped = false;

  constructor(settings: DeliverySettings, ports: DeliveryPorts) {
    this.settings = settings;
    this.#ports = ports;
  }

  /** Records that are nowhere yet but here. */
  get waiting(): number {
    return this.#incoming.length + this.#outgoing.length + this.#atWork;
  }

  /** The stream is deleted: what it has not delivered is gone. */
  stop(): void {
    this.#isStopped = true;
  }

  put(records: readonly Buffer[]): string[] {
    const at = this.#ports.now();
    const taken = records.map((data) => ({ id: randomUUID(), data, at }));
    if (this.#transformation() === undefined) {
      this.#outgoing.push(...taken);
      this.#deliverInTime();
    } else {
      this.#incoming.push(...taken);
      this.#transformInTime();
    }
    return taken.map(({ id }) => id);
  }

  #transformation(): { functionArn: string; seconds: number; bytes: number } | undefined {
    const { Enabled, Processors } = this.settings.destination.ProcessingConfiguration ?? {};
    const processor = Processors?.find(({ Type }) => Type === "Lambda");
    if (Enabled !== true || processor === undefined) return undefined;
    const of = (name: string): string | undefined =>
      processor.Parameters?.find(({ ParameterName }) => ParameterName === name)?.ParameterValue;
    return {
      functionArn: of("LambdaArn") ?? "",
      seconds: Number(of("BufferIntervalInSeconds") ?? 60),
      bytes: Number(of("BufferSizeInMBs") ?? 1) * MB,
    };
  }

  #transformInTime(): void {
    const transformation = this.#transformation();
    if (transformation === undefined || this.#incoming.length === 0 || this.#isTransforming) return;
    if (sizeOf(this.#incoming) >= transformation.bytes) void this.#transform();
    else if (!this.#timers.transform) {
      this.#timers.transform = true;
      this.#ports.later(transformation.seconds * 1000, () => {
        this.#timers.transform = false;
        void this.#transform();
      });
    }
  }

  async #transform(): Promise<void> {
    if (this.#isStopped || this.#isTransforming || this.#incoming.length === 0) return;
    this.#isTransforming = true;
    const batch = takeBytes(this.#incoming, CALL_BYTES);
    this.#atWork += batch.length;
    await this.#transformBatch(batch);
    this.#atWork -= batch.length;
    this.#isTransforming = false;
    this.#transformInTime();
    this.#deliverInTime();
  }

  async #transformBatch(batch: readonly Incoming[]): Promise<void> {
    const functionArn = this.#transformation()?.functionArn ?? "";
    const event = {
      invocationId: randomUUID(),
      deliveryStreamArn: this.settings.arn,
      region: this.settings.region,
      records: batch.map(({ id, data, at }) => ({
        recordId: id,
        approximateArrivalTimestamp: at,
        data: data.toString("base64"),
      })),
    };
    let trouble = "";
    for (let tries = 1; tries <= TRIES; tries++) {
      try {
        const answer = answersOf(await this.#ports.invoke(functionArn, event), batch);
        for (const { id, data, at } of batch) {
          const { result, data: changed } = answer.get(id) as Transformed;
          if (result === "Ok")
            this.#outgoing.push({ data: Buffer.from(changed ?? "", "base64"), at });
          if (result === "ProcessingFailed")
            await this.#putError(
              [{ id, data, at }],
              tries,
              "Lambda.ProcessingFailedStatus",
              "ProcessingFailed status set for record",
            );
        }
        return;
      } catch (error) {
        trouble = error instanceof Error ? error.message : String(error);
        await this.#ports.pause(RETRY_MS);
      }
    }
    await this.#putError(batch, TRIES, "Lambda.FunctionError", trouble);
  }

  /** @see https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html */
  async #putError(
    batch: readonly Incoming[],
    attemptsMade: number,
    errorCode: string,
    errorMessage: string,
  ): Promise<void> {
    const lines = batch.map(({ data, at }) =>
      JSON.stringify({
        attemptsMade,
        arrivalTimestamp: at,
        errorCode,
        errorMessage,
        attemptEndingTimestamp: this.#ports.now(),
        rawData: data.toString("base64"),
        lambdaArn: this.#transformation()?.functionArn,
      }),
    );
    const { ErrorOutputPrefix = "" } = this.settings.destination;
    const prefix = ErrorOutputPrefix.replace(
      /!\{firehose:error-output-type\}/g,
      "processing-failed",
    );
    await this.#write(prefix, batch[0].at, Buffer.from(lines.join("\n") + "\n"));
  }

  #deliverInTime(): void {
    const { SizeInMBs = 5, IntervalInSeconds = 300 } = this.#lines().BufferingHints ?? {};
    if (this.#outgoing.length === 0 || this.#isDelivering) return;
    if (sizeOf(this.#outgoing) >= SizeInMBs * MB) void this.#deliver();
    else if (!this.#timers.deliver) {
      this.#timers.deliver = true;
      const seconds = Math.min(IntervalInSeconds, this.settings.longestBuffer);
      this.#ports.later(seconds * 1000, () => {
        this.#timers.deliver = false;
        void this.#deliver();
      });
    }
  }

  async #deliver(): Promise<void> {
    if (this.#isStopped || this.#isDelivering || this.#outgoing.length === 0) return;
    this.#isDelivering = true;
    const batch = takeBytes(this.#outgoing, (this.#lines().BufferingHints?.SizeInMBs ?? 5) * MB);
    this.#atWork += batch.length;
    const body = Buffer.concat(batch.map(({ data }) => data));
    await this.#write(this.#lines().Prefix ?? "", batch[0].at, body);
    this.#atWork -= batch.length;
    this.#isDelivering = false;
    this.#deliverInTime();
  }

  /** Beside Parquet, which is not written here, the lines go to the backup. */
  #lines(): ExtendedS3DestinationConfiguration {
    const { destination } = this.settings;
    return destination.S3BackupMode === "Enabled"
      ? (destination.S3BackupConfiguration as ExtendedS3DestinationConfiguration)
      : destination;
  }

  async #write(prefix: string, at: number, body: Buffer): Promise<void> {
    const { CompressionFormat, FileExtension = ".gz", BucketARN = "" } = this.#lines();
    const isZipped = CompressionFormat === "GZIP";
    const time = new Date(at).toISOString();
    const stamp = time.slice(0, 19).replace(/[T:]/g, "-");
    const { name } = this.settings;
    const key = `${datedPrefix(prefix, at)}${name}-${this.version}-${stamp}-${randomUUID()}${isZipped ? FileExtension : ""}`;
    const bytes = isZipped ? gzipSync(body) : body;
    while (!this.#isStopped) {
      try {
        await this.#ports.put(BucketARN.replace("arn:aws:s3:::", ""), key, bytes);
        return;
      } catch {
        // Kept for 24 hours and tried again.
        await this.#ports.pause(RETRY_MS);
      }
    }
  }
}

const sizeOf = (records: readonly { readonly data: Buffer }[]): number =>
  records.reduce((sum, { data }) => sum + data.length, 0);

/** Takes records off the front, at least one. */
function takeBytes<T extends { readonly data: Buffer }>(from: T[], most: number): T[] {
  let [bytes, n] = [0, 0];
  while (n < from.length && (n === 0 || bytes + from[n].data.length <= most))
    bytes += from[n++].data.length;
  return from.splice(0, n);
}

/** Every record must be answered once. */
function answersOf(answer: unknown, batch: readonly Incoming[]): Map<string, Transformed> {
  const { records } = (answer ?? {}) as { records?: readonly Transformed[] };
  const found = new Map((records ?? []).map((one) => [one.recordId, one]));
  const isWhole = batch.length === records?.length && batch.every(({ id }) => found.has(id));
  if (!isWhole) throw new Error("Lambda.MissingRecordId: a record is missing, or answered twice");
  return found;
}

/** @see https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html */
export function datedPrefix(prefix: string, at: number): string {
  const [year, month, day, hour] = new Date(at).toISOString().split(/[-T:]/);
  const parts: Readonly<Record<string, string>> = { yyyy: year, MM: month, dd: day, HH: hour };
  return prefix.replace(/!\{timestamp:([^}]+)\}/g, (_, pattern: string) =>
    pattern.replace(/yyyy|MM|dd|HH/g, (part) => parts[part]),
  );
}
