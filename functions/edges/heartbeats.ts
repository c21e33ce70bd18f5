import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";

/** When a bucket's log was last heard of; kept beside the counters. */
export interface Heartbeats {
  /** Epoch milliseconds; undefined for never. */
  readonly last: (bucket: string) => Promise<number | undefined>;
  readonly beat: (bucket: string, now: number) => Promise<void>;
}

export function heartbeats(tableName: string): Heartbeats {
  const client = new DynamoDBClient({});
  const TableName = tableName;
  const keyOf = (bucket: string): string => `#heartbeat ${bucket}`;
  return {
    async last(bucket) {
      const Key = { window: { S: keyOf(bucket) } };
      const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
      const seenAt = Item?.["seenAt"]?.N;
      return seenAt === undefined ? undefined : Number(seenAt);
    },
    async beat(bucket, now) {
      const Item = { window: { S: keyOf(bucket) }, seenAt: { N: String(now) } };
      await client.send(new PutItemCommand({ TableName, Item }));
    },
  };
}
