/** How many bytes at the beginning of a log tell how it is written. */
export const MAGIC_BYTES = 10;

const GZIP = [0x1f, 0x8b];

/** What else logs are written as, and what makes plain text of it. */
const OTHERS = [
  { name: "bzip2", magic: /^BZh[1-9]1AY&SY/, converter: "bzcat" },
  { name: "xz", magic: /^\xfd7zXZ\0/, converter: "xzcat" },
  { name: "zstd", magic: /^\x28\xb5\x2f\xfd/, converter: "zstdcat" },
  { name: "zip", magic: /^PK[^ -~]{2}/, converter: "unzip -p" },
  {
    name: "UTF-16",
    magic: /^(?:\xff\xfe[^\0]\0|\xfe\xff\0[^\0])/,
    converter: "iconv -f UTF-16 -t UTF-8",
  },
] as const;

/**
 * Whether a log is gzip, by its first bytes.
 *
 * @throws Error when it is written in a way that is not read; it says how to read it all the same.
 */
export function isGzip(first: Buffer): boolean {
  const text = first.toString("latin1", 0, MAGIC_BYTES);
  const other = OTHERS.find(({ magic }) => magic.test(text));
  if (other === undefined) return first[0] === GZIP[0] && first[1] === GZIP[1];
  throw new Error(
    `is ${other.name}, and only plain text and gzip are read: convert it, as in ${other.converter} FILE | npm start -- -`,
  );
}
