const KEPT = 50;

/**
 * The most frequent of many texts in bounded memory: a text that finds no room takes over the
 * place, and the count, of the least frequent one.
 *
 * @see https://doi.org/10.1007/978-3-540-30570-5_27 (Metwally et al., space saving)
 */
export class TopList {
  private readonly counts: Map<string, number>;

  /** @param entries what `all` of another list gave. */
  constructor(entries: readonly (readonly [string, number])[] = []) {
    this.counts = new Map(entries);
  }

  add(text: string): void {
    const before = this.counts.get(text);
    if (before !== undefined || this.counts.size < KEPT) {
      this.counts.set(text, (before ?? 0) + 1);
      return;
    }
    const [least, count] = [...this.counts].reduce((a, b) => (b[1] < a[1] ? b : a));
    this.counts.delete(least);
    this.counts.set(text, count + 1);
  }

  /** Everything, for another list to go on with. */
  all(): readonly (readonly [string, number])[] {
    return [...this.counts];
  }

  /** The `n` most frequent, most frequent first. */
  top(n: number): readonly (readonly [string, number])[] {
    return [...this.counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, n);
  }
}
