import { AwsError } from "./aws-error";
import { DeliveryStream, type DeliveryPorts, type DeliverySettings } from "./delivery-stream";

/** @see https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html */
const MOST_RECORDS = 500;
const MOST_BYTES = 4 * 1024 * 1024;
const LARGEST_RECORD = 1000 * 1024;

export interface FirehoseSettings extends Pick<DeliverySettings, "region" | "longestBuffer"> {
  readonly account: string;
}

interface Described {
  readonly DeliveryStreamName: string;
}

/** Firehose's API, as far as the program, its functions and log agents call it. */
export class Firehose {
  readonly #streams = new Map<string, DeliveryStream>();
  readonly #settings: FirehoseSettings;
  readonly #portsOf: (roleArn: string) => DeliveryPorts;

  constructor(settings: FirehoseSettings, portsOf: (roleArn: string) => DeliveryPorts) {
    this.#settings = settings;
    this.#portsOf = portsOf;
  }

  get waiting(): number {
    return [...this.#streams.values()].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Stops all streams, for the end of a run. */
  stop(): void {
    for (const stream of this.#streams.values()) stream.stop();
  }

  /** @throws AwsError as Firehose would answer. */
  answer(action: string, input: never): unknown {
    switch (action) {
      case "CreateDeliveryStream":
        return this.#create(input);
      case "DescribeDeliveryStream":
        return this.#describe(input);
      case "UpdateDestination":
        return this.#update(input);
      case "DeleteDeliveryStream":
        this.#find(input).stop();
        this.#streams.delete((input as Described).DeliveryStreamName);
        return {};
      case "PutRecordBatch":
        return this.#putBatch(input);
      case "PutRecord": {
        const { Record } = input as { Record: { Data: string } };
        return { RecordId: this.#find(input).put([Buffer.from(Record.Data, "base64")])[0] };
      }
      default:
        throw new AwsError("UnknownOperationException", `${action} is not done here`);
    }
  }

  #find({ DeliveryStreamName: name }: Described): DeliveryStream {
    const found = this.#streams.get(name);
    if (found === undefined)
      throw new AwsError("ResourceNotFoundException", `Firehose ${name} not found under account`);
    return found;
  }

  #create(
    input: Described & { ExtendedS3DestinationConfiguration: DeliverySettings["destination"] },
  ): unknown {
    const { DeliveryStreamName: name, ExtendedS3DestinationConfiguration: destination } = input;
    if (this.#streams.has(name))
      throw new AwsError("ResourceInUseException", `${name} is there already`);
    checkDestination(destination);
    const { account, region, longestBuffer } = this.#settings;
    const arn = `arn:aws:firehose:${region}:${account}:deliverystream/${name}`;
    const ports = this.#portsOf(destination.RoleARN ?? "");
    const settings = { name, arn, region, destination, longestBuffer };
    this.#streams.set(name, new DeliveryStream(settings, ports));
    return { DeliveryStreamARN: arn };
  }

  #describe(input: Described): unknown {
    const { settings, version } = this.#find(input);
    return {
      DeliveryStreamDescription: {
        DeliveryStreamName: settings.name,
        DeliveryStreamARN: settings.arn,
        DeliveryStreamStatus: "ACTIVE",
        DeliveryStreamType: "DirectPut",
        VersionId: String(version),
        HasMoreDestinations: false,
        Destinations: [
          {
            DestinationId: "destinationId-000000000001",
            ExtendedS3DestinationDescription: settings.destination,
          },
        ],
      },
    };
  }

  #update(
    input: Described & {
      CurrentDeliveryStreamVersionId: string;
      ExtendedS3DestinationUpdate: DeliverySettings["destination"];
    },
  ): unknown {
    const stream = this.#find(input);
    if (input.CurrentDeliveryStreamVersionId !== String(stream.version))
      throw new AwsError("ConcurrentModificationException", "the version is not the newest");
    const destination = { ...stream.settings.destination, ...input.ExtendedS3DestinationUpdate };
    checkDestination(destination);
    stream.settings = { ...stream.settings, destination };
    stream.version++;
    return {};
  }

  #putBatch(input: Described & { Records: readonly { Data: string }[] }): unknown {
    const records = input.Records.map(({ Data }) => Buffer.from(Data, "base64"));
    const bytes = records.reduce((sum, { length }) => sum + length, 0);
    if (records.length > MOST_RECORDS || bytes > MOST_BYTES)
      throw new AwsError("InvalidArgumentException", `${records.length} records of ${bytes} bytes`);
    if (records.some(({ length }) => length > LARGEST_RECORD))
      throw new AwsError("InvalidArgumentException", "a record is larger than 1,000 KiB");
    const ids = this.#find(input).put(records);
    return { FailedPutCount: 0, RequestResponses: ids.map((RecordId) => ({ RecordId })) };
  }
}

/** @see https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html */
function checkDestination({
  Prefix = "",
  ErrorOutputPrefix = "",
}: DeliverySettings["destination"]): void {
  const refuse = (message: string): never => {
    throw new AwsError("InvalidArgumentException", message);
  };
  if (Prefix.includes("!{") && ErrorOutputPrefix === "")
    refuse("ErrorOutputPrefix is required when Prefix has expressions");
  if (Prefix.includes("!{firehose:error-output-type}"))
    refuse("Prefix cannot contain !{firehose:error-output-type}");
  if (
    ErrorOutputPrefix.includes("!{") &&
    !ErrorOutputPrefix.includes("!{firehose:error-output-type}")
  )
    refuse("ErrorOutputPrefix must contain !{firehose:error-output-type}");
}
