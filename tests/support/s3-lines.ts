/** What stands in an S3 line for tests; what is left out is ordinary. */
export interface TestAccess {
  /** Seconds after 01:45:00. */
  readonly second?: number;
  readonly client?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly bytes?: number;
}

const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

/** The line of 27 columns that S3 would write. */
export function s3LineOf(access: TestAccess): string {
  const time = new Date(Date.UTC(2026, 10, 22, 1, 45, access.second ?? 0));
  const [day, clock] = [time.toISOString().slice(8, 10), time.toISOString().slice(11, 19)];
  const month = time.toLocaleString("en", { month: "short", timeZone: "UTC" });
  const key = access.key ?? "a.txt";
  return (
    `${OWNER} ${access.bucket ?? "photos"} [${day}/${month}/2026:${clock} +0000] ${access.client ?? "192.0.2.3"} - 3E57427F3EXAMPLE ` +
    `${access.operation ?? "REST.GET.OBJECT"} ${key} "GET /${key} HTTP/1.1" ${access.status ?? 200} - ${access.bytes ?? 1000} 1000 70 10 ` +
    `"-" "curl/8.5" - hostid= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader photos.s3.eu-west-1.amazonaws.com TLSv1.3 - - eu-west-1`
  );
}
