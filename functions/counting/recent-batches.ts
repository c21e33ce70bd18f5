/** Ids kept at most: at a hundred records a second, those of the last half minute. */
const KEPT = 3000;

/**
 * The ids of the packed records that were counted last, so that a record which is delivered twice
 * counts once. Oldest ids are forgotten first.
 */
export class RecentBatches {
  private readonly ids: Set<string>;

  constructor(ids: readonly string[] = []) {
    this.ids = new Set(ids.slice(-KEPT));
  }

  /** Notes an id; false when it has been noted before. */
  add(id: string): boolean {
    if (this.ids.has(id)) return false;
    this.ids.add(id);
    if (this.ids.size > KEPT) {
      const [oldest] = this.ids;
      this.ids.delete(oldest);
    }
    return true;
  }

  /** For the next `RecentBatches`, oldest first. */
  saved(): string[] {
    return [...this.ids];
  }
}
