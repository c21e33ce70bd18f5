import type { SignaturePack } from "../signature-packs";

const ENDINGS = [
  "avif",
  "css",
  "eot",
  "gif",
  "ico",
  "jpeg",
  "jpg",
  "js",
  "m4s",
  "map",
  "mjs",
  "mp4",
  "otf",
  "png",
  "svg",
  "ts",
  "ttf",
  "txt",
  "wasm",
  "webm",
  "webmanifest",
  "webp",
  "woff",
  "woff2",
  "xml",
];

/** What a browser fetches by itself: one page brings dozens of them. */
export const STATIC_FILES: SignaturePack = {
  name: "static-files",
  field: "decodedUrl",
  globs: ENDINGS.flatMap((ending) => [`*.${ending}`, `*.${ending}?*`]),
  matching: ["/favicon.ico", "/assets/app.3f2a.js?v=2", "/img/a.JPG", "/sitemap.xml"],
  harmless: ["/", "/index.html", "/search?q=x.js.y", "/products/42", "/login.php"],
};
