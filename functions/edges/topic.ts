import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
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
