import type { Rule } from "./rule";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Sent by AWS itself, from many places at once, several times a second. */
const HEALTH_CHECKERS = ["Amazon Route 53 Health Check Service*", "ELB-HealthChecker/*"];

/**
 * What is looked for when a stack names no rules of its own. Thresholds and modes come from real
 * attack tools and ordinary traffic side by side; the README has the figures.
 */
export const NGINX_RULES: readonly Rule[] = [
  {
    name: "same-page-flood",
    description: "One client asks for one page again and again.",
    where: {
      status: { not: [304] },
      path: { not: ["/wp-admin/*"] },
      userAgent: { not: ["Amazon Route 53 Health Check Service*"] },
    },
    per: ["client", "path", "userAgent"],
    count: "requests",
    moreThan: 20,
    withinSeconds: 30,
    then: { blockSeconds: HOUR },
  },
  {
    name: "path-probing",
    description: "One client tries paths that do not exist or are not its own.",
    where: { status: [400, 401, 403, 404, 405] },
    per: ["client"],
    count: { distinct: "path" },
    moreThan: 10,
    withinSeconds: 30,
    then: { blockSeconds: HOUR },
  },
  {
    name: "failed-logins",
    description: "One client is refused again and again.",
    where: { status: [401, 403] },
    per: ["client"],
    count: "requests",
    moreThan: 30,
    withinSeconds: 60,
    then: { blockSeconds: HOUR },
  },
  {
    name: "login-guessing",
    description: "One client sends many forms to a login page.",
    where: { method: ["POST"], decodedUrl: ["@login-pages"] },
    per: ["client"],
    count: "requests",
    moreThan: 15,
    withinSeconds: 60,
    then: { blockSeconds: HOUR },
  },
  {
    name: "page-flood",
    description:
      "One client asks for many different pages, or pages with different query strings, at once.",
    where: { decodedUrl: { not: ["@static-files"] }, userAgent: { not: HEALTH_CHECKERS } },
    per: ["client"],
    count: { distinct: "url" },
    moreThan: 120,
    withinSeconds: 30,
    then: { blockSeconds: HOUR },
  },
  {
    name: "changing-user-agent",
    description: "One client gives itself another name with every request.",
    per: ["client"],
    count: { distinct: "userAgent" },
    moreThan: 30,
    withinSeconds: 30,
    then: { blockSeconds: HOUR },
    mode: "count",
  },
  {
    name: "known-probe",
    description: "A request for secrets, repositories, dumps or web shells.",
    where: { decodedUrl: ["@probe-paths"] },
    per: ["client"],
    count: { distinct: "path" },
    moreThan: 1,
    withinSeconds: 300,
    then: { blockSeconds: DAY },
  },
  {
    name: "admin-probing",
    description: "One client looks for several administration interfaces.",
    where: { status: [400, 401, 403, 404, 405], decodedUrl: ["@admin-paths"] },
    per: ["client"],
    count: { distinct: "path" },
    moreThan: 2,
    withinSeconds: 300,
    then: { blockSeconds: DAY },
  },
  {
    name: "attack-payload",
    description: "A path traversal, or SQL, script or command injection.",
    where: { decodedUrl: ["@traversals", "@injections"] },
    per: ["client"],
    count: "requests",
    moreThan: 0,
    withinSeconds: 60,
    then: { blockSeconds: DAY },
  },
  {
    name: "open-proxy",
    description:
      "A request to pass on to somebody else's server; seen in logs that have the whole request line.",
    where: { path: ["http://*", "https://*"] },
    per: ["client"],
    count: "requests",
    moreThan: 1,
    withinSeconds: 300,
    then: { blockSeconds: DAY },
  },
  {
    name: "scanner-agent",
    description: "A tool that looks for holes and says so.",
    where: { userAgent: ["@scanner-agents"] },
    per: ["client"],
    count: "requests",
    moreThan: 0,
    withinSeconds: 60,
    then: { blockSeconds: DAY },
  },
];
