import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { Decision } from "../acting/decision";
import { MODES } from "../rules/rule";

/** The decisions table: every decision, in force or ended. */
export interface Ledger {
  /** The newest decision on a client, in force or ended. */
  readonly newest: (client: string) => Promise<Decision | undefined>;
  /** Writes a decision; one that is there already stays as it is. */
  readonly put: (decision: Decision) => Promise<void>;
  /** All decisions that have not ended. */
  readonly inForce: (now: number) => Promise<readonly Decision[]>;
  /** Blocks and challenges decided in a minute (epoch milliseconds). */
  readonly blocksIn: (minute: number) => Promise<number>;
  readonly putBlocksIn: (minute: number, blocks: number) => Promise<void>;
  readonly lastDigest: () => Promise<SentDigest>;
  readonly putDigest: (digest: SentDigest) => Promise<void>;
}

/** When the last digest was sent, and of which decision it was the last to tell; 0 for never. */
export interface SentDigest {
  readonly sentAt: number;
  readonly upTo: number;
}

/** Ended decisions explain blocks, and repeat offenders, for this long. */
const KEPT_SECONDS = 90 * 24 * 3600;
const HOUR_SECONDS = 3600;
/** Keys that are no client. */
const MINUTE = "#minute";
const DIGEST = "#digest";

/** @param indexName the index whose keys are `action` and `until`. */
export function decisionsTable(tableName: string, indexName: string): Ledger {
  const client = new DynamoDBClient({});
  const TableName = tableName;

  async function itemAt(key: string, from: number): Promise<Record<string, unknown> | undefined> {
    const Key = marshall({ client: key, from });
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key, ConsistentRead: true }),
    );
    return Item === undefined ? undefined : unmarshall(Item);
  }

  async function queryAll(input: Omit<QueryCommandInput, "TableName">): Promise<Decision[]> {
    const decisions: Decision[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName,
          ...input,
          ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
        }),
      );
      decisions.push(...(page.Items ?? []).map((item) => unmarshall(item) as Decision));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return decisions;
  }

  return {
    async newest(of) {
      const { Items } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: "#client = :client",
          ExpressionAttributeNames: { "#client": "client" },
          ExpressionAttributeValues: marshall({ ":client": of }),
          ScanIndexForward: false,
          Limit: 1,
          ConsistentRead: true,
        }),
      );
      return Items?.[0] === undefined ? undefined : (unmarshall(Items[0]) as Decision);
    },

    async put(decision) {
      const expiresAt = Math.ceil(decision.until / 1000) + KEPT_SECONDS;
      const Item = marshall({ ...decision, expiresAt });
      try {
        await client.send(
          new PutItemCommand({
            TableName,
            Item,
            ConditionExpression: "attribute_not_exists(#client)",
            ExpressionAttributeNames: { "#client": "client" },
          }),
        );
      } catch (error) {
        // It is there already: the batch came a second time.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },

    async inForce(now) {
      const found = await Promise.all(
        MODES.map((action) =>
          queryAll({
            IndexName: indexName,
            KeyConditionExpression: "#action = :action AND #until > :now",
            ExpressionAttributeNames: { "#action": "action", "#until": "until" },
            ExpressionAttributeValues: marshall({ ":action": action, ":now": now }),
          }),
        ),
      );
      return found.flat();
    },

    async blocksIn(minute) {
      return Number((await itemAt(MINUTE, minute))?.["blocks"] ?? 0);
    },

    async putBlocksIn(minute, blocks) {
      const expiresAt = Math.ceil(minute / 1000) + HOUR_SECONDS;
      const Item = marshall({ client: MINUTE, from: minute, blocks, expiresAt });
      await client.send(new PutItemCommand({ TableName, Item }));
    },

    async lastDigest() {
      const item = await itemAt(DIGEST, 0);
      return { sentAt: Number(item?.["sentAt"] ?? 0), upTo: Number(item?.["upTo"] ?? 0) };
    },

    async putDigest(digest) {
      const Item = marshall({ client: DIGEST, from: 0, ...digest });
      await client.send(new PutItemCommand({ TableName, Item }));
    },
  };
}
