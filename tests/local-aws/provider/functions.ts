import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  GetEventSourceMappingCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { zip } from "./archive";
import {
  capital,
  patiently,
  region,
  without,
  type ResourceType,
  type Values,
} from "./resource-type";

const lambda = new LambdaClient({});

const configurationOf = ({
  name,
  role,
  handler,
  runtime,
  memorySize,
  timeout,
  loggingConfig,
  tracingConfig,
}: Values) => ({
  FunctionName: name,
  Role: role,
  Handler: handler,
  Runtime: runtime,
  MemorySize: memorySize,
  Timeout: timeout,
  LoggingConfig: capital(loggingConfig),
  ...(tracingConfig && { TracingConfig: capital(tracingConfig) }),
});

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const fn: ResourceType = {
  named: { input: "name", longest: 64 },
  replaceOn: ["name"],
  async create(inputs) {
    const ZipFile = await zip(inputs["code"]);
    const { FunctionArn: arn = "" } = await patiently(
      () =>
        lambda.send(
          new CreateFunctionCommand({
            ...configurationOf(inputs),
            Role: inputs["role"],
            Code: { ZipFile },
            Architectures: inputs["architectures"],
          }),
        ),
      // "The role defined for the function cannot be assumed by Lambda."
      ({ message }) => message.includes("cannot be assumed"),
    );
    const invokeArn = `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}/invocations`;
    return { id: inputs["name"], outputs: { arn, qualifiedArn: `${arn}:$LATEST`, invokeArn } };
  },
  async read(id) {
    const found = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: id }));
    return { memorySize: found.MemorySize, timeout: found.Timeout, role: found.Role };
  },
  async update(id, news, { __inputs: olds }) {
    if (news["code"].hash !== olds.code || `${news["architectures"]}` !== `${olds.architectures}`)
      await lambda.send(
        new UpdateFunctionCodeCommand({
          FunctionName: id,
          ZipFile: await zip(news["code"]),
          Architectures: news["architectures"],
        }),
      );
    await lambda.send(new UpdateFunctionConfigurationCommand(configurationOf(news)));
    return undefined;
  },
  delete: (id) => lambda.send(new DeleteFunctionCommand({ FunctionName: id })),
};

const ODD = { destinationArn: "Destination" };

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html */
const eventSourceMapping: ResourceType = {
  replaceOn: ["eventSourceArn", "startingPosition"],
  async create(inputs) {
    const {
      UUID = "",
      FunctionArn,
      EventSourceMappingArn,
    } = await lambda.send(
      new CreateEventSourceMappingCommand({
        ...capital(inputs, ODD),
      }),
    );
    return {
      id: UUID,
      outputs: { uuid: UUID, arn: EventSourceMappingArn, functionArn: FunctionArn },
    };
  },
  async read(id) {
    const found = await lambda.send(new GetEventSourceMappingCommand({ UUID: id }));
    return { batchSize: found.BatchSize };
  },
  async update(id, news) {
    const changes = capital(without(news, "eventSourceArn", "startingPosition"), ODD);
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID: id, ...changes }));
    return undefined;
  },
  delete: (id) => lambda.send(new DeleteEventSourceMappingCommand({ UUID: id })),
};

export const FUNCTIONS: Readonly<Record<string, ResourceType>> = {
  "aws:lambda/function:Function": fn,
  "aws:lambda/eventSourceMapping:EventSourceMapping": eventSourceMapping,
};
