import { gunzipSync } from "node:zlib";
import { keysIn, read } from "./aws";
import type { World } from "./world";

/** All lines of the archive of requests. */
export async function archivedIn(world: World, bucket: string): Promise<string[]> {
  const archived: string[] = [];
  for (const key of await keysIn(world, bucket, "requests/")) {
    const text = gunzipSync(await read(world, bucket, key)).toString();
    for (const line of text.trimEnd().split("\n")) archived.push(line);
  }
  return archived;
}

/** What tells one line from another, of the log and of the archive alike. */
export function logKey(line: string): string {
  const columns = new Map(
    line.split("\t").map((column) => {
      const colon = column.indexOf(":");
      return [column.slice(0, colon), column.slice(colon + 1)] as const;
    }),
  );
  const of = (name: string): string => (columns.get(name) ?? "-").replace(/^-$/, "");
  return [
    Date.parse(of("time")),
    of("http_x_forwarded_for"),
    of("request").replace(/^\S+ | HTTP\/\S+$/g, ""),
    of("status"),
    of("http_user_agent"),
  ].join(" ");
}

export function archiveKey(line: string): string {
  const request = JSON.parse(line) as Record<string, string | number>;
  const uri = `${request["path"]}${request["query"] ? `?${request["query"]}` : ""}`;
  return [
    Date.parse(String(request["time"])),
    request["forwardedFor"],
    uri,
    request["status"],
    request["userAgent"],
  ].join(" ");
}
