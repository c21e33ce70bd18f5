import type * as pulumi from "@pulumi/pulumi";
import { checkArn, checkRange, refuse } from "./checks";
import type { TopicSettings } from "./topic";

/** The archive: days until logs are deleted, prefix of their keys, a KMS key of one's own. */
export interface ArchiveArgs {
  readonly retentionDays?: number;
  readonly prefix?: string;
  readonly kmsKeyArn?: pulumi.Input<string>;
}

/** An archive that may be Parquet, which SQL reads faster and cheaper. @default JSON lines */
export interface ParquetArchiveArgs extends ArchiveArgs {
  readonly parquet?: boolean;
}

/** Who hears of what happens: a topic of one's own, e-mail addresses. */
export interface NotifyArgs {
  readonly topicArn?: pulumi.Input<string>;
  readonly emails?: readonly string[];
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];

export function settleArchive(
  { retentionDays = 90, prefix: given, kmsKeyArn }: ArchiveArgs,
  defaultPrefix: string,
): { retentionDays: number; prefix: string; kmsKeyArn: pulumi.Input<string> | undefined } {
  const prefix = given ?? defaultPrefix;
  checkRange("archive.retentionDays", retentionDays, { from: 1, to: 3650 });
  if (!/^[A-Za-z0-9._/-]{1,200}\/$/.test(prefix) || /^(errors|athena-results|lines)\//.test(prefix))
    refuse(
      "archive.prefix",
      `must be letters, digits, ".", "_", "-" and "/", end in "/", and not begin with errors/, athena-results/ or lines/, got ${JSON.stringify(prefix)}`,
    );
  if (kmsKeyArn !== undefined) checkArn("archive.kmsKeyArn", kmsKeyArn, ["kms"]);
  return { retentionDays, prefix, kmsKeyArn };
}

export function settleNotify({ topicArn, emails = [] }: NotifyArgs): TopicSettings {
  if (topicArn !== undefined) checkArn("notify.topicArn", topicArn, ["sns"]);
  emails.forEach((email, i) => {
    if (!/^[^\s@]+@[^\s@]+$/.test(email))
      refuse(`notify.emails[${i}]`, `must be an e-mail address, got ${JSON.stringify(email)}`);
  });
  return { topicArn, emails };
}

export function checkLogDays(days: number): number {
  if (!LOG_DAYS.includes(days))
    refuse("logRetentionDays", `must be one of ${LOG_DAYS.join(", ")}, got ${String(days)}`);
  return days;
}
