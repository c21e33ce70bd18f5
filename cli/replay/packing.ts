/** How many bytes at the beginning of a log tell how it is packed. */
export const MAGIC_BYTES = 10;

const GZIP = [0x1f, 0x8b];

/** What logs are packed by as well, and what unpacks it. */
const OTHERS = [
  { name: "bzip2", magic: /^BZh[1-9]1AY&SY/, unpacker: "bzcat" },
  { name: "xz", magic: /^\xfd7zXZ\0/, unpacker: "xzcat" },
  { name: "zstd", magic: /^\x28\xb5\x2f\xfd/, unpacker: "zstdcat" },
  { name: "zip", magic: /^PK[^ -~]{2}/, unpacker: "unzip -p" },
] as const;

/**
 * Whether a log is gzip, by its first bytes.
 *
 * @throws Error when it is packed in a way that is not read; it says how to read it all the same.
 */
export function isGzip(first: Buffer): boolean {
  const text = first.toString("latin1", 0, MAGIC_BYTES);
  const other = OTHERS.find(({ magic }) => magic.test(text));
  if (other === undefined) return first[0] === GZIP[0] && first[1] === GZIP[1];
  throw new Error(
    `is packed by ${other.name}, and only gzip is read: unpack it, as in ${other.unpacker} FILE | npm start -- -`,
  );
}
