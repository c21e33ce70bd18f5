import type * as pulumi from "@pulumi/pulumi";
import type { Heartbeat } from "../functions/handlers/watch-accesses";
import { DEFAULT_PREFIXES } from "../functions/parsing/address";
import { checkExemptions, type Exemption } from "../functions/rules/exemptions";
import { S3_RULES } from "../functions/rules/s3-rules";
import type { Rule } from "../functions/rules/rule";
import { checkRange, checkRulesOn, refuse } from "./checks";
import type { GivenLogBucket } from "./log-bucket";
import {
  checkLogDays,
  settleArchive,
  settleNotify,
  type ParquetArchiveArgs,
  type NotifyArgs,
} from "./shared-args";

/** All of it has defaults; `buckets` is what most stacks give. */
export interface S3AnomalyDetectionArgs {
  /** Names or ARNs of buckets to switch access logging on for. @default - none; their logging is yours */
  readonly buckets?: readonly pulumi.Input<string>[];
  /** A bucket that log objects come into already. @default - one is made */
  readonly logBucket?: GivenLogBucket;
  /** What is looked for; rules on nginx logs are left out. @default - the default rules on S3 */
  readonly rules?: readonly Rule[];
  /**
   * Accesses that no rule counts, such as a backup: conditions as in rules, a reason, an end. People
   * can write further ones into the table `exemptionsTableName` at any time.
   *
   * @default - none
   */
  readonly exempt?: readonly Exemption[];
  /** Bits of an IPv6 address that make one client, 16 to 128. @default 64 */
  readonly ipv6Prefix?: number;
  /** Hours that a minute takes in late log lines, 3 to 168. @default 24 */
  readonly latenessHours?: number;
  /** Minutes without a crossed line after which an incident is over, 1 to 1,440. @default 60 */
  readonly quietMinutes?: number;
  /** Buckets that normally log, and after how many hours of silence (1 to 168) an alarm rings. @default - none */
  readonly heartbeat?: readonly Heartbeat[];
  /** Who hears of alerts and alarms. @default - a topic without subscribers */
  readonly notify?: NotifyArgs;
  /** The archive. @default { retentionDays: 90, prefix: "accesses/", parquet: false } */
  readonly archive?: ParquetArchiveArgs;
  /** Days that the functions' logs are kept, of those that CloudWatch knows. @default 30 */
  readonly logRetentionDays?: number;
  /** X-Ray traces of the functions. @default false */
  readonly tracing?: boolean;
}

/** What a component is built by: every argument checked, every default settled. */
export interface S3AnomalyDetectionSettings {
  readonly buckets: readonly pulumi.Input<string>[];
  readonly logBucket: GivenLogBucket | undefined;
  readonly rules: readonly Rule[];
  readonly exempt: readonly Exemption[];
  readonly prefixes: { readonly ipv4Prefix: number; readonly ipv6Prefix: number };
  readonly latenessHours: number;
  readonly quietMinutes: number;
  readonly heartbeat: readonly Heartbeat[];
  readonly topicArn: pulumi.Input<string> | undefined;
  readonly emails: readonly string[];
  readonly archive: ReturnType<typeof settleArchive> & { readonly isParquet: boolean };
  readonly logRetentionDays: number;
  readonly isTraced: boolean;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const BUCKET_ARN = /^arn:aws[a-z-]*:s3:::([^/]+)$/;

/**
 * Checks the arguments and settles their defaults.
 *
 * @throws pulumi.InputPropertyError that names the argument, the value and what is allowed.
 */
export function settleAudit(args: S3AnomalyDetectionArgs): S3AnomalyDetectionSettings {
  const { logBucket } = args;
  const buckets = (args.buckets ?? []).map((bucket, i) =>
    typeof bucket === "string" ? nameOf(`buckets[${i}]`, bucket) : bucket,
  );
  if (logBucket !== undefined) checkLogBucket(logBucket, buckets);
  const ipv6Prefix = args.ipv6Prefix ?? DEFAULT_PREFIXES.ipv6Prefix;
  return {
    buckets,
    logBucket,
    rules: checkRulesOn("s3", "rules", args.rules ?? S3_RULES),
    exempt: settleExempt(args.exempt ?? []),
    prefixes: {
      ...DEFAULT_PREFIXES,
      ipv6Prefix: checkRange("ipv6Prefix", ipv6Prefix, { from: 16, to: 128 }),
    },
    latenessHours: checkRange("latenessHours", args.latenessHours ?? 24, { from: 3, to: 168 }),
    quietMinutes: checkRange("quietMinutes", args.quietMinutes ?? 60, { from: 1, to: 1440 }),
    heartbeat: (args.heartbeat ?? []).map(({ bucket, hours }, i) => ({
      bucket: nameOf(`heartbeat[${i}].bucket`, bucket),
      hours: checkRange(`heartbeat[${i}].hours`, hours, { from: 1, to: 168 }),
    })),
    ...settleNotify(args.notify ?? {}),
    archive: {
      ...settleArchive(args.archive ?? {}, "accesses/"),
      isParquet: args.archive?.parquet ?? false,
    },
    logRetentionDays: checkLogDays(args.logRetentionDays ?? 30),
    isTraced: args.tracing ?? false,
  };
}

function settleExempt(exempt: readonly Exemption[]): readonly Exemption[] {
  const checked = checkExemptions(exempt);
  if (!checked.ok) refuse("exempt", `: ${checked.mistakes.join("; ")}`);
  return checked.exemptions;
}

function nameOf(propertyPath: string, bucket: string): string {
  const name = BUCKET_ARN.exec(bucket)?.[1] ?? bucket;
  if (!BUCKET_NAME.test(name))
    refuse(propertyPath, `must be the name or ARN of a bucket, got ${JSON.stringify(bucket)}`);
  return name;
}

function checkLogBucket(
  { name, prefix }: GivenLogBucket,
  buckets: readonly pulumi.Input<string>[],
): void {
  if (typeof name === "string") {
    if (!BUCKET_NAME.test(name))
      refuse("logBucket.name", `must be the name of a bucket, got ${JSON.stringify(name)}`);
    if (buckets.includes(name))
      refuse(
        "buckets",
        `must not hold the log bucket ${name}: each log object would be logged again`,
      );
  }
  if (prefix !== undefined && (prefix.startsWith("/") || prefix.length > 200))
    refuse("logBucket.prefix", `must not begin with "/", and hold at most 200 characters`);
}
