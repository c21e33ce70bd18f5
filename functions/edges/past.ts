import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { expectedFrom, KEPT_HOURS, sameHours } from "../counting/baseline";

/** What was usual for a key of a rule; kept beside the counters. */
export interface PastStore {
  /** Notes a window's total in its hour; only the highest of an hour stays. */
  readonly note: (key: string, hour: number, total: number) => Promise<void>;
  readonly expected: (key: string, hour: number) => Promise<number | undefined>;
}

export function pastTable(tableName: string): PastStore {
  const client = new DynamoDBClient({});
  const TableName = tableName;
  const keyOf = (key: string, hour: number): { window: { S: string } } => ({
    window: { S: `#past ${hour} ${key}` },
  });
  return {
    async note(key, hour, total) {
      try {
        await client.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(key, hour),
            UpdateExpression: "SET highest = :total, expiresAt = :expiresAt",
            ConditionExpression: "attribute_not_exists(highest) OR highest < :total",
            ExpressionAttributeValues: {
              ":total": { N: String(total) },
              ":expiresAt": { N: String((hour + KEPT_HOURS) * 3600) },
            },
          }),
        );
      } catch (error) {
        // A window of this hour was as high already.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },

    async expected(key, hour) {
      const items = await Promise.all(
        sameHours(hour).map((one) =>
          client.send(new GetItemCommand({ TableName, Key: keyOf(key, one) })),
        ),
      );
      return expectedFrom(
        items.map(({ Item }) => {
          const highest = Item?.["highest"]?.N;
          return highest === undefined ? undefined : Number(highest);
        }),
      );
    },
  };
}
