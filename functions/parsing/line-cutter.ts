import { isAbsent } from "./bytes";
import { NGINX } from "./fields";
import { LINE_CUTTER } from "./line-cutter-wasm";
import type { Row } from "./row";

/** The part of WebAssembly that is used here; TypeScript knows it of browsers only. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: Exports };
};

interface Exports {
  readonly cut: (start: number, end: number) => number;
}

/** Where the module keeps the bytes of a log, and how far behind them it may look. */
const TEXT = 64;
const SLACK = 128;
const PAGE = 1 << 16;

/** Where it leaves what it found: words, and one number. */
const ADDRESS_END = 0;
const REQUEST = 1;
const METHOD_END = 2;
const PATH_END = 3;
const TARGET_END = 4;
const HAS_ESCAPES = 5;
const STATUS = 6;
const SIZE_END = 7;
const REFERER_END = 8;
const AGENT_END = 9;
const SIZE = 5;

const MODULE = new WebAssembly.Module(Buffer.from(LINE_CUTTER, "base64"));

/**
 * Memory for the bytes of a log, and WebAssembly that cuts those of its lines that are in the
 * combined format as nearly every server writes it. It looks at 16 bytes at once, which JavaScript
 * cannot. The columns that it finds are those that `CombinedParser` would. Replays use it; the
 * deployed functions do without.
 */
export class LineCutter {
  /** For the log: `cut` looks at what is written here. */
  readonly buf: Buffer;
  private readonly exports: Exports;
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;

  /** @param size bytes of the log that are in memory at once. */
  constructor(size: number) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((TEXT + size + SLACK) / PAGE) });
    this.exports = new WebAssembly.Instance(MODULE, { env: { memory } }).exports;
    this.buf = Buffer.from(memory.buffer, TEXT, size);
    this.words = new Int32Array(memory.buffer, 0, SIZE * 2);
    this.numbers = new Float64Array(memory.buffer, 0, SIZE + 1);
  }

  /** Where the line that begins at `start` has its line end, before `end`; -1 for one that is not cut. */
  cut(start: number, end: number): number {
    return this.exports.cut(start, end);
  }

  /** Where the address of the line that was cut last ends. */
  get addressEnd(): number {
    return this.words[ADDRESS_END];
  }

  /** Where what stands behind its user agent begins, if there is something. */
  get tail(): number {
    return this.words[AGENT_END] + 2;
  }

  /**
   * Sets what was found of the line that begins at `start`: all but the row's time, and the tail.
   * Between what was found stand ` - - [`, `] "`, ` HTTP/1.1" `, `200 ` and quotes, always as long.
   */
  fill(row: Row, start: number): void {
    const { words } = this;
    const request = words[REQUEST];
    const targetAt = words[METHOD_END] + 1;
    const targetEnd = words[TARGET_END];
    const statusAt = targetEnd + 11;
    const refererAt = words[SIZE_END] + 2;
    const agentAt = words[REFERER_END] + 3;
    row.set(NGINX.remote_addr, start, words[ADDRESS_END]);
    row.set(NGINX.time, words[ADDRESS_END] + 6, request - 3);
    row.set(NGINX.request, request, targetEnd + 9);
    row.set(NGINX.request_method, request, words[METHOD_END]);
    row.set(NGINX.request_uri, targetAt, targetEnd);
    row.set(NGINX.path, targetAt, words[PATH_END]);
    if (words[PATH_END] < targetEnd) row.set(NGINX.query, words[PATH_END] + 1, targetEnd);
    row.set(NGINX.server_protocol, targetEnd + 1, targetEnd + 9);
    row.hasPlainTarget = words[HAS_ESCAPES] === 0;
    row.set(NGINX.status, statusAt, statusAt + 3);
    row.status = words[STATUS];
    row.set(NGINX.body_bytes_sent, statusAt + 4, words[SIZE_END]);
    row.bytes = this.numbers[SIZE];
    if (!isAbsent(row.buf, refererAt, words[REFERER_END]))
      row.set(NGINX.http_referer, refererAt, words[REFERER_END]);
    if (!isAbsent(row.buf, agentAt, words[AGENT_END]))
      row.set(NGINX.http_user_agent, agentAt, words[AGENT_END]);
  }
}
