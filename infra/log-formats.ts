/** The log formats that outputs come with; every other known one is understood as well. */
export const LOG_FORMATS = ["ltsv", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * nginx variables, under their own names as labels. `$request` is the request line as it came:
 * `$request_uri` lacks the host that a client wants to be passed on to, and is empty when nginx
 * refused the request.
 *
 * @see https://nginx.org/en/docs/http/ngx_http_core_module.html#var_request
 */
const VARIABLES = [
  "remote_addr",
  "request",
  "request_length",
  "uri",
  "query_string",
  "status",
  "bytes_sent",
  "body_bytes_sent",
  "http_host",
  "http_referer",
  "http_user_agent",
  "http_x_forwarded_for",
  "http_x_forwarded_proto",
  "request_time",
  "upstream_response_time",
  "upstream_cache_status",
];

/** Lines for nginx's `http` block: the format, and a log in it beside those that are there. */
export function nginxConfig(format: LogFormat): string {
  const fields = [["time", "time_iso8601"], ...VARIABLES.map((name) => [name, name])];
  const lines =
    format === "ltsv"
      ? fields.map(([label, variable], i) => `  '${i === 0 ? "" : "\\t"}${label}:$${variable}'`)
      : fields.map(
          ([label, variable], i) =>
            `  '${i === 0 ? "{" : ","}"${label}":"$${variable}"${i === fields.length - 1 ? "}" : ""}'`,
        );
  const escape = format === "json" ? " escape=json" : "";
  return [
    `log_format floodgate${escape}`,
    `${lines.join("\n")};`,
    `access_log ${LOG_FILE} floodgate;`,
    "",
  ].join("\n");
}

/** Where the agents' configurations look for it. */
export const LOG_FILE = "/var/log/nginx/floodgate.log";
