import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Alert } from "../acting/alert";
import type { Notice } from "../acting/digest";

/** Sends notices to an SNS topic. */
export function topic(topicArn: string): (notice: Notice) => Promise<void> {
  const client = new SNSClient({});
  return async ({ subject, message }) => {
    await client.send(
      new PublishCommand({ TopicArn: topicArn, Subject: subject, Message: message }),
    );
  };
}

/** Protocols behind which no person reads. */
const MACHINES = ["lambda", "sqs", "http", "https", "firehose"];

/** Sends alerts to an SNS topic: text for people, and JSON for machines that subscribe. */
export function alertTopic(topicArn: string): (alert: Alert) => Promise<void> {
  const client = new SNSClient({});
  return async ({ subject, message, attributes, document }) => {
    const forMachines = Object.fromEntries(MACHINES.map((protocol) => [protocol, document]));
    await client.send(
      new PublishCommand({
        TopicArn: topicArn,
        Subject: subject,
        Message: JSON.stringify({ default: message, ...forMachines }),
        MessageStructure: "json",
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [
            name,
            { DataType: "String", StringValue: value },
          ]),
        ),
      }),
    );
  };
}
