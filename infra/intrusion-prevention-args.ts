import type * as pulumi from "@pulumi/pulumi";
import { DEFAULT_PREFIXES } from "../functions/parsing/address";
import { NGINX_RULES } from "../functions/rules/nginx-rules";
import { MODES, type Mode, type Rule } from "../functions/rules/rule";
import type { StreamCapacity } from "./analytics";
import {
  checkArn,
  checkChoice,
  checkCidrs,
  checkRange,
  checkRulesOn,
  checkTrust,
  refuse,
} from "./checks";
import { LOG_FORMATS, type LogFormat } from "./log-formats";
import {
  checkLogDays,
  settleArchive,
  settleNotify,
  type ArchiveArgs,
  type NotifyArgs,
} from "./shared-args";

/** The header in which the client stands, and which of its addresses it is. */
export interface ForwardedIp {
  readonly headerName: string;
  readonly position: "FIRST" | "LAST" | "ANY";
}

/** All of it has defaults; `protect` is what most stacks give. */
export interface IntrusionPreventionArgs {
  /** What is looked for; rules on S3 logs are left out. @default - the default rules on nginx */
  readonly rules?: readonly Rule[];
  /** No decision goes further: `observe`, `count`, `challenge` or `block`. @default "block" */
  readonly mode?: Mode;
  /** Addresses and CIDR blocks that are never blocked. @default - everybody can be blocked */
  readonly allow?: readonly string[];
  /**
   * Proxies whose `X-Forwarded-For` is believed: CIDR blocks, 1 to 10 hops, `alb`, `cloudfront` (the
   * ranges that AWS lists at the time of `pulumi up`, too). @default ["alb"]
   */
  readonly trust?: readonly string[];
  /** Bits of an IPv4 address that make one client, 8 to 32. @default 32 */
  readonly ipv4Prefix?: number;
  /** Bits of an IPv6 address that make one client, 16 to 128. @default 64 */
  readonly ipv6Prefix?: number;
  /** New blocks and challenges in a minute, 1 to 10,000; past it decisions are only counted. @default 100 */
  readonly maxBlocksPerMinute?: number;

  /** Where the web ACL stands: `REGIONAL` for load balancers, `CLOUDFRONT` for distributions. @default "REGIONAL" */
  readonly scope?: "REGIONAL" | "CLOUDFRONT";
  /** The ARN of a web ACL that gets the rules; it needs `ignoreChanges: ["rules"]`. @default - one is made */
  readonly webAcl?: pulumi.Input<string>;
  /** ARNs of the load balancers in front of nginx; a distribution takes `webAclArn` itself. @default - none */
  readonly protect?: readonly pulumi.Input<string>[];
  /** Priority of the first rule in the web ACL; up to three follow. 0 to 1,000,000. @default 0 */
  readonly rulePriority?: number;
  /** What a blocked client gets: a status from 200 to 599, and a body of at most 4,096 bytes. @default { status: 403 } */
  readonly blockResponse?: { readonly status: number; readonly body?: string };
  /**
   * WAF's own limit on requests from one address, which stops a flood before its first log line is
   * here: 10 to 2,000,000,000 requests in 60, 120, 300 or 600 seconds, or false.
   *
   * @default { requests: 3000, perSeconds: 60 }, false with `forwardedIp`
   */
  readonly rateLimit?: { readonly requests: number; readonly perSeconds: number } | false;
  /**
   * Where the web ACL finds the client when a proxy stands before it.
   *
   * @default - the last address of X-Forwarded-For when `trust` names `cloudfront` and the scope is REGIONAL
   */
  readonly forwardedIp?: ForwardedIp | false;

  /** The archive: days until logs are deleted (1 to 3,650), prefix of their keys, a KMS key of yours. @default { retentionDays: 90, prefix: "requests/" } */
  readonly archive?: ArchiveArgs;
  /** Capacity of the requests stream: `ON_DEMAND`, or 1 to 200 shards of 1,000 records or 1 MB a second. @default 1 */
  readonly stream?: StreamCapacity;
  /** Seconds that Firehose gathers lines before they are parsed, 0 to 900. @default 2 */
  readonly parseBufferSeconds?: number;
  /** Of the ready nginx configuration: `ltsv` or `json`. Every known format is read anyway. @default "ltsv" */
  readonly logFormat?: LogFormat;

