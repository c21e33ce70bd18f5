import type { Glob } from "./automaton";

const TRIPLE_BITS = 19;

/** Three bytes, folded by `| 32` to one case and joined to 24 bits, mixed into `TRIPLE_BITS` bits. */
export const tripleOf = (folded: number): number =>
  Math.imul(folded, 0x9e3779b1) >>> (32 - TRIPLE_BITS);

/** Of each glob the triple that ordinary texts hold least often; undefined when a glob has none. */
export function rareTriples(globs: readonly Glob[]): Int32Array | undefined {
  const triples = new Int32Array(1 << (TRIPLE_BITS - 5));
  for (const { pieces } of globs) {
    const all = pieces.flatMap((piece) =>
      [...piece.subarray(2)].map((third, i) => [piece[i], piece[i + 1], third] as const),
    );
    if (all.length === 0) return undefined;
    const rarest = all.reduce((a, b) => (commonness(b) < commonness(a) ? b : a));
    const triple = tripleOf(rarest.reduce((folded, byte) => (folded << 8) | byte | 32, 0));
    triples[triple >> 5] |= 1 << (triple & 31);
  }
  return globs.length === 0 ? undefined : triples;
}

/** Letters by how often they stand in English text; slashes are common in URLs, other signs rare. */
const LETTERS = "zqxjkvbpygfwmucldrhsnioate";
/** What ordinary URLs are full of, as a place to look for triples that are not rare at all. */
const COMMON_WORDS =
  "/blog/catalog/category/product/article/search/shop/news/help/docs/about/contact/index.html/pages/" +
  "images/media/assets/static/api/v1/v2/v3/users/account/orders/cart/checkout/profile/settings/posts" +
  "/img/logo.svg/icon.png/photo.jpg/favicon.ico/app.js/main.js/vendor.js/style.css/font.woff2/index.php" +
  "?page=1&sort=price&q=text&id=1&lang=en&utm_source=mail&category=1";

function commonness(bytes: readonly number[]): number {
  const isOrdinary = COMMON_WORDS.includes(Buffer.from(bytes).toString().toLowerCase());
  return bytes.reduce(
    (product, byte) => {
      const letter = LETTERS.indexOf(String.fromCharCode(byte | 32));
      if (letter >= 0) return product * (4 + letter);
      if (byte === 47) return product * 60;
      if (byte === 45 || byte === 46) return product * 20;
      return product * (byte >= 48 && byte <= 57 ? 16 : 1);
    },
    isOrdinary ? 1_000_000 : 1,
  );
}
