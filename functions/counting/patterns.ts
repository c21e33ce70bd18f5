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
  private readonly globs: readonly Glob[];
  /** Next state by state and class of byte. */
  private readonly next: Int32Array;
  private readonly classes: Uint8Array;
  private readonly classCount: number;
  /** Pieces that end in a state, its own and those of its suffixes. */
  private readonly outputs: readonly (readonly Piece[])[];
  private readonly hasOutput: Uint8Array;
  private readonly matchesAnything: boolean;
  private readonly matchesEmpty: boolean;
  /** Pieces seen of each glob, and where the last one ended; valid for the run in `runs`. */
  private readonly seen: Int32Array;
  private readonly seenEnd: Int32Array;
  private readonly runs: Float64Array;
  private run = 0;

  /** `ignoreCase` speaks of ASCII letters. */
  constructor(globs: readonly string[], ignoreCase: boolean) {
    const fold = (text: string): string => (ignoreCase ? asciiLower(text) : text);
    this.matchesEmpty = globs.some((glob) => glob.replaceAll("*", "") === "");
    this.matchesAnything = globs.some((glob) => /^\*+$/.test(glob));
    this.globs = globs.filter((glob) => glob.replaceAll("*", "") !== "").map((g) => splitGlob(fold(g)));
    const automaton = buildAutomaton(this.globs, ignoreCase);
    this.next = automaton.next;
    this.classes = automaton.classes;
    this.classCount = automaton.classCount;
    this.outputs = automaton.outputs;
    this.hasOutput = Uint8Array.from(automaton.outputs, (pieces) => (pieces.length > 0 ? 1 : 0));
    this.seen = new Int32Array(this.globs.length);
    this.seenEnd = new Int32Array(this.globs.length);
    this.runs = new Float64Array(this.globs.length).fill(-1);
  }

  /** Whether any of the globs matches the whole of `[start, end)`. */
  matches(buf: Buffer, start: number, end: number): boolean {
    if (this.matchesAnything || (start === end && this.matchesEmpty)) return true;
    const { next, classes, classCount, hasOutput } = this;
    this.run++;
    let state = 0;
    for (let i = start; i < end; i++) {
      state = next[state * classCount + classes[buf[i]]];
      if (hasOutput[state] === 1 && this.advance(state, i + 1 - start, end - start)) return true;
    }
    return false;
  }

  /** Notes the pieces that end at `at`; true when one of them completes its glob. */
  private advance(state: number, at: number, length: number): boolean {
    for (const piece of this.outputs[state]) {
      const { glob } = piece;
      const isFresh = this.runs[glob] !== this.run;
      const seen = isFresh ? 0 : this.seen[glob];
      if (seen !== piece.place || !this.fits(piece, at, length)) continue;
      if (piece.isLast) return true;
      this.runs[glob] = this.run;
      this.seen[glob] = seen + 1;
      this.seenEnd[glob] = at;
    }
    return false;
  }

  private fits(piece: Piece, at: number, length: number): boolean {
    const start = at - piece.length;
    if (piece.place === 0 && piece.isAnchoredAtStart && start !== 0) return false;
    if (piece.place > 0 && start < this.seenEnd[piece.glob]) return false;
    return !(piece.isLast && piece.isAnchoredAtEnd && at !== length);
  }
}

interface Glob {
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

function splitGlob(glob: string): Glob {
  return {
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
  const states = 1 + globs.reduce((n, { pieces }) => n + pieces.reduce((m, p) => m + p.length, 0), 0);
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
      own[state].push({ glob, place, length: bytes.length, isLast, isAnchoredAtStart, isAnchoredAtEnd });
    });
  });
  return { next, classes, classCount, outputs: addFailureEdges(next, classCount, own) };
}

/** Breadth first: a missing edge goes where the longest proper suffix goes. */
function addFailureEdges(next: Int32Array, classCount: number, own: readonly Piece[][]): Piece[][] {
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
  return outputs;
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

const asciiLower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
