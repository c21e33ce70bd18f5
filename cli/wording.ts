export { group } from "../functions/rules/digits";

/** A time in UTC, to the second. */
export const time = (at: number): string =>
  new Date(at).toISOString().slice(0, 19).replace("T", " ");

/** Log text is written by strangers: nothing in it may move the cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, "?");
}