  /** Who hears of blocks and alarms: a topic of yours, e-mail addresses. @default - a topic without subscribers */
  readonly notify?: NotifyArgs;
  /** Minutes without a log line until an alarm rings, 1 to 1,440. @default 15 */
  readonly silentMinutes?: number;
  /** Days that the functions' logs are kept, of those that CloudWatch knows. @default 30 */
  readonly logRetentionDays?: number;
  /** X-Ray traces of the functions. @default false */
  readonly tracing?: boolean;
}

/** What a component is built by: every argument checked, every default settled. */
export interface IntrusionPreventionSettings {
  readonly rules: readonly Rule[];
  readonly mode: Mode;
  readonly allow: readonly string[];
  readonly trust: readonly string[];
  readonly prefixes: { readonly ipv4Prefix: number; readonly ipv6Prefix: number };
  readonly maxBlocksPerMinute: number;
  readonly scope: "REGIONAL" | "CLOUDFRONT";
  readonly webAcl: pulumi.Input<string> | undefined;
  readonly protect: readonly pulumi.Input<string>[];
  readonly rulePriority: number;
  readonly blockResponse: { readonly status: number; readonly body?: string };
  readonly rateLimit: { readonly requests: number; readonly perSeconds: number } | false;
  readonly forwardedIp: ForwardedIp | undefined;
  readonly archive: {
    readonly retentionDays: number;
    readonly prefix: string;
    readonly kmsKeyArn: pulumi.Input<string> | undefined;
  };
  readonly stream: StreamCapacity;
  readonly parseBufferSeconds: number;
  readonly logFormat: LogFormat;
  readonly topicArn: pulumi.Input<string> | undefined;
  readonly emails: readonly string[];
  readonly silentMinutes: number;
  readonly logRetentionDays: number;
  readonly isTraced: boolean;
}

const MAX_BODY_BYTES = 4096;
/** @see https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html */
const RATE_WINDOWS = [60, 120, 300, 600];
const DEFAULT_RATE_LIMIT = { requests: 3000, perSeconds: 60 };
/**
 * Checks the arguments and settles their defaults.
 *
 * @throws pulumi.InputPropertyError that names the argument, the value and what is allowed.
 */
export function settle(args: IntrusionPreventionArgs): IntrusionPreventionSettings {
  const scope = checkChoice("scope", args.scope ?? "REGIONAL", ["REGIONAL", "CLOUDFRONT"]);
  const trust = checkTrust("trust", args.trust ?? ["alb"]);
  const forwardedIp = settleForwardedIp(args.forwardedIp, scope, trust);
  return {
    rules: checkRulesOn("nginx", "rules", args.rules ?? NGINX_RULES),
    mode: checkChoice("mode", args.mode ?? "block", MODES),
    allow: checkCidrs("allow", args.allow ?? []),
    trust,
    prefixes: {
      ipv4Prefix: checkRange("ipv4Prefix", args.ipv4Prefix ?? DEFAULT_PREFIXES.ipv4Prefix, {
        from: 8,
        to: 32,
      }),
      ipv6Prefix: checkRange("ipv6Prefix", args.ipv6Prefix ?? DEFAULT_PREFIXES.ipv6Prefix, {
        from: 16,
        to: 128,
      }),
    },
    maxBlocksPerMinute: checkRange("maxBlocksPerMinute", args.maxBlocksPerMinute ?? 100, {
      from: 1,
      to: 10_000,
    }),
    scope,
    ...settleWebAcl(args, scope),
    rateLimit: settleRateLimit(args.rateLimit, forwardedIp),
    forwardedIp,
    archive: settleArchive(args.archive ?? {}, "requests/"),
    stream: settleStream(args.stream ?? 1),
    parseBufferSeconds: checkRange("parseBufferSeconds", args.parseBufferSeconds ?? 2, {
      from: 0,
      to: 900,
    }),
    logFormat: checkChoice("logFormat", args.logFormat ?? "ltsv", LOG_FORMATS),
    ...settleNotify(args.notify ?? {}),
    silentMinutes: checkRange("silentMinutes", args.silentMinutes ?? 15, { from: 1, to: 1440 }),
    logRetentionDays: checkLogDays(args.logRetentionDays ?? 30),
    isTraced: args.tracing ?? false,
  };
}

