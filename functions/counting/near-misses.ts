const KEPT = 20;

/** A key that came close to its line and did not cross it. */
export interface NearMiss {
  readonly key: Readonly<Record<string, string>>;
  /** The highest total that it reached. */
  readonly total: number;
}

/** Remembers the clients that came closest to a line, each with the key that did. */
export class NearMisses {
  /** A total that is not above this changes nothing. */
  least: number;
  private readonly byClient = new Map<string, NearMiss & { bound: number }>();

  constructor(least: number) {
    this.least = least;
  }

  /** Whether a total of at most `bound` could be news about the client. */
  isNews(client: string, bound: number): boolean {
    const before = this.byClient.get(client);
    return before === undefined || before.bound < bound;
  }

  /** `bound` is what `isNews` was asked about, `total` what it came down to. */
  note(client: string, { total, bound, key }: NearMiss & { bound: number }): void {
    const before = this.byClient.get(client);
    const isHigher = before === undefined || before.total < total;
    this.byClient.set(client, isHigher ? { key, total, bound } : { ...before, bound });
    if (this.byClient.size <= KEPT * 4) return;
    const entries = [...this.byClient].sort(([, a], [, b]) => b.total - a.total);
    for (const [name] of entries.slice(KEPT)) this.byClient.delete(name);
    this.least = entries[KEPT - 1][1].total;
  }

  /** The closest first. */
  closest(): NearMiss[] {
    return [...this.byClient.values()]
      .sort((a, b) => b.total - a.total)
      .map(({ key, total }) => ({ key, total }));
  }
}
