import type { Rule } from "./rule";

const GIGABYTE = 1_000_000_000;

/** Operations that fetch or list, which a scraper does; writes are somebody's backup. */
const READS = ["REST.GET.*", "REST.HEAD.*", "WEBSITE.*"];

/** What is looked for in S3 server access logs when a stack names no rules of its own. */
export const S3_RULES: readonly Rule[] = [
  {
    name: "bucket-scraping",
    description: "One client reads a bucket faster than people do.",
    where: { operation: READS },
    per: ["client", "bucket"],
    count: "requests",
    moreThan: 100,
    withinSeconds: 60,
    then: { alert: "high" },
  },
  {
    name: "access-denied-burst",
    description: "One client is refused again and again.",
    where: { status: [403] },
    per: ["client", "bucket"],
    count: "requests",
    moreThan: 20,
    withinSeconds: 60,
    then: { alert: "high" },
  },
  {
    name: "key-enumeration",
    description: "One client asks for many keys that are not there.",
    where: { status: [403, 404], operation: READS },
    per: ["client", "bucket"],
    count: { distinct: "key" },
    moreThan: 30,
    withinSeconds: 60,
    then: { alert: "critical" },
  },
  {
    name: "mass-download",
    description: "One client fetches more than a gigabyte within a minute.",
    where: { operation: READS },
    per: ["client", "bucket"],
    count: { sum: "bytes" },
    moreThan: GIGABYTE,
    withinSeconds: 60,
    then: { alert: "medium" },
  },
];
