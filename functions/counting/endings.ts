import { classesOf, type Glob } from "./automaton";

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
  private readonly groups: readonly number[];

  constructor(globs: readonly Glob[], ignoreCase: boolean) {
    const { classes, classCount } = classesOf(globs, ignoreCase);
    const edges: number[][] = [[]];
    const groups = [0];
    for (const { pieces, group } of globs) {
      let state = 0;
      for (const byte of Buffer.from(pieces[0]).reverse()) {
        const known = edges[state][classes[byte]];
        if (known === undefined) {
          edges[state][classes[byte]] = groups.push(0) - 1;
          edges.push([]);
        }
        state = edges[state][classes[byte]];
      }
      groups[state] |= 1 << group;
    }
    this.next = new Int32Array(edges.length * classCount).fill(NOWHERE);
    edges.forEach((to, from) => {
      to.forEach((state, byteClass) => {
        this.next[from * classCount + byteClass] = state * classCount;
      });
    });
    this.classes = classes;
    this.classCount = classCount;
    this.groups = groups;
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
