import { randomUUID } from "node:crypto";
import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";
import { AwsError } from "./aws-error";
import { ShardReader, type ReaderPorts, type StreamRecord } from "./shard-reader";

/** What the mappings read from, with the function's role. */
export interface MappingPorts {
  readonly shards: (streamArn: string) => Promise<readonly string[]>;
  readonly iterator: (mapping: EventSourceMappingConfiguration, shardId: string) => Promise<string>;
  /** The next records, and where to go on. */
  readonly read: (
    iterator: string,
  ) => Promise<{ records: readonly StreamRecord[]; next: string | undefined }>;
  readonly reader: (mapping: EventSourceMappingConfiguration) => ReaderPorts;
  readonly pause: (ms: number) => Promise<void>;
  readonly trouble: (error: unknown) => void;
}

/** Lambda asks each shard once a second. */
const POLL_MS = 1000;

/** Event source mappings of data streams; those of queues are ministack's. */
export class Mappings {
  readonly #ports: MappingPorts;
  readonly #region: string;
  readonly #account: string;
  readonly #mappings = new Map<
    string,
    { mapping: EventSourceMappingConfiguration; readers: ShardReader[] }
  >();

  constructor(where: { region: string; account: string }, ports: MappingPorts) {
    this.#region = where.region;
    this.#account = where.account;
    this.#ports = ports;
  }

  get waiting(): number {
    const readers = [...this.#mappings.values()].flatMap(({ readers: all }) => all);
    return readers.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  has(id: string): boolean {
    return this.#mappings.has(id);
  }

  /** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html */
  create(input: EventSourceMappingConfiguration & { FunctionName: string }): unknown {
    const { FunctionName, ...settings } = input;
    if (settings.StartingPosition === undefined)
      throw new AwsError(
        "InvalidParameterValueException",
        "1 validation error: StartingPosition is required",
      );
    if ((settings.TumblingWindowInSeconds ?? 0) > 900)
      throw new AwsError(
        "InvalidParameterValueException",
        "TumblingWindowInSeconds is at most 900",
      );
    const UUID = randomUUID();
    const mapping = {
      ...settings,
      UUID,
      FunctionArn: FunctionName,
      EventSourceMappingArn: `arn:aws:lambda:${this.#region}:${this.#account}:event-source-mapping:${UUID}`,
      State: "Enabled",
    };
    this.#mappings.set(UUID, { mapping, readers: [] });
    void this.#follow(UUID);
    return mapping;
  }

  get(id: string): unknown {
    return this.#mappings.get(id)?.mapping;
  }

  update(
    id: string,
    { FunctionName, ...changes }: EventSourceMappingConfiguration & { FunctionName?: string },
  ): unknown {
    const found = this.#mappings.get(id);
    if (found === undefined)
      throw new AwsError("ResourceNotFoundException", "no such mapping", 404);
    Object.assign(found.mapping, changes, FunctionName && { FunctionArn: FunctionName });
    return found.mapping;
  }

  delete(id: string): unknown {
    const found = this.#mappings.get(id)?.mapping;
    this.#mappings.delete(id);
    return { ...found, State: "Deleting" };
  }

  /** Ends all mappings, for the end of a run. */
  stop(): void {
    this.#mappings.clear();
  }

  /** Every shard is read for itself; new ones, of a stream that grew, are found now and then. */
  async #follow(id: string): Promise<void> {
    const followed = new Set<string>();
    while (this.#mappings.has(id)) {
      const arn = this.#mappings.get(id)?.mapping.EventSourceArn ?? "";
      const shards = await this.#ports.shards(arn).catch(() => []);
      for (const shardId of shards) {
        if (followed.has(shardId)) continue;
        followed.add(shardId);
        void this.#followShard(id, shardId);
      }
      await this.#ports.pause(5 * POLL_MS);
    }
  }

  async #followShard(id: string, shardId: string): Promise<void> {
    const { mapping, readers } = this.#mappings.get(id) ?? {};
    if (mapping === undefined || readers === undefined) return;
    const settings = { mapping, shardId, region: this.#region };
    const reader = new ShardReader(settings, this.#ports.reader(mapping));
    readers.push(reader);
    let next: string | undefined;
    while (this.#mappings.has(id)) {
      try {
        next ??= await this.#ports.iterator(mapping, shardId);
        const page = await this.#ports.read(next);
        next = page.next;
        await reader.take(page.records);
      } catch (error) {
        // The stream is out of reach, or the failures queue; the iterator is still good.
        this.#ports.trouble(error);
      }
      await this.#ports.pause(POLL_MS);
    }
  }
}
