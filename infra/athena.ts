import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** What an archive's lines look like to SQL. */
export interface TableSettings {
  readonly name: string;
  /** As the parse callback writes them; Athena knows lower case only. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** Description and text by name. */
  readonly queries: Readonly<Record<string, readonly [string, string]>>;
}

/** For queries: the partitions of today. */
export const TODAY =
  "year = year(current_date) AND month = month(current_date) AND day = day(current_date)";

/** The archive as SQL. */
export interface Tables {
  readonly database: aws.glue.CatalogDatabase;
  readonly table: aws.glue.CatalogTable;
  readonly workgroup: aws.athena.Workgroup;
}

export const RESULTS_PREFIX = "athena-results/";
/** A query that would read more than this is stopped before it costs more than about 5 cents. */
const MAX_BYTES_PER_QUERY = 10 * 1024 ** 3;

/** Makes SQL of the archive from the first day: partitions are projected, nothing need be crawled. */
export function createTables(
  name: string,
  bucket: aws.s3.Bucket,
  {
    prefix,
    isParquet,
    name: tableName,
    columns,
    queries,
  }: TableSettings & { readonly prefix: string; readonly isParquet: boolean },
  parent: pulumi.Resource,
): Tables {
  const location = pulumi.interpolate`s3://${bucket.bucket}/${prefix}`;
  // Athena knows no hyphens; the bucket's name is as unique as a name must be.
  const databaseName = bucket.bucket.apply((unique) => unique.replace(/[^a-z0-9]/g, "_"));
  const database = new aws.glue.CatalogDatabase(
    `${name}-database`,
    { name: databaseName },
    { parent },
  );
  const table = new aws.glue.CatalogTable(
    `${name}-${tableName}-table`,
    {
      name: tableName,
      databaseName: database.name,
      tableType: "EXTERNAL_TABLE",
      partitionKeys: ["year", "month", "day", "hour"].map((key) => ({ name: key, type: "int" })),
      parameters: {
        classification: isParquet ? "parquet" : "json",
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": "2026,2046",
        ...projected("month", "1,12"),
        ...projected("day", "1,31"),
        ...projected("hour", "0,23"),
        "storage.location.template": pulumi.interpolate`${location}year=$\{year}/month=$\{month}/day=$\{day}/hour=$\{hour}/`,
      },
      storageDescriptor: {
        location,
        ...(isParquet ? PARQUET : JSON_LINES),
        columns: columns.map(([column, type]) => ({ name: column, type })),
      },
    },
    { parent },
  );
  const workgroup = new aws.athena.Workgroup(
    `${name}-queries`,
    {
      configuration: {
        bytesScannedCutoffPerQuery: MAX_BYTES_PER_QUERY,
        resultConfiguration: {
          outputLocation: pulumi.interpolate`s3://${bucket.bucket}/${RESULTS_PREFIX}`,
          encryptionConfiguration: { encryptionOption: "SSE_S3" },
        },
      },
    },
    { parent },
  );
  for (const [query, [description, text]] of Object.entries(queries)) {
    new aws.athena.NamedQuery(
      `${name}-${query}`,
      { description, database: database.name, workgroup: workgroup.id, query: text },
      { parent },
    );
  }
  return { database, table, workgroup };
}

/** How Athena reads the objects. @see https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html */
const JSON_LINES = {
  inputFormat: "org.apache.hadoop.mapred.TextInputFormat",
  outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
  serDeInfo: {
    serializationLibrary: "org.openx.data.jsonserde.JsonSerDe",
    parameters: { "ignore.malformed.json": "true" },
  },
};
const PARQUET = {
  inputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
  outputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
  serDeInfo: {
    serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    parameters: { "serialization.format": "1" },
  },
};

/** Two digits each, as the delivery stream writes them. */
const projected = (key: string, range: string): Record<string, string> => ({
  [`projection.${key}.type`]: "integer",
  [`projection.${key}.range`]: range,
  [`projection.${key}.digits`]: "2",
});
