import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Trust } from "../functions/parsing/client-address";

/** Where a region has no such list, the ranges that Floodgate knows are all. */
const CLOUDFRONT_LISTS = [
  "com.amazonaws.global.cloudfront.origin-facing",
  "com.amazonaws.global.ipv6.cloudfront.origin-facing",
];

/**
 * What `trust` names, and with the preset `cloudfront` the ranges beside it that AWS lists now: it adds
 * some a few times a year, and each `pulumi up` takes them over.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html
 */
export function trustedProxies(trust: Trust, parent: pulumi.Resource): pulumi.Output<Trust> {
  if (!trust.includes("cloudfront")) return pulumi.output(trust);
  const lists = aws.ec2.getManagedPrefixListsOutput(
    { filters: [{ name: "prefix-list-name", values: CLOUDFRONT_LISTS }] },
    { parent },
  );
  const ranges = lists.ids.apply((ids) =>
    pulumi.all(ids.map((id) => aws.ec2.getManagedPrefixListOutput({ id }, { parent }).entries)),
  );
  return ranges.apply((entries) => [
    ...trust,
    ...entries
      .flat()
      .map(({ cidr }) => cidr)
      .sort(),
  ]);
}
