import type { Severity } from "../rules/rule";
import type { Incident } from "./incidents";
import { toSubject } from "./subject";
import type { TopList } from "./top-list";

/** What SNS sends. */
export interface Alert {
  readonly severity: Severity;
  /** At most 99 printable ASCII characters, as SNS wants it. */
  readonly subject: string;
  /** Text for people; at most 256 KB. */
  readonly message: string;
  /** The same for machines, JSON. */
  readonly document: string;
  /** For SNS filter policies. */
  readonly attributes: Readonly<Record<"severity" | "bucket" | "rule", string>>;
}

/**
 * Of the 262,144 bytes that SNS takes; the rest is for the same alert as JSON, once for each kind of machine.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
const MAX_MESSAGE_BYTES = 150_000;
const TOP = 5;
/** Server access logs arrive an hour or more late; their partitions are those of the arrival. */
const DELIVERY_LAG_HOURS = 6;
const HOUR = 3_600_000;

/** The alert about an incident, as it stands. */
export function toAlert(incident: Incident): Alert {
  const { severity, bucket, rule } = incident;
  return {
    severity,
    subject: subjectOf(incident),
    message: cutToBytes(messageOf(incident), MAX_MESSAGE_BYTES),
    document: documentOf(incident),
    attributes: { severity, bucket, rule },
  };
}

/** The last word on an incident that has been quiet. */
export function toClosing(incident: Incident): Alert {
  const alert = toAlert(incident);
  return {
    ...alert,
    subject: toSubject(`[over] ${incident.rule}: ${incident.client} on ${incident.bucket}`),
    message: `Nothing more for a while: this incident is over.\n\n${alert.message}`,
  };
}

/** What a machine may act on; times are ISO 8601. */
function documentOf(incident: Incident): string {
  const { evidence, from, to, alertedAt, ...plain } = incident;
  const { operations, keys, userAgents, requesters, ...counts } = evidence;
  const top = (list: TopList): [string, number][] =>
    list.top(TOP).map(([text, n]) => [printable(text), n]);
  return JSON.stringify({
    ...plain,
    from: isoSeconds(from),
    to: isoSeconds(to),
    lastAlertAt: alertedAt,
    ...counts,
    operations: top(operations),
    keys: top(keys),
    userAgents: top(userAgents),
    requesters: top(requesters),
    sql: athenaSql(incident),
  });
}

const subjectOf = ({ severity, rule, client, bucket }: Incident): string =>
  toSubject(`[${severity}] ${rule}: ${client} on ${bucket}`);

function messageOf(incident: Incident): string {
  const { evidence, from, to } = incident;
  const share = (n: number): string =>
    `${String(Math.round((100 * n) / Math.max(1, evidence.accesses)))} %`;
  const list = (title: string, top: readonly (readonly [string, number])[]): string =>
    [`${title}:`, ...top.map(([text, n]) => `  ${String(n)} x ${printable(text)}`)].join("\n");
  return [
    `${isoSeconds(from)}_${incident.client}_anomaly_access_to_${incident.bucket}_${incident.highest}/min`,
    "",
    `Client ${incident.client} crossed the line of "${incident.rule}" on bucket ${incident.bucket}.`,
    `Severity: ${incident.severity}.`,
    expectedOf(incident),
    `First ${isoSeconds(from)}, last ${isoSeconds(to)}.`,
    `Denied (403) ${share(evidence.denied)}, missing (404) ${share(evidence.missing)}, anonymous ${share(evidence.anonymous)}, ${String(evidence.bytes)} bytes.`,
    "",
    list("Operations", evidence.operations.top(TOP)),
    list("Keys", evidence.keys.top(TOP)),
    list("User agents", evidence.userAgents.top(TOP)),
    list("Requesters", evidence.requesters.top(TOP)),
    "",
    ...runbookOf(incident),
    "",
    "To look further (Athena):",
    athenaSql(incident),
  ].join("\n");
}

/** What the line was and what was seen; with a baseline also how many times what is usual. */
function expectedOf({ moreThan, expected, withinSeconds, highest, count }: Incident): string {
  const seen = `Seen: up to ${highest}, ${count} in all`;
  if (expected === undefined)
    return `Expected: at most ${moreThan} within ${withinSeconds} s. ${seen}.`;
  const usual = Math.round(expected * 10) / 10;
  const score = Math.round((10 * highest) / Math.max(1, expected)) / 10;
  return `Expected: about ${usual} within ${withinSeconds} s at this hour of the week. ${seen}; score ${score}.`;
}

/** What to do, in the order in which one would. */
function runbookOf({ client, bucket, evidence }: Incident): string[] {
  const isAnonymous = evidence.anonymous > 0;
  return [
    "What to do:",
    `  1. Is ${client} yours: a backup, a partner, a test? Then write an exemption with the reason.`,
    isAnonymous
      ? `  2. Reads without credentials: is ${bucket} meant to be public? If not, switch its public access block on.`
      : "  2. Do the requesters above still need this access? If not, deactivate their keys or narrow their policies.",
    `  3. To stop it now: deny the address in the bucket policy of ${bucket} (aws:SourceIp).`,
  ];
}

/** All accesses of the client to the bucket, in the partitions into which they can have been delivered. */
export function athenaSql({ client, bucket, from, to }: Incident): string {
  const until = to + DELIVERY_LAG_HOURS * HOUR;
  const hours: string[] = [];
  const days = new Set<string>();
  for (let at = from - (from % HOUR); at <= until; at += HOUR) {
    const date = new Date(at);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    days.add(`(year = ${year} and month = ${month} and day = ${day})`);
    hours.push(String(date.getUTCHours()));
  }
  const hour = hours.length <= 24 ? `\n  and hour in (${[...new Set(hours)].join(", ")})` : "";
  return [
    "select request_time, remote_ip, requester, operation, key_name, http_status, bytes_sent_size, user_agent",
    "from accesses",
    `where (${[...days].join(" or ")})${hour}`,
    `  and bucket_name = ${sqlText(bucket)} and ${clientIs(client)}`,
    `  and request_time between '${new Date(from).toISOString()}' and '${new Date(to).toISOString()}'`,
    "order by request_time",
  ].join("\n");
}

function clientIs(client: string): string {
  return client.includes("/")
    ? `contains(${sqlText(client)}, cast(remote_ip as ipaddress))`
    : `remote_ip = ${sqlText(client)}`;
}

const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const isoSeconds = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

/** Log text is written by strangers: no control characters reach a terminal or a mail. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?").slice(0, 300);
}

function cutToBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  return `${bytes
    .subarray(0, max - 100)
    .toString("utf8")
    .replace(/\uFFFD+$/, "")}\n(cut: the incident is whole in the incidents table)`;
}
