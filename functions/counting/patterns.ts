import {
  buildAutomaton,
  HAS_OUTPUT,
  splitGlob,
  type Automaton,
  type Glob,
  type Piece,
} from "./automaton";
import { Endings, isEnding } from "./endings";
import { codeOf, rareTriples, tripleWith } from "./rare-triples";

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
  private readonly endings: Endings;
  private readonly automaton: Automaton;
  /** Groups that match whatever the text is, and those that match when it is empty. */
  private readonly always: number;
  private readonly whenEmpty: number;
  /** Pieces seen of each glob, and where the last one ended; valid for the run in `runs`. */
  private readonly seen: Int32Array;
  private readonly seenEnd: Int32Array;
  private readonly runs: Float64Array;
  private run = 0;
  /** A bit for each triple of bytes of which every matching text holds one, if there are such. */
  private readonly triples: Int32Array | undefined;
  /** Every glob begins with text; whether one of them has found its first piece in this run. */
  private readonly isAnchored: boolean;
  private hasBegun = false;

  /** Each group is a list of globs, any of which may match; `ignoreCase` speaks of ASCII letters. */
  constructor(groups: readonly (readonly string[])[], ignoreCase: boolean) {
    const fold = (text: string): string => (ignoreCase ? asciiLower(text) : text);
    this.always = maskOf(groups, (glob) => /^\*+$/.test(glob));
    this.whenEmpty = maskOf(groups, (glob) => glob.replaceAll("*", "") === "");
    const all = groups.flatMap((globs, group) =>
      globs
        .filter((glob) => glob.replaceAll("*", "") !== "")
        .map((glob) => splitGlob(fold(glob), group)),
    );
    this.globs = all.filter((glob) => !isEnding(glob));
    this.endings = new Endings(all.filter(isEnding), ignoreCase);
    this.isAnchored = this.globs.every((glob) => glob.isAnchoredAtStart);
    // Globs that begin with text are done with most texts after a byte or two as it is.
    this.triples = this.isAnchored ? undefined : rareTriples(this.globs);
    this.automaton = buildAutomaton(this.globs, ignoreCase);
    this.seen = new Int32Array(this.globs.length);
    this.seenEnd = new Int32Array(this.globs.length);
    this.runs = new Float64Array(this.globs.length).fill(-1);
  }

  /** The groups of which a glob matches the whole of `[start, end)`: bit `i` for group `i`. */
  match(buf: Buffer, start: number, end: number): number {
    if (start === end) return this.always | this.whenEmpty;
    const ended = this.always | this.endings.match(buf, start, end);
    if (!this.mayMatch(buf, start, end)) return ended;
    const { isAnchored } = this;
    const { next, classes, classCount } = this.automaton;
    this.run++;
    this.hasBegun = false;
    let mask = ended;
    let state = 0;
    for (let i = start; i < end; i++) {
      state = next[state + classes[buf[i]]];
      if (state < HAS_OUTPUT) {
        // Back at the root with nothing begun: no glob that is tied to the start can match any more.
        if (state === 0 && isAnchored && mask === ended && !this.hasBegun) return mask;
        continue;
      }
      state -= HAS_OUTPUT;
      mask |= this.advance(state / classCount, i + 1 - start, end - start);
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
    if (triples === undefined) return this.globs.length > 0;
    let triple = tripleWith(codeOf(buf[start]), buf[start + 1]);
    for (let i = start + 2; i < end; i++) {
      triple = tripleWith(triple, buf[i]);
      if (((triples[triple >> 5] >> triple) & 1) !== 0) return true;
    }
    return false;
  }

  /** Notes the pieces that end at `at`; returns the groups whose globs they complete. */
  private advance(state: number, at: number, length: number): number {
    let mask = 0;
    for (const piece of this.automaton.outputs[state]) {
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

const asciiLower = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
