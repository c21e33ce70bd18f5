import { SLASH } from "../parsing/bytes";
import type { Glob } from "./automaton";

/** Six bits of a byte, the same for both cases of a letter; what they leave out only bytes beyond ASCII have. */
export const codeOf = (byte: number): number => (byte & 31) | ((byte >> 1) & 32);

const TRIPLES = 1 << 18;
/** The codes of three bytes in a row, joined: the last two of those before, and one more. */
export const tripleWith = (last: number, byte: number): number =>
  ((last << 6) | codeOf(byte)) & (TRIPLES - 1);

/** Of each glob the triple that ordinary texts hold least often; undefined when a glob has none. */
export function rareTriples(globs: readonly Glob[]): Int32Array | undefined {
  const triples = new Int32Array(TRIPLES / 32);
  for (const { pieces } of globs) {
    let rarest = 0;
    let least = Infinity;
    for (const folded of pieces.flatMap(triplesIn)) {
      const commonness = commonnessOf(folded);
      if (commonness >= least) continue;
      least = commonness;
      rarest = folded;
    }
    if (least === Infinity) return undefined;
    const triple = [rarest >> 16, rarest >> 8, rarest].reduce(tripleWith, 0);
    triples[triple >> 5] |= 1 << (triple & 31);
  }
  return triples;
}

function triplesIn(bytes: Buffer): number[] {
  const triples: number[] = [];
  for (let i = 2; i < bytes.length; i++)
    triples.push((bytes[i - 2] << 16) | (bytes[i - 1] << 8) | bytes[i] | 0x202020);
  return triples;
}

/** Letters by how often they stand in English text; slashes are common in URLs, other signs rare. */
const LETTERS = "zqxjkvbpygfwmucldrhsnioate";
/** What ordinary URLs are full of, as a place to look for triples that are not rare at all. */
const COMMON_WORDS =
  "/blog/catalog/category/product/article/search/shop/news/help/docs/about/contact/index.html/pages/" +
  "images/media/assets/static/api/v1/v2/v3/users/account/orders/cart/checkout/profile/settings/posts" +
  "/img/logo.svg/icon.png/photo.jpg/favicon.ico/app.js/main.js/vendor.js/style.css/font.woff2/index.php" +
  "?page=1&sort=price&q=text&id=1&lang=en&utm_source=mail&category=1";

const ORDINARY = new Set(triplesIn(Buffer.from(COMMON_WORDS)));

/** How common each byte is. */
const COMMONNESS = new Float64Array(256).fill(1);
Buffer.from(LETTERS).forEach((letter, i) => {
  COMMONNESS[letter] = 4 + i;
});
for (const digit of "0123456789") COMMONNESS[digit.charCodeAt(0)] = 16;
for (const sign of "-.") COMMONNESS[sign.charCodeAt(0)] = 20;
COMMONNESS[SLASH] = 60;

const commonnessOf = (folded: number): number =>
  COMMONNESS[folded >> 16] *
  COMMONNESS[(folded >> 8) & 255] *
  COMMONNESS[folded & 255] *
  (ORDINARY.has(folded) ? 1_000_000 : 1);
