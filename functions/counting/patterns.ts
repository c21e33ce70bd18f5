/**
 * Many globs matched at once, in time that grows with the text and not with the number of globs.
 *
 * A glob is literal pieces between `*`; all pieces of all globs go into one Aho-Corasick automaton.
 * While it runs over the text each glob remembers how many of its pieces it has seen, in order and
 * without overlap; taking the leftmost place for each piece is right, because what follows only
 * gains room.
 *
 * @see https://doi.org/10.1145/360825.360855 (Aho, Corasick: Efficient string matching)
 */
export class Patterns {
  /** The most groups that one automaton can tell apart: the bits of a small integer. */
  static readonly MAX_GROUPS = 30;

  private readonly globs: readonly Glob[];
  /**
   * Next state by state and class of byte. States are numbered in steps of `classCount`, and those in
   * which a piece ends are given with `HAS_OUTPUT` added.
   */
  private readonly next: Int32Array;
  private readonly classes: Uint8Array;
  private readonly classCount: number;
  /** Pieces that end in a state, its own and those of its suffixes. */
  private readonly outputs: readonly (readonly Piece[])[];
  /** Groups that match whatever the text is, and those that match when it is empty. */
  private readonly always: number;
  private readonly whenEmpty: number;
  /** Pieces seen of each glob, and where the last one ended; valid for the run in `runs`. */
  private readonly seen: Int32Array;
  private readonly seenEnd: Int32Array;
  private readonly runs: Float64Array;
  private run = 0;
  /** A bit for each triple of bytes of which every matching text holds one, if there are such. */
  private readonly triples: Uint8Array | undefined;
  /** Every glob begins with text; whether one of them has found its first piece in this run. */
  private readonly isAnchored: boolean;
  private hasBegun = false;

  /** Each group is a list of globs, any of which may match; `ignoreCase` speaks of ASCII letters. */
  constructor(groups: readonly (readonly string[])[], ignoreCase: boolean) {
    const fold = (text: string): string => (ignoreCase ? asciiLower(text) : text);
    this.always = maskOf(groups, (glob) => /^\*+$/.test(glob));
    this.whenEmpty = maskOf(groups, (glob) => glob.replaceAll("*", "") === "");
    this.globs = groups.flatMap((globs, group) =>
      globs
        .filter((glob) => glob.replaceAll("*", "") !== "")
        .map((glob) => splitGlob(fold(glob), group)),
    );
    this.isAnchored = this.globs.every((glob) => glob.isAnchoredAtStart);
    // Globs that begin with text are done with most texts after a byte or two as it is.
    this.triples = this.isAnchored ? undefined : rareTriples(this.globs);
    const automaton = buildAutomaton(this.globs, ignoreCase);
    this.next = automaton.next;
    this.classes = automaton.classes;
    this.classCount = automaton.classCount;
    this.outputs = automaton.outputs;
    this.seen = new Int32Array(this.globs.length);
    this.seenEnd = new Int32Array(this.globs.length);
    this.runs = new Float64Array(this.globs.length).fill(-1);
  }

  /** The groups of which a glob matches the whole of `[start, end)`: bit `i` for group `i`. */
  match(buf: Buffer, start: number, end: number): number {
    if (start === end) return this.always | this.whenEmpty;
    if (!this.mayMatch(buf, start, end)) return this.always;
    const { next, classes, isAnchored } = this;
    this.run++;
    this.hasBegun = false;
    let mask = this.always;
    let state = 0;
    for (let i = start; i < end; i++) {
      state = next[state + classes[buf[i]]];
      if (state < HAS_OUTPUT) {
        // Back at the root with nothing begun: no glob that is tied to the start can match any more.
        if (state === 0 && isAnchored && mask === this.always && !this.hasBegun) return mask;
        continue;
      }
      state -= HAS_OUTPUT;
      mask |= this.advance(state / this.classCount, i + 1 - start, end - start);
    }
    return mask;
  }

