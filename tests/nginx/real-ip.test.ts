import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { canonicalAddress } from "../../functions/parsing/address";
import { ClientResolver } from "../../functions/parsing/client-address";
import { NGINX } from "../../functions/parsing/fields";
import { LineParser } from "../../functions/parsing/line-parser";
import { nginxConfigFile, withNginx } from "../support/nginx";

const PORT = 18_081;
const TRUST = ["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"];
const httpIn = (folder: string): string =>
  [
    `log_format behind '$realip_remote_addr - - [$time_local] "$request" $status 0 "-" "-" "$http_x_forwarded_for"';`,
    `access_log ${folder}/access.log behind;`,
    "keepalive_requests 1000000;",
    ...TRUST.map((cidr) => `set_real_ip_from ${cidr};`),
    "real_ip_header X-Forwarded-For;",
    "real_ip_recursive on;",
    `server { listen 127.0.0.1:${PORT}; return 200 "$remote_addr"; }`,
  ].join("\n");

/** What stands between the hops, and in a header: of proxies, of clients, and of people who try things. */
const SEPARATORS = [", ", ",", " ", " ,", ",,", ", , "];
const HOPS = [
  "10.0.0.1 10.1.2.3 10.0.0.1:80 2001:db8:1::7 [2001:db8:1::7]:443",
  "198.51.100.7 198.51.100.7:65535 2001:db8:2::9 2001:DB8:2:0::A 2001:db8:2::9:443",
  "::ffff:10.0.0.1 ::ffff:198.51.100.7 ::10.0.0.1 2001:db8:2::192.0.2.1 ::1 ::",
  "198.51.100.7:0 198.51.100.7:65536 198.51.100.7: 10.0.0.1:x [2001:db8:1::7]:99999",
  "unknown - _hidden unix: garbage localhost 256.1.1.1 1.2.3.4.5 10.0.1",
  '10.0.0.1/32 "198.51.100.7" 10.0.0.1; [::1 ::1] [10.0.0.1]:80 1::2::3 12345::1',
].flatMap((hops) => hops.split(" "));

describe("nginx's realip module", () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "floodgate-nginx-"))));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Whom nginx takes for the client of a request with this header. */
  async function clientBehind(header: string): Promise<string | undefined> {
    const request = get({ port: PORT, agent, headers: { "x-forwarded-for": header } });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return canonicalAddress(await text(response));
  }

  it("finds the client that Floodgate finds, in the header and in a combined line with it", async () => {
    const hop = fc.constantFrom(...HOPS);
    const headerArb = fc
      .tuple(hop, fc.array(fc.tuple(fc.constantFrom(...SEPARATORS), hop), { maxLength: 4 }))
      .map(([first, rest]) => first + rest.flat().join(""));
    const resolver = new ClientResolver(TRUST);
    const found: (string | undefined)[] = [];
    const isSame = fc.asyncProperty(headerArb, async (header) => {
      const { address } = resolver.resolve("127.0.0.1", header);
      found.push(await clientBehind(header));
      assert.equal(address?.toString(), found.at(-1));
    });
    await withNginx(nginxConfigFile(folder, httpIn(folder)), PORT, async () => {
      await fc.assert(isSame, { numRuns: 5000 });
      agent.destroy();
    });
    const lines = readFileSync(join(folder, "access.log"), "utf8").trimEnd().split("\n");
    const parser = new LineParser("nginx");
    const read = lines.map((line) => {
      assert.equal(parser.parseText(line), undefined);
      const header = parser.row.text(NGINX.http_x_forwarded_for);
      return resolver.resolve("127.0.0.1", header).address?.toString();
    });
    assert.deepEqual(read, found);
  });
});
