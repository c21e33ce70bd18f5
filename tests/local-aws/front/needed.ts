import { AwsError } from "./aws-error";
import type { Call } from "./call";
import type { Waf } from "./waf";

interface Needed {
  readonly action: string;
  readonly resource: string;
}

/**
 * What a function's call needs to be allowed, as AWS's service authorization reference has it.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export function neededFor(
  { service, action, path, body }: Call,
  { account, region, waf }: { account: string; region: string; waf: Waf },
): Needed {
  const json = (): Record<string, string | undefined> =>
    JSON.parse(body.toString() || "{}") as Record<string, string>;
  const arn = (rest: string): string => `arn:aws:${service}:${region}:${account}:${rest}`;
  const needs = (resource: string): Needed => ({ action: `${service}:${action}`, resource });
  switch (service) {
    case "kinesis":
      return needs(json()["StreamARN"] ?? arn(`stream/${json()["StreamName"]}`));
    case "firehose":
      return needs(arn(`deliverystream/${json()["DeliveryStreamName"]}`));
    case "dynamodb": {
      const { TableName, IndexName } = json();
      return needs(
        arn(`table/${TableName}${IndexName === undefined ? "" : `/index/${IndexName}`}`),
      );
    }
    case "wafv2":
      return needs(waf.sets.get({ Id: json()["Id"] ?? "" }).IPSet.ARN);
    case "sns":
      return needs(new URLSearchParams(body.toString()).get("TopicArn") ?? "");
    case "s3": {
      const [, bucket, key] = /^\/([^/]+)\/?(.*)$/.exec(path) ?? [];
      return needs(`arn:aws:s3:::${bucket}${key === "" ? "" : `/${decodeURIComponent(key)}`}`);
    }
    default:
      throw new AwsError("AccessDeniedException", `no function has any business with ${service}`);
  }
}