function settleForwardedIp(
  given: ForwardedIp | false | undefined,
  scope: "REGIONAL" | "CLOUDFRONT",
  trust: readonly string[],
): ForwardedIp | undefined {
  if (given === false) return undefined;
  if (given !== undefined) {
    checkChoice("forwardedIp.position", given.position, ["FIRST", "LAST", "ANY"]);
    if (!/^[A-Za-z0-9-]{1,64}$/.test(given.headerName))
      refuse(
        "forwardedIp.headerName",
        `must be the name of a header, got ${JSON.stringify(given.headerName)}`,
      );
    return given;
  }
  // Before a regional ACL CloudFront has just put its viewer at the end of the header.
  const isBehindCloudFront = scope === "REGIONAL" && trust.includes("cloudfront");
  return isBehindCloudFront ? { headerName: "X-Forwarded-For", position: "LAST" } : undefined;
}

function settleWebAcl(
  args: IntrusionPreventionArgs,
  scope: "REGIONAL" | "CLOUDFRONT",
): Pick<IntrusionPreventionSettings, "webAcl" | "protect" | "rulePriority" | "blockResponse"> {
  const { webAcl, protect = [], blockResponse = { status: 403 } } = args;
  if (webAcl !== undefined) checkArn("webAcl", webAcl, ["wafv2"]);
  protect.forEach((arn, i) => {
    checkArn(`protect[${i}]`, arn, [
      "elasticloadbalancing",
      "apigateway",
      "appsync",
      "cognito-idp",
      "apprunner",
      "ec2",
    ]);
  });
  if (scope === "CLOUDFRONT" && protect.length > 0)
    refuse(
      "protect",
      'must be empty with scope CLOUDFRONT: give the output "webAclArn" to the distribution\'s webAclId',
    );
  checkRange("blockResponse.status", blockResponse.status, { from: 200, to: 599 });
  const { body } = blockResponse;
  if (body !== undefined && webAcl !== undefined)
    refuse(
      "blockResponse.body",
      "needs a web ACL of the component's own: a body stands in the ACL, and \"webAcl\" is another's",
    );
  if (body !== undefined && (body === "" || Buffer.byteLength(body) > MAX_BODY_BYTES))
    refuse(
      "blockResponse.body",
      `must be 1 to ${MAX_BODY_BYTES} bytes, got ${Buffer.byteLength(body)}`,
    );
  const rulePriority = checkRange("rulePriority", args.rulePriority ?? 0, {
    from: 0,
    to: 1_000_000,
  });
  return { webAcl, protect, rulePriority, blockResponse };
}

function settleRateLimit(
  given: IntrusionPreventionArgs["rateLimit"],
  forwardedIp: ForwardedIp | undefined,
): IntrusionPreventionSettings["rateLimit"] {
  if (given === undefined) return forwardedIp === undefined ? DEFAULT_RATE_LIMIT : false;
  if (given === false) return false;
  if (forwardedIp !== undefined)
    refuse(
      "rateLimit",
      "must be false behind a proxy: WAF would count by an address that the client itself writes",
    );
  checkRange("rateLimit.requests", given.requests, { from: 10, to: 2_000_000_000 });
  if (!RATE_WINDOWS.includes(given.perSeconds))
    refuse(
      "rateLimit.perSeconds",
      `must be one of ${RATE_WINDOWS.join(", ")}, got ${String(given.perSeconds)}`,
    );
  return given;
}

function settleStream(capacity: StreamCapacity): StreamCapacity {
  const isShards = Number.isInteger(capacity) && Number(capacity) >= 1 && Number(capacity) <= 200;
  if (capacity !== "ON_DEMAND" && !isShards)
    refuse("stream", `must be ON_DEMAND or 1 to 200 shards, got ${JSON.stringify(capacity)}`);
  return capacity;
}
