import type { Finding } from "./finding";

/** A finding as it goes through the findings stream: one JSON object a record. */
export interface FindingMessage {
  readonly rule: string;
  /** The `per` values. */
  readonly key: Readonly<Record<string, string>>;
  /** The address as counted; absent when the rule does not count per client. */
  readonly client?: string;
  readonly address?: string;
  readonly isBlockable: boolean;
  /** Requests, distinct values or bytes, as the rule counts. */
  readonly requestCount: number;
  /** What the requests of the window took together, milliseconds. */
  readonly requestTotalTime: number;
  /** ISO 8601: the first request of the window, and the one that crossed the line. */
  readonly firstTime: string;
  readonly time: string;
  /** Of the request that crossed the line; queries may hold secrets and stay in the archive. */
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly userAgent: string;
}

/** Texts of strangers are cut here: they are evidence, not content. */
const MAX_TEXT = 500;

export function toMessage(finding: Finding): FindingMessage {
  const { client, address, sample } = finding;
  const key = Object.entries(finding.key).map(([name, value]) => [
    name,
    cut(withoutQuery(name, value)),
  ]);
  return {
    rule: finding.rule,
    key: Object.fromEntries(key) as Record<string, string>,
    ...(client === undefined ? {} : { client }),
    ...(address === undefined ? {} : { address }),
    isBlockable: finding.isBlockable,
    requestCount: finding.count,
    requestTotalTime: finding.durationMs,
    firstTime: new Date(finding.first).toISOString(),
    time: new Date(finding.at).toISOString(),
    method: cut(sample.method),
    path: cut(sample.path),
    status: sample.status,
    userAgent: cut(sample.userAgent),
  };
}

/** The finding in a message, or undefined when the text is no message. */
export function readMessage(text: string): Finding | undefined {
  let value: Partial<FindingMessage> | null;
  try {
    value = JSON.parse(text) as Partial<FindingMessage> | null;
  } catch {
    return undefined;
  }
  const [at, first] = [Date.parse(value?.time ?? ""), Date.parse(value?.firstTime ?? "")];
  if (typeof value?.rule !== "string" || Number.isNaN(at) || Number.isNaN(first)) return undefined;
  return {
    rule: value.rule,
    key: value.key ?? {},
    count: value.requestCount ?? 0,
    first,
    at,
    durationMs: value.requestTotalTime ?? 0,
    client: value.client,
    address: value.address,
    isBlockable: value.isBlockable === true,
    sample: {
      time: at,
      client: value.address,
      method: value.method ?? "",
      path: value.path ?? "",
      query: "",
      status: value.status ?? 0,
      bytes: 0,
      referer: "",
      userAgent: value.userAgent ?? "",
    },
  };
}

/** Fields whose values are, or begin with, what a visitor may have typed into a form. */
function withoutQuery(name: string, value: string): string {
  if (name === "query") return "";
  return ["url", "decodedUrl", "referer"].includes(name) ? value.split("?", 1)[0] : value;
}

const cut = (text: string): string => text.slice(0, MAX_TEXT);
