import { find, PERCENT, PLUS, viewOf } from "../parsing/bytes";
import { DecodedUrl } from "../parsing/decoded-url";
import { NGINX, S3 } from "../parsing/fields";
import type { Row } from "../parsing/row";
import { decodeKey } from "../parsing/s3-key";
import type { RuleField } from "../rules/rule-fields";

export type TextField = Extract<RuleField, { kind: "text" | "derived" }>;

/** Finds the bytes of a text field's value: in the line itself, or decoded in memory of its own. */
export class FieldSpan {
  /** The value that `locate` found is `[start, end)` of these bytes; an absent one is empty. */
  buf: Buffer = EMPTY;
  /** The same bytes. */
  view = viewOf(EMPTY);
  start = 0;
  end = 0;

  private readonly field: TextField;
  /** Where nearly every row has the value. */
  private readonly column: number;
  /** What stands there is the value, escapes and all. */
  private readonly isVerbatim: boolean;
  private readonly url = new DecodedUrl();

  constructor(field: TextField) {
    this.field = field;
    if (field.kind === "text") this.column = field.column;
    else this.column = field.from === "key" ? S3.key : NGINX.request_uri;
    this.isVerbatim = field.kind === "text" ? field.column < S3.version_id : field.from === "url";
  }

  locate(row: Row): void {
    const { column } = this;
    if (row.has(column) && (this.isVerbatim || row.hasPlainTarget))
      this.use(row.buf, row.view, row.starts[column], row.ends[column]);
    else this.locateUnusual(row);
  }

  private locateUnusual(row: Row): void {
    const { field, column } = this;
    if (column >= S3.version_id && row.kind === "access") row.settle();
    const isUrl = field.kind === "derived" && field.from !== "key";
    if (row.has(column)) this.use(row.buf, row.view, row.starts[column], row.ends[column]);
    else if (isUrl) this.useText(urlOf(row));
    else this.use(row.buf, row.view, 0, 0);
    if (field.kind === "derived") this.decode(field.from, row);
  }

  /** Turns what the line holds into the value that rules speak of. */
  private decode(from: "url" | "decodedUrl" | "key", row: Row): void {
    if (from === "decodedUrl") {
      this.url.decode(this.buf, this.start, this.end);
      this.use(this.url.buf, this.url.view, 0, this.url.length);
    }
    // Keys are decoded before they are looked up, for the operation says how often.
    if (from === "key" && row.format === "s3" && !this.isPlain())
      this.useText(decodeKey(row.textOrEmpty(S3.key), row.textOrEmpty(S3.operation)));
  }

  private isPlain(): boolean {
    const { buf, start, end } = this;
    return find(buf, PERCENT, start, end) === end && find(buf, PLUS, start, end) === end;
  }

  private useText(text: string): void {
    const buf = Buffer.from(text);
    this.use(buf, viewOf(buf), 0, buf.length);
  }

  private use(buf: Buffer, view: DataView, start: number, end: number): void {
    if (this.view !== view) {
      this.buf = buf;
      this.view = view;
    }
    this.start = start;
    this.end = end;
  }
}

function urlOf(row: Row): string {
  const query = row.text(NGINX.query);
  return row.textOrEmpty(NGINX.path) + (query === undefined ? "" : `?${query}`);
}

const EMPTY = Buffer.alloc(0);
