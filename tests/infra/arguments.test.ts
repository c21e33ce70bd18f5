import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { NGINX_RULES } from "../../functions/rules/nginx-rules";
import { S3_RULES } from "../../functions/rules/s3-rules";
import { IntrusionPrevention } from "../../infra/intrusion-prevention";
import type { IntrusionPreventionArgs } from "../../infra/intrusion-prevention-args";
import { LOAD_BALANCER, WEB_ACL } from "../support/intrusion-prevention";
import { register } from "../support/mocks";

describe("IntrusionPrevention: arguments", () => {
  const [rule] = NGINX_RULES;
  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ["rules", { rules: [{ ...rule, withinSeconds: 0 }] }, /withinSeconds/],
    ["rules", { rules: S3_RULES }, /at least one rule on nginx logs, got 4 on others/],
    ["mode", { mode: "ban" }, /one of observe, count, challenge, block, got "ban"/],
    ["allow[1]", { allow: ["192.0.2.1", "office"] }, /CIDR block.*got "office"/],
    ["allow[0]", { allow: ["0.0.0.0/0"] }, /not \/0/],
    ["trust[0]", { trust: ["everybody"] }, /hops.*got "everybody"/],
    ["ipv4Prefix", { ipv4Prefix: 33 }, /8 to 32, got 33/],
    ["ipv6Prefix", { ipv6Prefix: 8 }, /16 to 128, got 8/],
    ["maxBlocksPerMinute", { maxBlocksPerMinute: 0 }, /1 to 10000, got 0/],
    ["scope", { scope: "GLOBAL" }, /REGIONAL, CLOUDFRONT, got "GLOBAL"/],
    ["webAcl", { webAcl: "shared" }, /an ARN of wafv2, got "shared"/],
    ["protect[0]", { protect: ["web"] }, /an ARN of elasticloadbalancing/],
    ["protect", { scope: "CLOUDFRONT", protect: [LOAD_BALANCER] }, /webAclId/],
    ["rulePriority", { rulePriority: -1 }, /0 to 1000000, got -1/],
    ["blockResponse.status", { blockResponse: { status: 99 } }, /200 to 599, got 99/],
    ["blockResponse.body", { blockResponse: { status: 403, body: "" } }, /1 to 4096 bytes, got 0/],
    [
      "blockResponse.body",
      { webAcl: WEB_ACL, blockResponse: { status: 403, body: "no" } },
      /web ACL of the component's own/,
    ],
    ["rateLimit.requests", { rateLimit: { requests: 9, perSeconds: 60 } }, /10 to/],
    ["rateLimit.perSeconds", { rateLimit: { requests: 10, perSeconds: 30 } }, /60, 120, 300, 600/],
    [
      "rateLimit",
      { trust: ["cloudfront"], rateLimit: { requests: 10, perSeconds: 60 } },
      /the client itself writes/,
    ],
    [
      "forwardedIp.position",
      { forwardedIp: { headerName: "X", position: "MIDDLE" } },
      /FIRST, LAST, ANY/,
    ],
    [
      "forwardedIp.headerName",
      { forwardedIp: { headerName: "", position: "LAST" } },
      /name of a header/,
    ],
    ["archive.retentionDays", { archive: { retentionDays: 0 } }, /1 to 3650, got 0/],
    ["archive.prefix", { archive: { prefix: "logs" } }, /end in "\/"/],
    ["archive.prefix", { archive: { prefix: "errors/" } }, /not begin with errors/],
    ["archive.kmsKeyArn", { archive: { kmsKeyArn: "alias/x" } }, /an ARN of kms/],
    ["stream", { stream: 0 }, /ON_DEMAND or 1 to 200 shards, got 0/],
    ["stream", { stream: "LARGE" }, /ON_DEMAND or 1 to 200 shards, got "LARGE"/],
    ["parseBufferSeconds", { parseBufferSeconds: 901 }, /0 to 900, got 901/],
    ["logFormat", { logFormat: "csv" }, /ltsv, json, got "csv"/],
    ["notify.topicArn", { notify: { topicArn: "oncall" } }, /an ARN of sns/],
    ["notify.emails[0]", { notify: { emails: ["oncall"] } }, /an e-mail address, got "oncall"/],
    ["silentMinutes", { silentMinutes: 0.5 }, /whole number from 1 to 1440, got 0.5/],
    ["logRetentionDays", { logRetentionDays: 31 }, /one of 1, 3, 5, .* got 31/],
  ];
  for (const [propertyPath, args, reason] of wrong) {
    it(`refuses ${JSON.stringify(args).slice(0, 90)}`, async () => {
      let thrown: unknown;
      await register((opts) => {
        try {
          new IntrusionPrevention("edge", args as IntrusionPreventionArgs, opts);
        } catch (error) {
          thrown = error;
        }
      });
      assert.ok(thrown instanceof pulumi.InputPropertyError);
      assert.equal(thrown.propertyPath, propertyPath);
      assert.match(thrown.message, reason);
    });
  }
});
