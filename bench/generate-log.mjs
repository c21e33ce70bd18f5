// Writes a combined access log of ordinary traffic: visitors who come, read pages with their
// images, and go; crawlers; API clients; and a few scanners. The same numbers give the same file.
//
//   node bench/generate-log.mjs LINES FILE
import { createWriteStream } from "node:fs";
import { once } from "node:events";

const [lines, file] = [Number(process.argv[2] ?? 2_000_000), process.argv[3] ?? "access.log"];

let seed = 42;
const random = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
/** Small numbers often, large ones seldom, as with the popularity of pages. */
const popular = (n) => Math.floor(n ** random()) - 1;

const AGENTS = Array.from({ length: 400 }, (_, i) => {
  const systems = [
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
  ];
  return i % 4 === 3
    ? `Mozilla/5.0 (iPhone; CPU iPhone OS ${18 + (i % 3)}_${i % 7} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${18 + (i % 3)}.${i % 7} Mobile/15E${100 + i} Safari/604.1`
    : `Mozilla/5.0 (${systems[i % 3]}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${100 + (i % 45)}.0.${i * 3}.0 Safari/537.36`;
});
const CRAWLER = "Mozilla/5.0 (compatible; examplebot/2.1; +https://www.example.com/bot.html)";
const PAGES = Array.from({ length: 6000 }, (_, i) =>
  i % 3 === 0
    ? `/blog/2026/${1 + (i % 12)}/article-about-topic-${i}`
    : `/shop/category-${i % 40}/product-${i}`,
);
const ASSETS = [
  "/assets/app.3f2a91.js",
  "/assets/vendor.77ab02.js",
  "/assets/style.9d1c.css",
  "/img/logo.svg",
  "/favicon.ico",
];

const NETWORKS = ["192.0.2", "198.51.100", "203.0.113"];
/** Documentation addresses are few: the third part varies too, so that clients are many. */
const address = (i) =>
  i % 6 === 0
    ? `2001:db8:${(i % 65_521).toString(16)}:${((i * 7) % 4096).toString(16)}::${(1 + (i % 200)).toString(16)}`
    : `${NETWORKS[i % 3].split(".").slice(0, 2).join(".")}.${(i >> 8) & 255}.${i & 255}`;

function visitor(i) {
  const agent = AGENTS[popular(AGENTS.length)];
  const client = address(i);
  let page = "/";
  let queue = [];
  let left = 1 + popular(40);
  return () => {
    if (queue.length > 0)
      return line(client, queue.shift(), 200, 400 + below(90_000), page, agent, 0.05);
    if (left-- <= 0) return undefined;
    const before = page;
    page = PAGES[popular(PAGES.length)] + (random() < 0.15 ? `?page=${below(20)}&sort=price` : "");
    queue = random() < 0.4 ? ASSETS.slice(0, 1 + below(5)) : [];
    const status = random() < 0.95 ? 200 : pick([304, 301, 404, 499]);
    return line(client, page, status, 2000 + below(60_000), before, agent, 2 + random() * 20);
  };
}

function crawler(i) {
  const client = address(i);
  let left = 200 + below(600);
  return () =>
    left-- > 0
      ? line(client, PAGES[below(PAGES.length)], 200, 20_000 + below(9000), undefined, CRAWLER, 1)
      : undefined;
}

function apiClient(i) {
  const client = address(i);
  let left = 200;
  return () =>
    left-- > 0
      ? line(
          client,
          `/api/v1/orders/${below(1e6)}`,
          200,
          300 + below(900),
          undefined,
          "example-app/4.2",
          3,
        )
      : undefined;
}

function scanner(i) {
  const client = address(i);
  let left = 100 + below(300);
  return () =>
    left-- > 0
      ? line(
          client,
          `/${pick(["backup", "old", "test", "admin"])}-${left}.php`,
          404,
          153,
          undefined,
          AGENTS[3],
          0.1,
        )
      : undefined;
}

const line = (client, path, status, bytes, referer, agent, pause) => ({
  text: `"GET ${path} HTTP/1.1" ${status} ${bytes} "${referer === undefined ? "-" : `https://www.example.com${referer}`}" "${agent}"`,
  client,
  pause,
});

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n) => String(n).padStart(2, "0");
function timeText(seconds) {
  const d = new Date(seconds * 1000);
  return `${two(d.getUTCDate())}/${MONTHS[d.getUTCMonth()]}/${d.getUTCFullYear()}:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`;
}

/** Sessions wait in slots of a second, a wheel of a minute. */
const wheel = Array.from({ length: 60 }, () => []);
const out = createWriteStream(file);
let written = 0;
let sessions = 0;
let block = "";
for (let second = Date.UTC(2026, 10, 20) / 1000; written < lines; second++) {
  // A day of two million requests: three visitors come in four seconds.
  if (random() < 0.75) {
    const make = random() < 0.97 ? visitor : pick([crawler, apiClient, scanner]);
    wheel[second % 60].push(make(sessions++));
  }
  const due = wheel[second % 60];
  wheel[second % 60] = [];
  const time = timeText(second);
  for (const next of due) {
    const request = next();
    if (request === undefined || written >= lines) continue;
    block += `${request.client} - - [${time}] ${request.text}\n`;
    written++;
    wheel[
      (second +
        Math.min(
          59,
          Math.max(request.pause < 1 && random() < 0.8 ? 0 : 1, Math.round(request.pause)),
        )) %
        60
    ].push(next);
  }
  // What is due again within this second has waited in its own slot.
  for (let again = wheel[second % 60]; again.length > 0; again = wheel[second % 60]) {
    wheel[second % 60] = [];
    for (const next of again) {
      const request = next();
      if (request === undefined || written >= lines) continue;
      block += `${request.client} - - [${time}] ${request.text}\n`;
      written++;
      const wait = Math.min(
        59,
        Math.max(request.pause < 1 && random() < 0.8 ? 0 : 1, Math.round(request.pause)),
      );
      wheel[(second + wait) % 60].push(next);
    }
  }
  if (block.length > 1 << 20) {
    if (!out.write(block)) await once(out, "drain");
    block = "";
  }
}
out.end(block);
