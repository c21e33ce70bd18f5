/** @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const MAX_SUBJECT = 99;

/** A subject as SNS wants it: printable ASCII, at most 99 characters, with dots where it was cut. */
export function toSubject(text: string): string {
  const ascii = toAscii(text);
  return ascii.length <= MAX_SUBJECT ? ascii : `${ascii.slice(0, MAX_SUBJECT - 3)}...`;
}

/** Text of strangers with a question mark for whatever is no printable ASCII. */
export const toAscii = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");