  /**
   * Whether the text holds three bytes in a row without which no glob can match. Looking them up
   * does not depend on what came before, as the states of an automaton do, so this is several times
   * faster than a run, and most texts of ordinary traffic end here.
   */
  private mayMatch(buf: Buffer, start: number, end: number): boolean {
    const { triples } = this;
    if (triples === undefined) return true;
    let first = buf[start];
    let second = buf[start + 1];
    for (let i = start + 2; i < end; i++) {
      const third = buf[i];
      const triple = tripleOf(first, second, third);
      if ((triples[triple >> 3] & (1 << (triple & 7))) !== 0) return true;
      first = second;
      second = third;
    }
    return false;
  }

  /** Notes the pieces that end at `at`; returns the groups whose globs they complete. */
  private advance(state: number, at: number, length: number): number {
    let mask = 0;
    for (const piece of this.outputs[state]) {
      const { glob } = piece;
      const isFresh = this.runs[glob] !== this.run;
      const seen = isFresh ? 0 : this.seen[glob];
      if (seen !== piece.place || !this.fits(piece, at, length)) continue;
      if (piece.isLast) mask |= 1 << this.globs[glob].group;
      this.hasBegun = true;
      this.runs[glob] = this.run;
      this.seen[glob] = seen + 1;
      this.seenEnd[glob] = at;
    }
    return mask;
  }

  private fits(piece: Piece, at: number, length: number): boolean {
    const start = at - piece.length;
    if (piece.place === 0 && piece.isAnchoredAtStart && start !== 0) return false;
    if (piece.place > 0 && start < this.seenEnd[piece.glob]) return false;
    return !(piece.isLast && piece.isAnchoredAtEnd && at !== length);
  }
}

function maskOf(
  groups: readonly (readonly string[])[],
  matches: (glob: string) => boolean,
): number {
  return groups.reduce(
    (mask, globs, group) => (globs.some(matches) ? mask | (1 << group) : mask),
    0,
  );
}

interface Glob {
  readonly group: number;
  readonly pieces: readonly Buffer[];
  readonly isAnchoredAtStart: boolean;
  readonly isAnchoredAtEnd: boolean;
}

interface Piece {
  readonly glob: number;
  readonly place: number;
  readonly length: number;
  readonly isLast: boolean;
  readonly isAnchoredAtStart: boolean;
  readonly isAnchoredAtEnd: boolean;
}

interface Automaton {
  readonly next: Int32Array;
  readonly classes: Uint8Array;
  readonly classCount: number;
  readonly outputs: readonly (readonly Piece[])[];
}

function splitGlob(glob: string, group: number): Glob {
  return {
    group,
    pieces: glob
      .split("*")
      .filter((piece) => piece !== "")
      .map((piece) => Buffer.from(piece)),
    isAnchoredAtStart: !glob.startsWith("*"),
    isAnchoredAtEnd: !glob.endsWith("*"),
  };
}

function buildAutomaton(globs: readonly Glob[], ignoreCase: boolean): Automaton {
  const { classes, classCount } = classesOf(globs, ignoreCase);
  const states =
    1 + globs.reduce((n, { pieces }) => n + pieces.reduce((m, p) => m + p.length, 0), 0);
  const next = new Int32Array(states * classCount).fill(-1);
  const own: Piece[][] = [[]];
  globs.forEach(({ pieces, isAnchoredAtStart, isAnchoredAtEnd }, glob) => {
    pieces.forEach((bytes, place) => {
      let state = 0;
      for (const byte of bytes) {
        const edge = state * classCount + classes[byte];
        if (next[edge] < 0) next[edge] = own.push([]) - 1;
        state = next[edge];
      }
      const isLast = place === pieces.length - 1;
      own[state].push({
        glob,
        place,
        length: bytes.length,
        isLast,
        isAnchoredAtStart,
        isAnchoredAtEnd,
      });
    });
  });
  const { outputs, order } = addFailureEdges(next, classCount, own);
  return { ...renumber(next, { classCount, outputs, order }), classes, classCount };
}

/**
 * Numbers states by their distance from the root: those that ordinary texts reach lie together and
 * stay in the processor's cache. Times classes, so that the inner loop has only an addition left.
 */
