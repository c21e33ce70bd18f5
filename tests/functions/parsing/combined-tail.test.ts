import assert from "node:assert/strict";
import fc from "fast-check";
import { ClientResolver } from "../../../functions/parsing/client-address";
import { LineParser } from "../../../functions/parsing/line-parser";
import { NGINX } from "../../../functions/parsing/fields";

/** Where `$http_x_forwarded_for` stands behind the user agent. */
const LAYOUTS: readonly ((header: string) => string)[] = [
  (header) => `"${header}"`,
  (header) => `"${header}" 0.012 0.004`,
  (header) => `"${header}" "shop.example.com"`,
  (header) => `"-" 345 0.012 "${header}" pool=blue`,
  (header) => `"0.012" "0.004, 0.008" "${header}"`,
  (header) => header,
  (header) => `0.012 0.004 ${header}`,
  (header) => `0.012 ${header} -`,
  (header) => `${header} 0.012 0.004 pool=blue 200`,
];

/** What a client may send in the header to pass for somebody else, or for another column. */
const PARTS = [
  ...'203.0.113.99 2001:db8::99 203.0.113.99:80 x - 0.1 345 a=b a= =1 [x] [] " \\ \\x22 : , ;'.split(
    " ",
  ),
  ...[" ", " ", ", ", " : ", "\t", "é"],
];
const sent = fc
  .array(fc.constantFrom(...PARTS), { maxLength: 7 })
  .map((parts) => parts.join("").trim());

/** As nginx writes a variable into a log. */
const escaped = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte < 32 || byte > 126 || byte === 34 || byte === 92
        ? `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte),
    )
    .join("");

const CLIENTS = ["198.51.100.7", "198.51.100.7:4711", "2001:db8:7::7", "[2001:db8:7::7]:4711"];

describe("columns behind a combined line", () => {
  const parser = new LineParser("nginx");
  const resolver = new ClientResolver(["alb"]);

  it("name the client that the load balancer saw, whatever the client sent", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LAYOUTS),
        sent,
        fc.constantFrom(...CLIENTS),
        (layout, before, client) => {
          const header = escaped(before === "" ? client : `${before}, ${client}`);
          const line = `10.0.0.1 - - [22/Nov/2026:01:45:34 +0000] "GET / HTTP/1.1" 200 3 "-" "x" ${layout(header)}`;
          assert.equal(parser.parseText(line), undefined);
          const { address } = resolver.resolve(
            "10.0.0.1",
            parser.row.text(NGINX.http_x_forwarded_for),
          );
          const expected = client.includes("198") ? "198.51.100.7" : "2001:db8:7::7";
          assert.equal(address?.toString(), expected, line);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
