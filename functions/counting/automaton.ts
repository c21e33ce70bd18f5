/** A glob: literal pieces with any text between them. */
export interface Glob {
  readonly group: number;
  readonly pieces: readonly Buffer[];
  readonly isAnchoredAtStart: boolean;
  readonly isAnchoredAtEnd: boolean;
}

/** Where a piece of a glob ends. */
export interface Piece {
  readonly glob: number;
  readonly place: number;
  readonly length: number;
  readonly isLast: boolean;
  readonly isAnchoredAtStart: boolean;
  readonly isAnchoredAtEnd: boolean;
}

export interface Automaton {
  readonly next: Int32Array;
  readonly classes: Uint8Array;
  readonly classCount: number;
  readonly outputs: readonly (readonly Piece[])[];
}

/** Above all states: half of what a 32-bit number without a sign bit holds. */
export const HAS_OUTPUT = 1 << 30;

export function splitGlob(glob: string, group: number): Glob {
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

/** One automaton for all pieces of all globs. */
export function buildAutomaton(globs: readonly Glob[], ignoreCase: boolean): Automaton {
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
export function classesOf(
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
