import type { Glob } from "./automaton";
import { classesOf, Trie } from "./trie";

const NOWHERE = -1;

/** Whether a glob says no more than what a text ends with: `*.css`. */
export const isEnding = ({ pieces, isAnchoredAtStart, isAnchoredAtEnd }: Glob): boolean =>
  pieces.length === 1 && !isAnchoredAtStart && isAnchoredAtEnd;

/** Globs of the form `*text`, read from the end of a value: a few bytes say that none of them fits. */
export class Endings {
  /** Next state by state and class of byte; states are numbered in steps of `classCount`. */
  private readonly next: Int32Array;
  private readonly classes: Uint8Array;
  private readonly classCount: number;
  /** The groups whose globs end in a state. */
  private readonly groups: Int32Array;

  constructor(globs: readonly Glob[], ignoreCase: boolean) {
    const texts = globs.map(({ pieces }) => Buffer.from(pieces[0]).reverse());
    const { classes, classCount } = classesOf(texts, ignoreCase);
    const trie = new Trie(classes);
    const ends = texts.map((text) => trie.add(text));
    this.groups = new Int32Array(trie.via.length);
    globs.forEach(({ group }, i) => {
      this.groups[ends[i]] |= 1 << group;
    });
    this.next = new Int32Array(trie.via.length * classCount).fill(NOWHERE);
    trie.children.forEach((children, node) => {
      for (const child of children)
        this.next[node * classCount + trie.via[child]] = child * classCount;
    });
    this.classes = classes;
    this.classCount = classCount;
  }

  /** The groups of which a glob matches the whole of `[start, end)`: bit `i` for group `i`. */
  match(buf: Buffer, start: number, end: number): number {
    const { next, classes } = this;
    let mask = 0;
    let state = 0;
    for (let i = end - 1; i >= start; i--) {
      state = next[state + classes[buf[i]]];
      if (state < 0) return mask;
      mask |= this.groups[state / this.classCount];
    }
    return mask;
  }
}
