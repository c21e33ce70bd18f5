import { decodePercent, plusToSpace } from "./percent";

/** Operations whose keys are URL-encoded once, with `+` for a space; all others encode twice. */
const ENCODED_ONCE = new Set(["BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT"]);

/**
 * The object key as the caller named it. How often it was encoded follows from the operation and
 * never from a trial, because `%2525` is a legal name either way. A malformed escape, or bytes
 * that are no UTF-8, keep the raw value.
 */
export function decodeKey(raw: string, operation: string): string {
  if (ENCODED_ONCE.has(operation)) return decodeOnce(raw, "plus is space") ?? raw;
  const once = decodeOnce(raw, "plus is plus");
  return once === undefined ? raw : (decodeOnce(once, "plus is plus") ?? raw);
}

function decodeOnce(text: string, plus: "plus is space" | "plus is plus"): string | undefined {
  const encoded = Buffer.from(text);
  if (plus === "plus is space") plusToSpace(encoded, 0, encoded.length);
  const decoded = Buffer.allocUnsafe(encoded.length);
  const end = decodePercent(decoded, [encoded, 0, encoded.length], "refuse");
  if (end < 0) return undefined;
  const result = decoded.toString("utf8", 0, end);
  return result.includes("\uFFFD") && !text.includes("\uFFFD") ? undefined : result;
}
