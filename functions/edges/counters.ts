import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  UpdateItemCommand,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import type { RuleCount, WindowCounts } from "../counting/access-counts";

/** Totals of windows, to which each packed record is added once. */
export interface Counters {
  /** Adds what a packed record counted, unless it was added before; returns the totals by rule. */
  readonly add: (counts: WindowCounts, batch: string) => Promise<ReadonlyMap<string, number>>;
}

type Item = Readonly<Record<string, AttributeValue>>;

/** @param keptHours how long a window takes in late records. */
export function countersTable(tableName: string, keptHours: number): Counters {
  const client = new DynamoDBClient({});
  return {
    async add({ id, windowStart, counts }, batch) {
      const expiresAt = Math.ceil(windowStart / 1000) + (keptHours + 24) * 3600;
      const adds = counts.map((_, i) => `#${i} :${i}`);
      const names = counts.map((count, i) => [`#${i}`, attributeOf(count)]);
      const values = counts.map((count, i) => [`:${i}`, valueOf(count)]);
      const update = new UpdateItemCommand({
        TableName: tableName,
        Key: { window: { S: id } },
        UpdateExpression: `SET expiresAt = :expiresAt ADD ${[...adds, "batches :batches"].join(", ")}`,
        ConditionExpression: "NOT contains(batches, :batch)",
        ExpressionAttributeNames: Object.fromEntries(names) as Record<string, string>,
        ExpressionAttributeValues: {
          ...(Object.fromEntries(values) as Item),
          ":batch": { S: batch },
          ":batches": { SS: [batch] },
          ":expiresAt": { N: String(expiresAt) },
        },
        ReturnValues: "ALL_OLD",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      try {
        const { Attributes } = await client.send(update);
        return totalsOf(counts, Attributes ?? {}, "add");
      } catch (error) {
        // Added before; what follows from the totals may still be undone.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return totalsOf(counts, error.Item ?? {}, "keep");
      }
    },
  };
}

const attributeOf = (count: RuleCount): string =>
  `${"amount" in count ? "total" : "values"}:${count.rule}`;

const valueOf = (count: RuleCount): AttributeValue =>
  "amount" in count ? { N: String(count.amount) } : { NS: count.values.map(String) };

function totalsOf(
  counts: readonly RuleCount[],
  before: Item,
  mode: "add" | "keep",
): Map<string, number> {
  return new Map(
    counts.map((count) => {
      const known = before[attributeOf(count)] as AttributeValue | undefined;
      if ("amount" in count) {
        const total = Number(known?.N ?? 0);
        return [count.rule, mode === "add" ? total + count.amount : total];
      }
      const values = mode === "add" ? count.values.map(String) : [];
      return [count.rule, new Set([...(known?.NS ?? []), ...values]).size];
    }),
  );
}
