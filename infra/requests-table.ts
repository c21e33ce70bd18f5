import { TODAY, type TableSettings } from "./athena";

/** Archived requests of nginx; a line that could not be parsed has `unparsed` and `raw`. */
export const REQUESTS_TABLE: TableSettings = {
  name: "requests",
  columns: [
    ["time", "string"],
    ["client", "string"],
    ["method", "string"],
    ["host", "string"],
    ["path", "string"],
    ["query", "string"],
    ["referer", "string"],
    ["useragent", "string"],
    ["peer", "string"],
    ["forwardedfor", "string"],
    ["status", "int"],
    ["bytes", "bigint"],
    ["durationms", "bigint"],
    ["extra", "map<string,string>"],
    ["unparsed", "string"],
    ["raw", "string"],
    ["rawbase64", "string"],
  ],
  queries: {
    "top-clients": [
      "Who sent most requests today, and how many of them failed",
      `SELECT client, count(*) AS requests, count_if(status >= 400) AS failed, count(DISTINCT path) AS paths,
  min(time) AS first_time, max(time) AS last_time
FROM requests WHERE ${TODAY} GROUP BY client ORDER BY requests DESC LIMIT 50`,
    ],
    "one-address": [
      "What one address did today; put it in place of 192.0.2.1",
      `SELECT time, method, path, query, status, bytes, durationms, useragent
FROM requests WHERE ${TODAY} AND client = '192.0.2.1' ORDER BY time LIMIT 1000`,
    ],
    "one-path": [
      "Who asked for one path today; put it in place of /login",
      `SELECT client, useragent, count(*) AS requests, count_if(status >= 400) AS failed
FROM requests WHERE ${TODAY} AND path = '/login' GROUP BY client, useragent ORDER BY requests DESC LIMIT 50`,
    ],
  },
};