function renumber(
  next: Int32Array,
  {
    classCount,
    outputs,
    order,
  }: { classCount: number; outputs: readonly Piece[][]; order: readonly number[] },
): Pick<Automaton, "next" | "outputs"> {
  const rank = new Int32Array(order.length);
  order.forEach((state, i) => {
    rank[state] = i;
  });
  const renumbered = new Int32Array(order.length * classCount);
  order.forEach((state, i) => {
    for (let byteClass = 0; byteClass < classCount; byteClass++) {
      const to = next[state * classCount + byteClass];
      const flag = outputs[to].length > 0 ? HAS_OUTPUT : 0;
      renumbered[i * classCount + byteClass] = rank[to] * classCount + flag;
    }
  });
  return { next: renumbered, outputs: order.map((state) => outputs[state]) };
}

/** Breadth first: a missing edge goes where the longest proper suffix goes. */
function addFailureEdges(
  next: Int32Array,
  classCount: number,
  own: readonly Piece[][],
): { outputs: Piece[][]; order: number[] } {
  const failure = new Int32Array(own.length);
  const outputs = own.map((pieces) => [...pieces]);
  const queue = [0];
  for (const state of queue) {
    for (let byteClass = 0; byteClass < classCount; byteClass++) {
      const edge = state * classCount + byteClass;
      const fallback = state === 0 ? 0 : next[failure[state] * classCount + byteClass];
      if (next[edge] < 0) {
        next[edge] = fallback;
        continue;
      }
      const child = next[edge];
      failure[child] = fallback;
      outputs[child].push(...outputs[fallback]);
      queue.push(child);
    }
  }
  return { outputs, order: queue };
}

/** Bytes that no glob holds share class 0; a letter shares a class with its other case. */
function classesOf(
  globs: readonly Glob[],
  ignoreCase: boolean,
): { classes: Uint8Array; classCount: number } {
  const classes = new Uint8Array(256);
  let classCount = 1;
  for (const byte of globs.flatMap(({ pieces }) => pieces.flatMap((piece) => [...piece]))) {
    if (classes[byte] !== 0) continue;
    classes[byte] = classCount;
    if (ignoreCase && byte >= 97 && byte <= 122) classes[byte - 32] = classCount;
    classCount++;
  }
  return { classes, classCount };
}

const TRIPLE_BITS = 19;

/** Above all states: half of what a 32-bit number without a sign bit holds. */
const HAS_OUTPUT = 1 << 30;

/** Three bytes, whatever their case, mixed into `TRIPLE_BITS` bits. */
function tripleOf(first: number, second: number, third: number): number {
  const bytes = ((first | 32) << 16) | ((second | 32) << 8) | third | 32;
  return Math.imul(bytes, 0x9e3779b1) >>> (32 - TRIPLE_BITS);
}

/** Of each glob the triple that ordinary texts hold least often; undefined when a glob has none. */
function rareTriples(globs: readonly Glob[]): Uint8Array | undefined {
  const triples = new Uint8Array(1 << (TRIPLE_BITS - 3));
  for (const { pieces } of globs) {
    const all = pieces.flatMap((piece) =>
      [...piece.subarray(2)].map((third, i) => [piece[i], piece[i + 1], third] as const),
    );
    if (all.length === 0) return undefined;
    const rarest = all.reduce((a, b) => (commonness(b) < commonness(a) ? b : a));
    const triple = tripleOf(...rarest);
    triples[triple >> 3] |= 1 << (triple & 7);
  }
  return globs.length === 0 ? undefined : triples;
}

/** Letters by how often they stand in English text; slashes are common in URLs, other signs rare. */
const LETTERS = "zqxjkvbpygfwmucldrhsnioate";
/** What ordinary URLs are full of, as a place to look for triples that are not rare at all. */
const COMMON_WORDS =
  "/blog/catalog/category/product/article/search/shop/news/help/docs/about/contact/index.html/pages/" +
  "images/media/assets/static/api/v1/v2/v3/users/account/orders/cart/checkout/profile/settings/posts";

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

const asciiLower = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
