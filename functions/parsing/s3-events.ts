/** An object in S3. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
}

interface Notification {
  readonly Event?: string;
  readonly Records?: readonly {
    readonly eventName?: string;
    readonly s3?: {
      readonly bucket?: { readonly name?: string };
      readonly object?: { readonly key?: string };
    };
  }[];
  readonly "detail-type"?: string;
  readonly detail?: {
    readonly bucket?: { readonly name?: string };
    readonly object?: { readonly key?: string };
  };
}

/**
 * The new objects that a message speaks of: an S3 notification, whose keys are form-encoded, or an
 * EventBridge event, whose keys are not. S3's test event and deletions speak of none.
 *
 * @returns undefined when the text is neither.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export function objectsIn(text: string): ObjectName[] | undefined {
  const message = read(text);
  if (message?.Event === "s3:TestEvent") return [];
  if (message?.detail !== undefined) {
    if (message["detail-type"] !== "Object Created") return [];
    return namesOf([message.detail], (key) => key);
  }
  const created = message?.Records?.filter(({ eventName }) =>
    eventName?.includes("ObjectCreated:"),
  );
  return (
    created &&
    namesOf(
      created.map(({ s3 }) => s3),
      decodeFormKey,
    )
  );
}

type Named = Notification["detail"];

function namesOf(
  named: readonly Named[],
  decode: (key: string) => string,
): ObjectName[] | undefined {
  const names: ObjectName[] = [];
  for (const one of named) {
    const [bucket, key] = [one?.bucket?.name, one?.object?.key];
    if (bucket === undefined || key === undefined) return undefined;
    names.push({ bucket, key: decode(key) });
  }
  return names;
}

function decodeFormKey(key: string): string {
  const spaced = key.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

function read(text: string): Notification | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
