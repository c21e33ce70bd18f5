import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./infra/config";
import { logOf } from "./functions/rules/rule";

const settings = readConfig();

void pulumi.log.info(
  "This version of Floodgate checks the stack's rules and makes no AWS resources yet; " +
    "try the rules on your logs with: npm run -s floodgate -- replay --stack " +
    `${pulumi.getStack()} FILE`,
);

/** The rules that were read and found valid. */
export const nginxRules = settings.rules
  .filter((rule) => logOf(rule) === "nginx")
  .map(({ name }) => name);
export const s3Rules = settings.rules
  .filter((rule) => logOf(rule) === "s3")
  .map(({ name }) => name);
/** No decision goes further than this. */
export const mode = settings.mode;
