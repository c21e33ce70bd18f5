import type { IncomingMessage } from "node:http";

/** One request to AWS, as far as it can be told without knowing every service. */
export interface Call {
  /** As in ARNs and credentials: kinesis, dynamodb, wafv2, … */
  readonly service: string;
  /** As in the service's API: PutRecords, GetObject, … */
  readonly action: string;
  /** The function that calls, and its process; undefined for everybody else. */
  readonly caller: { readonly functionName: string; readonly pid: number } | undefined;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

/**
 * Functions say who they are by the SDK's application id, which `in-function.cjs` sets.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html
 */
const CALLER = /\bapp\/([\w-]+)\.(\d+)/;
const SIGNED_FOR = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/;

export function readCall(request: IncomingMessage, body: Buffer): Call {
  const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://front");
  const { headers, method = "GET" } = request;
  const agents = `${headers["user-agent"] ?? ""} ${String(headers["x-amz-user-agent"] ?? "")}`;
  const [, functionName, pid] = CALLER.exec(agents) ?? [];
  const [, service = "unknown"] = SIGNED_FOR.exec(headers.authorization ?? "") ?? [];
  const call = { service, method, path, query, body };
  const caller = functionName === undefined ? undefined : { functionName, pid: Number(pid) };
  return { ...call, action: actionOf(call, headers), caller };
}

function actionOf(
  {
    service,
    method,
    path,
    query,
    body,
  }: Pick<Call, "service" | "method" | "path" | "query" | "body">,
  headers: IncomingMessage["headers"],
): string {
  const target = headers["x-amz-target"];
  if (typeof target === "string") return target.slice(target.indexOf(".") + 1);
  const [, operation] = /\/operation\/(\w+)$/.exec(path) ?? [];
  if (operation !== undefined) return operation;
  if (service === "s3") return objectAction(method, path, query);
  const form = /^application\/x-www-form-urlencoded/.test(headers["content-type"] ?? "");
  return (form && new URLSearchParams(body.toString()).get("Action")) || `${method} ${path}`;
}

function objectAction(method: string, path: string, query: URLSearchParams): string {
  const isObject = /^\/[^/]+\/./.test(path);
  if (isObject && method === "PUT") return "PutObject";
  if (isObject && (method === "GET" || method === "HEAD")) return "GetObject";
  if (isObject && method === "DELETE") return "DeleteObject";
  if (method === "GET" && [...query.keys()].every((key) => LISTING.has(key))) return "ListBucket";
  return `${method} ${path}?${[...query.keys()].join("&")}`;
}

const LISTING = new Set([
  "list-type",
  "prefix",
  "max-keys",
  "continuation-token",
  "delimiter",
  "x-id",
]);
