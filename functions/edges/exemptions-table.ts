import { DynamoDBClient, ScanCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";

/** Exemptions that people wrote into a table, as they wrote them. */
export type ReadExemptions = () => Promise<readonly Record<string, unknown>[]>;

export function exemptionsTable(tableName: string): ReadExemptions {
  const client = new DynamoDBClient({});
  return async () => {
    const found: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await client.send(
        new ScanCommand({
          TableName: tableName,
          ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
        }),
      );
      for (const item of page.Items ?? []) {
        const { id, ...exemption } = unmarshall(item);
        if (id !== undefined) found.push(exemption);
      }
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return found;
  };
}
