import {
  DeleteRuleCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { capital, present, type ResourceType, type Values } from "./resource-type";

const events = new EventBridgeClient({});
const scheduler = new SchedulerClient({});

const putRule = ({ name, description, eventPattern }: Values) =>
  events.send(
    new PutRuleCommand({ Name: name, Description: description, EventPattern: eventPattern }),
  );

const rule: ResourceType = {
  named: { input: "name", longest: 64 },
  replaceOn: ["name"],
  async create(inputs) {
    const { RuleArn: arn } = await putRule(inputs);
    return { id: inputs["name"], outputs: { arn } };
  },
  async read(id) {
    const found = await events.send(new DescribeRuleCommand({ Name: id }));
    return { eventPattern: found.EventPattern };
  },
  async update(_, news) {
    await putRule(news);
    return undefined;
  },
  delete: (id) => events.send(new DeleteRuleCommand({ Name: id })),
};

const target: ResourceType = {
  named: { input: "targetId", longest: 64 },
  replaceOn: ["rule", "targetId"],
  async create({ rule: Rule, targetId, arn }) {
    await events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: targetId, Arn: arn }] }));
    return { id: `${Rule}-${targetId}` };
  },
  async read(_, { rule: Rule, targetId }) {
    const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule }));
    return {
      arn: present(
        Targets?.find(({ Id }) => Id === targetId),
        "target",
      ).Arn,
    };
  },
  async update(_, { rule: Rule, targetId, arn }) {
    await events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: targetId, Arn: arn }] }));
    return undefined;
  },
  delete: (_, { rule: Rule, targetId }) =>
    events.send(new RemoveTargetsCommand({ Rule, Ids: [targetId] })),
};

const schedule: ResourceType = {
  named: { input: "name", longest: 64 },
  replaceOn: ["name"],
  async create(inputs) {
    const { ScheduleArn: arn } = await scheduler.send(new CreateScheduleCommand(capital(inputs)));
    return { id: `default/${inputs["name"]}`, outputs: { arn } };
  },
  async read(_, { name }) {
    const found = await scheduler.send(new GetScheduleCommand({ Name: name }));
    return { scheduleExpression: found.ScheduleExpression };
  },
  async update(_, news) {
    await scheduler.send(new UpdateScheduleCommand(capital(news)));
    return undefined;
  },
  delete: (_, { name }) => scheduler.send(new DeleteScheduleCommand({ Name: name })),
};

export const EVENTS: Readonly<Record<string, ResourceType>> = {
  "aws:cloudwatch/eventRule:EventRule": rule,
  "aws:cloudwatch/eventTarget:EventTarget": target,
  "aws:scheduler/schedule:Schedule": schedule,
};
