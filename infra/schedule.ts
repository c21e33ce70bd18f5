import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Callback } from "./callback";
import { assumedBy, document, invoke } from "./policies";

/** Calls a function again and again. */
export function createSchedule(
  name: string,
  { fn }: Callback,
  { purpose, rate }: { readonly purpose: string; readonly rate: string },
  parent: pulumi.Resource,
): void {
  const role = new aws.iam.Role(
    `${name}-schedule-role`,
    { assumeRolePolicy: assumedBy("scheduler.amazonaws.com") },
    { parent },
  );
  const policy = new aws.iam.RolePolicy(
    `${name}-schedule-policy`,
    { role: role.name, policy: document(invoke(fn.arn)) },
    { parent },
  );
  new aws.scheduler.Schedule(
    `${name}-${purpose}`,
    {
      scheduleExpression: `rate(${rate})`,
      flexibleTimeWindow: { mode: "OFF" },
      // The next time comes soon enough: a call that failed is not worth repeating.
      target: { arn: fn.arn, roleArn: role.arn, retryPolicy: { maximumRetryAttempts: 0 } },
    },
    { parent, dependsOn: [policy] },
  );
}
