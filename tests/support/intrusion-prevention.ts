import assert from "node:assert/strict";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import { S3_RULES } from "../../functions/rules/s3-rules";
import { IntrusionPrevention } from "../../infra/intrusion-prevention";
import type { IntrusionPreventionArgs } from "../../infra/intrusion-prevention-args";
import { register, type Registered } from "./mocks";

export const LOAD_BALANCER =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/0123456789abcdef";
export const WEB_ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shared/0123";
export const KEY = "arn:aws:kms:eu-west-1:123456789012:key/0123";
export const TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall";

export const SMALLEST: IntrusionPreventionArgs = { protect: [LOAD_BALANCER] };
export const FULLEST: IntrusionPreventionArgs = {
  rules: [...NGINX_RULES, ...S3_RULES],
  mode: "block",
  allow: ["203.0.113.0/28", "2001:db8:ffff::/48", "203.0.113.1/28"],
  trust: ["alb", "cloudfront"],
  ipv4Prefix: 24,
  ipv6Prefix: 56,
  maxBlocksPerMinute: 50,
  scope: "REGIONAL",
  webAcl: WEB_ACL,
  protect: [LOAD_BALANCER],
  rulePriority: 10,
  blockResponse: { status: 429 },
  rateLimit: false,
  forwardedIp: { headerName: "X-Forwarded-For", position: "LAST" },
  archive: { retentionDays: 30, prefix: "edge/logs/", kmsKeyArn: KEY },
  stream: "ON_DEMAND",
  parseBufferSeconds: 60,
  logFormat: "json",
  notify: { topicArn: TOPIC, emails: ["oncall@example.com", "security@example.com"] },
  silentMinutes: 5,
  logRetentionDays: 7,
  tracing: true,
};

export const make = (args: IntrusionPreventionArgs): Promise<Registered[]> =>
  register((opts) => new IntrusionPrevention("edge", args, opts));

/** The inputs of one resource, by its name without the component's. */
export function inputsOf(seen: readonly Registered[], name: string): Registered["inputs"] {
  const found = seen.find((one) => one.name === `edge-${name}`);
  assert.ok(found, name);
  return found.inputs;
}

export interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

/** The statements of one policy. */
export const statementsOf = (seen: readonly Registered[], name: string): Statement[] =>
  (JSON.parse(String(inputsOf(seen, name).policy)) as { Statement: Statement[] }).Statement;
