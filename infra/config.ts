import * as pulumi from "@pulumi/pulumi";
import { readStackSettings } from "../functions/rules/stack-settings";
import { logOf } from "../functions/rules/rule";
import type { IntrusionPreventionArgs } from "./intrusion-prevention-args";
import type { S3AnomalyDetectionArgs } from "./s3-anomaly-detection-args";
import type { ArchiveArgs } from "./shared-args";

/** What the program makes, by the stack's configuration. */
export interface ProgramSettings {
  /** Undefined in a stack that does not want it. */
  readonly intrusionPrevention: IntrusionPreventionArgs | undefined;
  readonly s3AnomalyDetection: S3AnomalyDetectionArgs | undefined;
  /** The demonstration of a web tier in front of it. */
  readonly hasWebTier: boolean;
}

/** The keys that settings of finding and blocking are read from; the replay reads the same. */
const SHARED_KEYS = [
  "rules",
  "allow",
  "trust",
  "mode",
  "ipv4Prefix",
  "ipv6Prefix",
  "maxBlocksPerMinute",
  "exempt",
] as const;

/**
 * Reads the stack's configuration, of which `Pulumi.yaml` describes every key. An empty text or list
 * stands for the component's own default.
 *
 * @throws pulumi.RunError that names every wrong key, the value found and what is allowed.
 */
export function readConfig(): ProgramSettings {
  const config = new pulumi.Config("floodgate");
  const wants = (key: string, byDefault: boolean): boolean => config.getBoolean(key) ?? byDefault;
  return {
    intrusionPrevention: wants("intrusionPrevention", true)
      ? readIntrusionPrevention(config)
      : undefined,
    s3AnomalyDetection: wants("s3AnomalyDetection", false)
      ? readS3AnomalyDetection(config)
      : undefined,
    hasWebTier: wants("webTier", false),
  };
}

function readIntrusionPrevention(config: pulumi.Config): IntrusionPreventionArgs {
  const { prefixes, rules, allow, trust, mode, maxBlocksPerMinute } = readShared(config);
  const { text, list, number } = reader(config);
  const body = text("blockBody");
  return withoutUndefined({
    allow,
    trust,
    mode,
    maxBlocksPerMinute,
    ...prefixes,
    rules: rules.filter((rule) => logOf(rule) === "nginx"),
    scope: text("scope") as IntrusionPreventionArgs["scope"],
    webAcl: text("webAcl"),
    protect: list("protect"),
    rulePriority: number("rulePriority"),
    blockResponse: { status: number("blockStatus") ?? 403, ...(body && { body }) },
    rateLimit: readRateLimit(text("rateLimit")),
    forwardedIp: readForwardedIp(text("forwardedIp")),
    ...readCommon(config),
    archive: withoutUndefined({ ...readArchive(config), prefix: text("archivePrefix") }),
    stream: readStream(text("stream")),
    parseBufferSeconds: number("parseBufferSeconds"),
    logFormat: text("logFormat") as IntrusionPreventionArgs["logFormat"],
    silentMinutes: number("silentMinutes"),
  });
}

function readS3AnomalyDetection(config: pulumi.Config): S3AnomalyDetectionArgs {
  const { prefixes, rules, exempt } = readShared(config);
  const { text, list, number } = reader(config);
  const name = text("logBucket");
  const manageNotifications = config.getBoolean("manageNotifications");
  return withoutUndefined({
    rules: rules.filter((rule) => logOf(rule) === "s3"),
    exempt,
    ipv6Prefix: prefixes.ipv6Prefix,
    buckets: list("buckets"),
    logBucket: name && {
      name,
      ...withoutUndefined({ prefix: text("logPrefix"), manageNotifications }),
    },
    latenessHours: number("latenessHours"),
    quietMinutes: number("quietMinutes"),
    heartbeat: config.getObject<{ bucket: string; hours: number }[]>("heartbeat"),
    ...readCommon(config),
    archive: withoutUndefined({ ...readArchive(config), parquet: config.getBoolean("parquet") }),
  }) as S3AnomalyDetectionArgs;
}

/** What both components are told by the same keys. */
function readCommon(
  config: pulumi.Config,
): Pick<IntrusionPreventionArgs, "notify" | "logRetentionDays" | "tracing"> {
  const { text, list, number } = reader(config);
  const topicArn = text("notifyTopic");
  return withoutUndefined({
    notify: { ...(topicArn && { topicArn }), emails: list("notifyEmails") },
    logRetentionDays: number("logRetentionDays"),
    tracing: config.getBoolean("tracing"),
  });
}

function readArchive(config: pulumi.Config): ArchiveArgs {
  const { text, number } = reader(config);
  return withoutUndefined({ retentionDays: number("archiveDays"), kmsKeyArn: text("archiveKey") });
}

/** An empty text is as none. */
const reader = (config: pulumi.Config) => ({
  text: (key: string): string | undefined => config.get(key) || undefined,
  list: (key: string): string[] => config.getObject<string[]>(key) ?? [],
  number: (key: string): number | undefined => config.getNumber(key),
});

function readShared(config: pulumi.Config): ReturnType<typeof readStackSettings> {
  const values = SHARED_KEYS.map((key) => [key, readValue(config, key)] as const);
  const given = Object.fromEntries(values.filter(([, value]) => value !== undefined));
  try {
    return readStackSettings(given);
  } catch (error) {
    // Pulumi prints the message of a RunError and spares people the stack trace.
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}

/** Texts stand for themselves; everything else arrives as JSON. */
function readValue(config: pulumi.Config, key: (typeof SHARED_KEYS)[number]): unknown {
  return key === "mode" ? config.get(key) : config.getObject<unknown>(key);
}

/** `REQUESTS/SECONDS`, or `off`. */
function readRateLimit(text: string | undefined): IntrusionPreventionArgs["rateLimit"] {
  if (text === undefined) return undefined;
  if (text === "off") return false;
  const [, requests, perSeconds] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (requests === undefined)
    throw new pulumi.RunError(`"rateLimit": got "${text}", allowed is REQUESTS/SECONDS, or off`);
  return { requests: Number(requests), perSeconds: Number(perSeconds) };
}

/** `HEADER POSITION`, or `off`. */
function readForwardedIp(text: string | undefined): IntrusionPreventionArgs["forwardedIp"] {
  if (text === undefined) return undefined;
  if (text === "off") return false;
  const [headerName, position, ...rest] = text.split(" ");
  if ((position !== "FIRST" && position !== "LAST" && position !== "ANY") || rest.length > 0)
    throw new pulumi.RunError(
      `"forwardedIp": got "${text}", allowed is a header and FIRST, LAST or ANY, or off`,
    );
  return { headerName, position };
}

/** A number of shards, or `ON_DEMAND`; anything else is for the component to refuse. */
function readStream(text: string | undefined): IntrusionPreventionArgs["stream"] {
  return text !== undefined && /^\d+$/.test(text)
    ? Number(text)
    : (text as "ON_DEMAND" | undefined);
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

const withoutUndefined = <T extends object>(values: T): Partial<Defined<T>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Defined<T>
  >;
