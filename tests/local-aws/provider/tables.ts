import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { capital, whenActive, type ResourceType, type Values } from "./resource-type";

const dynamo = new DynamoDBClient({});

const INDEX = { keySchemas: "KeySchema" };

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html */
const table: ResourceType = {
  named: { input: "name", longest: 255 },
  replaceOn: ["name", "hashKey", "rangeKey", "attributes", "globalSecondaryIndexes"],
  async create({ name, hashKey, rangeKey, attributes, globalSecondaryIndexes, ...rest }) {
    const indexes = globalSecondaryIndexes?.map(({ projectionType, ...index }: Values) => ({
      ...(capital({ indexName: index["name"], keySchemas: index["keySchemas"] }, INDEX) as object),
      Projection: { ProjectionType: projectionType },
    }));
    await dynamo.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: rest["billingMode"],
        AttributeDefinitions: attributes.map(({ name: AttributeName, type }: Values) => ({
          AttributeName,
          AttributeType: type,
        })),
        KeySchema: [
          { AttributeName: hashKey, KeyType: "HASH" },
          ...(rangeKey === undefined
            ? []
            : [{ AttributeName: rangeKey, KeyType: "RANGE" as const }]),
        ],
        ...(indexes && { GlobalSecondaryIndexes: indexes }),
      }),
    );
    const found = await whenActive(
      async () => (await dynamo.send(new DescribeTableCommand({ TableName: name }))).Table,
      ({ TableStatus }) => TableStatus,
    );
    await settle({ name, ...rest });
    return { id: name, outputs: { arn: found.TableArn } };
  },
  async read(id) {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: id }));
    return { hashKey: Table?.KeySchema?.find(({ KeyType }) => KeyType === "HASH")?.AttributeName };
  },
  async update(_, news) {
    await settle(news);
    return undefined;
  },
  delete: (id) => dynamo.send(new DeleteTableCommand({ TableName: id })),
};

async function settle({ name, ttl, pointInTimeRecovery }: Values): Promise<void> {
  if (ttl !== undefined)
    await dynamo.send(
      new UpdateTimeToLiveCommand({
        TableName: name,
        TimeToLiveSpecification: { AttributeName: ttl.attributeName, Enabled: ttl.enabled },
      }),
    );
  if (pointInTimeRecovery !== undefined)
    await dynamo.send(
      new UpdateContinuousBackupsCommand({
        TableName: name,
        PointInTimeRecoverySpecification: {
          PointInTimeRecoveryEnabled: pointInTimeRecovery.enabled,
        },
      }),
    );
}

export const TABLES: Readonly<Record<string, ResourceType>> = { "aws:dynamodb/table:Table": table };
