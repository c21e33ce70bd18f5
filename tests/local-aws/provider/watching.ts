import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DeleteDashboardsCommand,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  PutDashboardCommand,
  PutMetricAlarmCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { account, capital, present, region, type ResourceType, type Values } from "./resource-type";

const cloudwatch = new CloudWatchClient({});
const logs = new CloudWatchLogsClient({});

const logGroup: ResourceType = {
  named: { input: "name", longest: 512 },
  replaceOn: ["name"],
  async create({ name, retentionInDays }) {
    await logs.send(new CreateLogGroupCommand({ logGroupName: name }));
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: name, retentionInDays }));
    // The provider's ARN is without the ":*" that AWS answers.
    return { id: name, outputs: { arn: `arn:aws:logs:${region}:${account}:log-group:${name}` } };
  },
  async read(id) {
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: id }));
    const found = present(
      logGroups?.find(({ logGroupName }) => logGroupName === id),
      "log group",
    );
    return { retentionInDays: found.retentionInDays };
  },
  async update(id, { retentionInDays }) {
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: id, retentionInDays }));
    return undefined;
  },
  delete: (id) => logs.send(new DeleteLogGroupCommand({ logGroupName: id })),
};

const logStream: ResourceType = {
  named: { input: "name", longest: 512 },
  replaceOn: ["name", "logGroupName"],
  async create({ name, logGroupName }) {
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: name }));
    return {
      id: name,
      outputs: {
        arn: `arn:aws:logs:${region}:${account}:log-group:${logGroupName}:log-stream:${name}`,
      },
    };
  },
  async read(id, { logGroupName }) {
    const { logStreams } = await logs.send(
      new DescribeLogStreamsCommand({ logGroupName, logStreamNamePrefix: id }),
    );
    present(logStreams?.[0], "log stream");
    return {};
  },
  delete: (id, { logGroupName }) =>
    logs.send(new DeleteLogStreamCommand({ logGroupName, logStreamName: id })),
};

const dimensionsOf = (dimensions: Values | undefined) =>
  Object.entries(dimensions ?? {}).map(([Name, Value]) => ({ Name, Value: String(Value) }));

const putAlarm = ({ name, dimensions, metricQueries, okActions, ...rest }: Values) =>
  cloudwatch.send(
    new PutMetricAlarmCommand({
      ...capital(rest),
      AlarmName: name,
      OKActions: okActions,
      ...(dimensions && { Dimensions: dimensionsOf(dimensions) }),
      ...(metricQueries && {
        Metrics: metricQueries.map(({ metric, ...query }: Values) => ({
          ...capital(query),
          ...(metric && {
            MetricStat: {
              Metric: {
                Namespace: metric.namespace,
                MetricName: metric.metricName,
                Dimensions: dimensionsOf(metric.dimensions),
              },
              Period: metric.period,
              Stat: metric.stat,
            },
            ReturnData: false,
          }),
        })),
      }),
    }),
  );

const metricAlarm: ResourceType = {
  named: { input: "name", longest: 255 },
  replaceOn: ["name"],
  async create(inputs) {
    await putAlarm(inputs);
    const arn = `arn:aws:cloudwatch:${region}:${account}:alarm:${inputs["name"]}`;
    return { id: inputs["name"], outputs: { arn } };
  },
  async read(id) {
    const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [id] }));
    return { threshold: present(MetricAlarms?.[0], "alarm").Threshold };
  },
  async update(_, news) {
    await putAlarm(news);
    return undefined;
  },
  delete: (id) => cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [id] })),
};

const putDashboard = ({ dashboardName, dashboardBody }: Values) =>
  cloudwatch.send(
    new PutDashboardCommand({ DashboardName: dashboardName, DashboardBody: dashboardBody }),
  );

const dashboard: ResourceType = {
  replaceOn: ["dashboardName"],
  async create(inputs) {
    await putDashboard(inputs);
    const name: string = inputs["dashboardName"];
    return {
      id: name,
      outputs: { dashboardArn: `arn:aws:cloudwatch::${account}:dashboard/${name}` },
    };
  },
  async read(id) {
    const found = await cloudwatch.send(new GetDashboardCommand({ DashboardName: id }));
    return { dashboardBody: found.DashboardBody };
  },
  async update(_, news) {
    await putDashboard(news);
    return undefined;
  },
  delete: (id) => cloudwatch.send(new DeleteDashboardsCommand({ DashboardNames: [id] })),
};

export const WATCHING: Readonly<Record<string, ResourceType>> = {
  "aws:cloudwatch/logGroup:LogGroup": logGroup,
  "aws:cloudwatch/logStream:LogStream": logStream,
  "aws:cloudwatch/metricAlarm:MetricAlarm": metricAlarm,
  "aws:cloudwatch/dashboard:Dashboard": dashboard,
};
