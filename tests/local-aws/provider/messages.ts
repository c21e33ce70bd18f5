import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
  type QueueAttributeName,
} from "@aws-sdk/client-sqs";
import { present, type ResourceType, type Values } from "./resource-type";

const sqs = new SQSClient({});
const sns = new SNSClient({});

const attributesOf = (inputs: Values): Partial<Record<QueueAttributeName, string>> => ({
  MessageRetentionPeriod: `${inputs["messageRetentionSeconds"]}`,
  SqsManagedSseEnabled: `${inputs["sqsManagedSseEnabled"]}`,
  ...(inputs["visibilityTimeoutSeconds"] !== undefined && {
    VisibilityTimeout: `${inputs["visibilityTimeoutSeconds"]}`,
  }),
  ...(inputs["redrivePolicy"] !== undefined && { RedrivePolicy: inputs["redrivePolicy"] }),
});

const queue: ResourceType = {
  named: { input: "name", longest: 80 },
  replaceOn: ["name"],
  async create(inputs) {
    const { QueueUrl: url = "" } = await sqs.send(
      new CreateQueueCommand({ QueueName: inputs["name"], Attributes: attributesOf(inputs) }),
    );
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }),
    );
    return { id: url, outputs: { url, arn: Attributes?.QueueArn } };
  },
  async read(id, { visibilityTimeoutSeconds }) {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: id, AttributeNames: ["All"] }),
    );
    return {
      messageRetentionSeconds: Number(Attributes?.MessageRetentionPeriod),
      ...(visibilityTimeoutSeconds !== undefined && {
        visibilityTimeoutSeconds: Number(Attributes?.VisibilityTimeout),
      }),
    };
  },
  async update(id, news) {
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: id, Attributes: attributesOf(news) }));
    return undefined;
  },
  delete: (id) => sqs.send(new DeleteQueueCommand({ QueueUrl: id })),
};

const setPolicy = (QueueUrl: string, Policy: string) =>
  sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));

const queuePolicy: ResourceType = {
  replaceOn: ["queueUrl"],
  async create({ queueUrl, policy }) {
    await setPolicy(queueUrl, policy);
    return { id: queueUrl };
  },
  async read(id) {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: id, AttributeNames: ["Policy"] }),
    );
    return { policy: present(Attributes?.Policy, "policy") };
  },
  async update(id, { policy }) {
    await setPolicy(id, policy);
    return undefined;
  },
  delete: (id) => setPolicy(id, ""),
};

const topic: ResourceType = {
  named: { input: "name", longest: 256 },
  replaceOn: ["name"],
  async create({ name }) {
    const { TopicArn: arn = "" } = await sns.send(new CreateTopicCommand({ Name: name }));
    return { id: arn, outputs: { arn } };
  },
  async read(id) {
    await sns.send(new GetTopicAttributesCommand({ TopicArn: id }));
    return {};
  },
  update: async () => undefined,
  delete: (id) => sns.send(new DeleteTopicCommand({ TopicArn: id })),
};

const topicSubscription: ResourceType = {
  replaceOn: ["topic", "protocol", "endpoint"],
  async create({ topic: TopicArn, protocol, endpoint }) {
    const { SubscriptionArn: arn = "" } = await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: protocol,
        Endpoint: endpoint,
        ReturnSubscriptionArn: true,
      }),
    );
    return { id: arn, outputs: { arn } };
  },
  async read(id, { topic: TopicArn }) {
    const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    const found = Subscriptions?.find(({ SubscriptionArn }) => SubscriptionArn === id);
    return { endpoint: present(found, "subscription").Endpoint };
  },
  delete: (id) => sns.send(new UnsubscribeCommand({ SubscriptionArn: id })),
};

export const MESSAGES: Readonly<Record<string, ResourceType>> = {
  "aws:sqs/queue:Queue": queue,
  "aws:sqs/queuePolicy:QueuePolicy": queuePolicy,
  "aws:sns/topic:Topic": topic,
  "aws:sns/topicSubscription:TopicSubscription": topicSubscription,
};
