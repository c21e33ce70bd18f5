import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** Who hears of what happens. */
export interface TopicSettings {
  readonly topicArn: pulumi.Input<string> | undefined;
  readonly emails: readonly string[];
}

/** The user's topic, or one of the component's own; e-mail addresses subscribe to either. */
export function createTopic(
  name: string,
  { topicArn: given, emails }: TopicSettings,
  parent: pulumi.Resource,
): pulumi.Input<string> {
  const topicArn = given ?? new aws.sns.Topic(`${name}-notices`, {}, { parent }).arn;
  emails.forEach((endpoint, i) => {
    new aws.sns.TopicSubscription(
      `${name}-email-${i}`,
      { topic: topicArn, protocol: "email", endpoint },
      { parent },
    );
  });
  return topicArn;
}
