import { classesOf, Trie, type ByteClasses } from "./trie";

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

export interface Automaton extends ByteClasses {
  /**
   * Next state by state and class of byte. States are numbered in steps of `classCount`, and those in
   * which a piece ends are given with `HAS_OUTPUT` added.
   */
  readonly next: Int32Array;
  /** Pieces that end in a state, its own and those of its suffixes. */
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

/**
 * One automaton for all pieces of all globs. States are numbered by their distance from the root, for
 * those that ordinary texts reach are to lie together in the processor's cache. Where a state has no
 * edge of its own it goes where its longest proper suffix goes: so each begins as a copy of that one.
 */
export function buildAutomaton(globs: readonly Glob[], ignoreCase: boolean): Automaton {
  const { classes, classCount } = classesOf(
    globs.flatMap(({ pieces }) => pieces),
    ignoreCase,
  );
  const { trie, pieces } = plant(globs, classes);
  const next = new Int32Array(trie.via.length * classCount);
  const nodes = [0];
  const outputs: (readonly Piece[])[] = [NOTHING];
  const suffixes = [0];
  for (let state = 0; state < next.length; state += classCount) {
    const suffix = suffixes[state / classCount];
    next.copyWithin(state, suffix, suffix + classCount);
    for (const node of trie.children[nodes[state / classCount]]) {
      const via = trie.via[node];
      const childSuffix = state === 0 ? 0 : next[suffix + via] & ~HAS_OUTPUT;
      const inherited = outputs[childSuffix / classCount];
      const own = pieces.get(node);
      const output = own === undefined ? inherited : [...own, ...inherited];
      next[state + via] = nodes.length * classCount + (output.length > 0 ? HAS_OUTPUT : 0);
      nodes.push(node);
      suffixes.push(childSuffix);
      outputs.push(output);
    }
  }
  return { next, classes, classCount, outputs };
}

/** All pieces as a trie, and those that end in each node. */
function plant(
  globs: readonly Glob[],
  classes: Uint8Array,
): { trie: Trie; pieces: ReadonlyMap<number, Piece[]> } {
  const trie = new Trie(classes);
  const ending = new Map<number, Piece[]>();
  globs.forEach(({ pieces, isAnchoredAtStart, isAnchoredAtEnd }, glob) => {
    pieces.forEach((bytes, place) => {
      const node = trie.add(bytes);
      const isLast = place === pieces.length - 1;
      const { length } = bytes;
      const piece = { glob, place, length, isLast, isAnchoredAtStart, isAnchoredAtEnd };
      ending.set(node, [...(ending.get(node) ?? NOTHING), piece]);
    });
  });
  return { trie, pieces: ending };
}

const NOTHING: readonly Piece[] = [];
