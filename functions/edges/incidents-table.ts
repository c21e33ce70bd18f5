import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import type { StoredIncident } from "../acting/stored-incident";

/** Incidents by name; the newest of a name is the one that may be open. */
export interface IncidentStore {
  readonly newest: (name: string) => Promise<Versioned | undefined>;
  /** Writes an incident over the version that was read; false when somebody wrote since. */
  readonly save: (name: string, incident: StoredIncident, version: number) => Promise<boolean>;
}

export interface Versioned {
  readonly incident: StoredIncident;
  /** Counts up with each writing. */
  readonly version: number;
}

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
      const item = Items?.[0];
      if (item?.["document"]?.S === undefined) return undefined;
      const incident = JSON.parse(item["document"].S) as StoredIncident;
      return { incident, version: Number(item["version"]?.N ?? 0) };
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
