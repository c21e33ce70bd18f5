import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { deliveryStream, type Deliver } from "../edges/delivery-stream";
import { embeddedMetrics, type Report } from "../edges/metrics";
import { objects, type Objects } from "../edges/objects";
import { AccessPacker } from "../parsing/pack-accesses";
import type { ObjectName } from "../parsing/s3-events";
import { eachObject } from "./each-object";

export interface ParseAccessesSettings {
  readonly component: string;
  readonly deliveryStreamName: string;
  /** Where lines go that cannot be parsed. */
  readonly quarantine: ObjectPrefix;
}

/** A bucket and the beginning of its keys. */
export interface ObjectPrefix {
  readonly bucket: string;
  readonly prefix: string;
}

export interface ParseAccessesPorts {
  readonly objects: Objects;
  readonly deliver: Deliver;
  readonly report: Report;
  readonly now: () => number;
}

/** Kept back from the invocation's time for the answer. */
const ANSWER_MS = 10_000;
/** What is read of an object before it is put, and so what memory holds of it. */
const AHEAD_RECORDS = 10;
const QUARANTINE_BYTES = 8_000_000;

/**
 * Reads new log objects and delivers their lines to the archive. A message whose object could not be
 * read to its end comes again; its records then have the ids that they had, and count once.
 */
export function parseAccesses(settings: ParseAccessesSettings, ports: ParseAccessesPorts) {
  return async (
    event: SQSEvent,
    context: Pick<Context, "getRemainingTimeInMillis">,
  ): Promise<SQSBatchResponse> => {
    const deadline = ports.now() + context.getRemainingTimeInMillis() - ANSWER_MS;
    return eachObject(event, ports.report, (name) =>
      parseObject(name, { ...settings, deadline }, ports),
    );
  };
}

async function parseObject(
  { bucket, key }: ObjectName,
  { quarantine, deadline }: ParseAccessesSettings & { readonly deadline: number },
  { objects: { open, put }, deliver, report, now }: ParseAccessesPorts,
): Promise<void> {
  const pieces = await open({ bucket, key });
  if (pieces === undefined) {
    report({ ObjectsGone: 1 }, { bucket, key });
    return;
  }
  const packer = new AccessPacker(`${bucket}/${key}`, now());
  let waiting: Uint8Array[] = [];
  let parts = 0;
  const flush = async (): Promise<void> => {
    const { failed, trouble } = await deliver(waiting, deadline);
    if (failed.length > 0)
      throw new Error(`${failed.length} records not delivered: ${trouble ?? "no time left"}`);
    waiting = [];
    const refused = packer.takeRefused();
    if (refused.length === 0) return;
    const part = String(parts++).padStart(5, "0");
    await put(
      { bucket: quarantine.bucket, key: `${quarantine.prefix}${bucket}/${key}.${part}` },
      refused,
    );
  };
  for await (const piece of pieces) {
    packer.push(piece);
    waiting.push(...packer.take().map(({ data }) => data));
    if (waiting.length >= AHEAD_RECORDS || packer.refusedBytes >= QUARANTINE_BYTES) await flush();
  }
  packer.end();
  waiting.push(...packer.take().map(({ data }) => data));
  await flush();
  const unparsed = Object.values(packer.unparsed).reduce((sum, n) => sum + n, 0);
  report(
    { LinesRead: packer.lines, LinesUnparsed: unparsed, DeliveryDelayMs: packer.delays },
    { bucket, key, reasons: packer.unparsed },
  );
}

/** What the Lambda loads. */
export const handler = (settings: ParseAccessesSettings): ReturnType<typeof parseAccesses> =>
  parseAccesses(settings, {
    objects: objects(),
    deliver: deliveryStream(settings.deliveryStreamName),
    report: embeddedMetrics(settings.component),
    now: Date.now,
  });
