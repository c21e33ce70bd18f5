import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { bundle, type HandlerName } from "./bundle";
import { assumedBy, document, tracing, writeLogs, type Statement } from "./policies";

export interface CallbackArgs<Settings> {
  /** The file in `functions/handlers` whose `handler` makes the callback. */
  readonly handler: HandlerName;
  /** Plain data, and outputs of resources; it ends up in the archive as it is. */
  readonly settings: pulumi.Input<Settings>;
  /** What the function may do beside writing its log. */
  readonly statements: readonly Statement[];
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logRetentionDays: number;
  readonly isTraced: boolean;
}

/** A function with what it needs to run: its role and its log group. */
export interface Callback {
  readonly fn: aws.lambda.Function;
  /** What anything that invokes the function must wait for. */
  readonly policy: aws.iam.RolePolicy;
}

/**
 * The one way to make a Lambda: a role of its own with the statements given and no managed policy,
 * a log group of its own, arm64, and a callback that requires its bundle once in a container's life.
 */
export function callback<Settings>(
  name: string,
  args: CallbackArgs<Settings>,
  parent: pulumi.Resource,
): Callback {
  const logGroup = new aws.cloudwatch.LogGroup(
    `${name}-logs`,
    { retentionInDays: args.logRetentionDays },
    { parent },
  );
  const role = new aws.iam.Role(
    `${name}-role`,
    { assumeRolePolicy: assumedBy("lambda.amazonaws.com") },
    { parent },
  );
  const policy = new aws.iam.RolePolicy(
    `${name}-policy`,
    {
      role: role.name,
      policy: document(
        writeLogs(logGroup.arn),
        ...args.statements,
        ...(args.isTraced ? [tracing()] : []),
      ),
    },
    { parent },
  );
  const path = bundle(args.handler);
  const settings = pulumi.output(args.settings);
  const fn = new aws.lambda.CallbackFunction(
    name,
    {
      // Only this line is serialized: path and settings are captured as plain data.
      callbackFactory: () =>
        (
          require(path) as { handler: (settings: unknown) => aws.lambda.Callback<unknown, unknown> }
        ).handler(settings.get()),
      codePathOptions: { extraIncludePaths: [path.slice("./".length)] },
      runtime: "nodejs24.x",
      architectures: ["arm64"],
      role: role.arn,
      memorySize: args.memoryMb,
      timeout: args.timeoutSeconds,
      // The callbacks report each call themselves; Lambda's own lines would double the log's cost.
      loggingConfig: { logFormat: "JSON", systemLogLevel: "WARN", logGroup: logGroup.name },
      ...(args.isTraced ? { tracingConfig: { mode: "Active" } } : {}),
    },
    { parent, dependsOn: [policy] },
  );
  return { fn, policy };
}
