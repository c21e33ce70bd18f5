import { createHash } from "node:crypto";

/** 96 bits that stand for a text in ids of records: sixteen characters, the same wherever it is hashed. */
export const shortHash = (text: string): string =>
  createHash("sha256").update(text).digest("base64url").slice(0, 16);
