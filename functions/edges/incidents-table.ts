import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import type { StoredIncident } from "../acting/stored-incident";

/** Incidents by name; the newest of a name is the one that may be open. */
export interface IncidentStore {
  readonly newest: (name: string) => Promise<Versioned | undefined>;
  /** Writes an incident over the version that was read; false when somebody wrote since. */
  readonly save: (name: string, incident: StoredIncident, version: number) => Promise<boolean>;
  /** All that are not closed. */
  readonly open: () => Promise<readonly Named[]>;
}

export interface Versioned {
  readonly incident: StoredIncident;
  /** Counts up with each writing. */
  readonly version: number;
}

export interface Named extends Versioned {
  readonly name: string;
}

/** Only items with a status are in it. */
const OPEN_INDEX = "open";
const OPEN = "open";
const KEPT_SECONDS = 365 * 24 * 3600;

export function incidentsTable(tableName: string): IncidentStore {
  const client = new DynamoDBClient({});
  const TableName = tableName;
  return {
    async newest(name) {
      const { Items } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: "#name = :name",
          ExpressionAttributeNames: { "#name": "name" },
          ExpressionAttributeValues: { ":name": { S: name } },
          ScanIndexForward: false,
          Limit: 1,
          ConsistentRead: true,
        }),
      );
      return Items?.[0] && read(Items[0]);
    },

    async open() {
      const found: Named[] = [];
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName,
            IndexName: OPEN_INDEX,
            KeyConditionExpression: "#status = :open",
            ExpressionAttributeNames: { "#status": "status" },
            ExpressionAttributeValues: { ":open": { S: OPEN } },
            ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
          }),
        );
        for (const item of page.Items ?? []) {
          const one = read(item);
          if (one !== undefined) found.push({ name: item["name"]?.S ?? "", ...one });
        }
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
      return found;
    },

    async save(name, incident, version) {
      try {
        await client.send(
          new PutItemCommand({
            TableName,
            Item: {
              name: { S: name },
              opened: { N: String(incident.opened) },
              version: { N: String(version + 1) },
              document: { S: JSON.stringify(incident) },
              ...(incident.isClosed ? {} : { status: { S: OPEN } }),
              expiresAt: { N: String(Math.ceil(incident.to / 1000) + KEPT_SECONDS) },
            },
            ConditionExpression: "attribute_not_exists(#version) OR #version = :version",
            ExpressionAttributeNames: { "#version": "version" },
            ExpressionAttributeValues: { ":version": { N: String(version) } },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}

function read(item: Readonly<Record<string, AttributeValue>>): Versioned | undefined {
  const text = (item["document"] as AttributeValue | undefined)?.S;
  if (text === undefined) return undefined;
  const version = Number((item["version"] as AttributeValue | undefined)?.N ?? 0);
  return { incident: JSON.parse(text) as StoredIncident, version };
}
