// Ordinary traffic beside the attacks: people who read, a crawler, an API client, a health checker.
//   node samples/ordinary.mjs SECONDS
import { Agent, request } from "node:http";

const until = Date.now() + Number(process.argv[2] ?? 120) * 1000;
const agent = new Agent({ keepAlive: true });
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const below = (n) => Math.floor(Math.random() * n);

const get = (client, userAgent, path, { method = "GET", referer } = {}) =>
  new Promise((done) => {
    const headers = {
      "x-client": client,
      "user-agent": userAgent,
      ...(referer ? { referer } : {}),
    };
    const req = request({ host: "127.0.0.1", port: 9100, path, method, headers, agent }, (res) =>
      res.resume().on("end", done),
    );
    req.on("error", done);
    req.end();
  });

const BROWSERS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
];

async function visitor(i) {
  const client = i % 5 === 0 ? `2001:db8:${i.toString(16)}::1` : `203.0.113.${i}`;
  const browser = BROWSERS[i % BROWSERS.length];
  await wait(below(20_000));
  let referer;
  while (Date.now() < until) {
    const page = [
      "/",
      `/shop/product-${below(200)}`,
      `/blog/post-${below(40)}`,
      "/help/returns",
      `/search?q=shoes+${below(30)}`,
    ][below(5)];
    await get(client, browser, page, { referer });
    referer = `https://www.example.com${page}`;
    await Promise.all(
      ["/assets/app.js", "/assets/style.css", "/assets/logo.svg"].map((path) =>
        get(client, browser, path, { referer }),
      ),
    );
    if (below(30) === 0) await get(client, browser, "/old-page", { referer });
    if (below(25) === 0) await get(client, browser, "/login", { method: "POST", referer });
    await wait(1500 + below(12_000));
  }
}

/** An office behind one address: eight people at once. */
async function office() {
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      while (Date.now() < until) {
        await get("192.0.2.8", `${BROWSERS[i % 4]} Office/${i}`, `/shop/product-${below(200)}`);
        await wait(2000 + below(9000));
      }
    }),
  );
}

async function crawler() {
  for (let i = 0; Date.now() < until; i++) {
    await get(
      "192.0.2.66",
      "Mozilla/5.0 (compatible; examplebot/2.1; +https://www.example.com/bot.html)",
      i % 40 === 0 ? "/robots.txt" : `/blog/post-${i}`,
    );
    await wait(1000);
  }
}

async function apiClient() {
  while (Date.now() < until) {
    await get("192.0.2.77", "example-app/4.2", `/api/orders/${below(10_000)}`);
    await wait(900);
  }
}

async function healthChecker() {
  while (Date.now() < until) {
    await get(
      "192.0.2.99",
      "Amazon Route 53 Health Check Service (ref 00000000-0000-0000-0000-000000000000)",
      "/",
    );
    await wait(700);
  }
}

await Promise.all([
  ...Array.from({ length: 45 }, (_, i) => visitor(i + 10)),
  office(),
  crawler(),
  apiClient(),
  healthChecker(),
]);
