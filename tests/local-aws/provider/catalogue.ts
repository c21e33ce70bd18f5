import {
  AthenaClient,
  CreateNamedQueryCommand,
  CreateWorkGroupCommand,
  DeleteNamedQueryCommand,
  DeleteWorkGroupCommand,
  GetNamedQueryCommand,
  GetWorkGroupCommand,
  UpdateWorkGroupCommand,
} from "@aws-sdk/client-athena";
import {
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteDatabaseCommand,
  DeleteTableCommand,
  GetDatabaseCommand,
  GetTableCommand,
  GlueClient,
  UpdateTableCommand,
} from "@aws-sdk/client-glue";
import { account, capital, region, type ResourceType, type Values } from "./resource-type";

const glue = new GlueClient({});
const athena = new AthenaClient({});

const database: ResourceType = {
  named: { input: "name", longest: 255 },
  replaceOn: ["name"],
  async create({ name }) {
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }));
    return {
      id: `${account}:${name}`,
      outputs: { arn: `arn:aws:glue:${region}:${account}:database/${name}`, catalogId: account },
    };
  },
  async read(_, { name }) {
    await glue.send(new GetDatabaseCommand({ Name: name }));
    return {};
  },
  update: async () => undefined,
  delete: (_, { name }) => glue.send(new DeleteDatabaseCommand({ Name: name })),
};

/** Names of parameters are data, not AWS's. */
const tableInputOf = ({
  name,
  tableType,
  parameters,
  partitionKeys,
  storageDescriptor,
}: Values) => {
  const { serDeInfo, ...storage } = storageDescriptor;
  return {
    Name: name as string,
    TableType: tableType as string,
    Parameters: parameters as Record<string, string>,
    PartitionKeys: capital(partitionKeys),
    StorageDescriptor: {
      ...capital(storage),
      SerdeInfo: {
        SerializationLibrary: serDeInfo.serializationLibrary as string,
        Parameters: serDeInfo.parameters as Record<string, string>,
      },
    },
  };
};

const table: ResourceType = {
  named: { input: "name", longest: 255 },
  replaceOn: ["name", "databaseName"],
  async create(inputs) {
    const { name, databaseName } = inputs;
    await glue.send(
      new CreateTableCommand({ DatabaseName: databaseName, TableInput: tableInputOf(inputs) }),
    );
    const arn = `arn:aws:glue:${region}:${account}:table/${databaseName}/${name}`;
    return { id: `${account}:${databaseName}:${name}`, outputs: { arn, catalogId: account } };
  },
  async read(_, { name, databaseName }) {
    const { Table } = await glue.send(
      new GetTableCommand({ DatabaseName: databaseName, Name: name }),
    );
    return { parameters: Table?.Parameters };
  },
  async update(_, news) {
    await glue.send(
      new UpdateTableCommand({
        DatabaseName: news["databaseName"],
        TableInput: tableInputOf(news),
      }),
    );
    return undefined;
  },
  delete: (_, { name, databaseName }) =>
    glue.send(new DeleteTableCommand({ DatabaseName: databaseName, Name: name })),
};

const workgroup: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name"],
  async create({ name, configuration }) {
    await athena.send(
      new CreateWorkGroupCommand({ Name: name, Configuration: capital(configuration) }),
    );
    return {
      id: name,
      outputs: { arn: `arn:aws:athena:${region}:${account}:workgroup/${name}` },
    };
  },
  async read(id) {
    await athena.send(new GetWorkGroupCommand({ WorkGroup: id }));
    return {};
  },
  async update(id, { configuration }) {
    const { resultConfiguration, ...rest } = configuration;
    await athena.send(
      new UpdateWorkGroupCommand({
        WorkGroup: id,
        ConfigurationUpdates: {
          ...capital(rest),
          ResultConfigurationUpdates: capital(resultConfiguration),
        },
      }),
    );
    return undefined;
  },
  delete: (id) =>
    athena.send(new DeleteWorkGroupCommand({ WorkGroup: id, RecursiveDeleteOption: false })),
};

const namedQuery: ResourceType = {
  named: { input: "name", longest: 128 },
  replaceOn: ["name"],
  async create({ name, description, database: Database, workgroup: WorkGroup, query }) {
    const { NamedQueryId = "" } = await athena.send(
      new CreateNamedQueryCommand({
        Name: name,
        Description: description,
        Database,
        WorkGroup,
        QueryString: query,
      }),
    );
    return { id: NamedQueryId };
  },
  async read(id) {
    const { NamedQuery } = await athena.send(new GetNamedQueryCommand({ NamedQueryId: id }));
    return { query: NamedQuery?.QueryString };
  },
  delete: (id) => athena.send(new DeleteNamedQueryCommand({ NamedQueryId: id })),
};

export const CATALOGUE: Readonly<Record<string, ResourceType>> = {
  "aws:glue/catalogDatabase:CatalogDatabase": database,
  "aws:glue/catalogTable:CatalogTable": table,
  "aws:athena/workgroup:Workgroup": workgroup,
  "aws:athena/namedQuery:NamedQuery": namedQuery,
};
