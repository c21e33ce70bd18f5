import { isInForce, type Decision } from "./decision";

const MAX_AGE_MS = 60_000;

/**
 * The decisions in force, read from the ledger at most once a minute: one that is made meanwhile is
 * added by whoever made it, for the ledger's index may show it late.
 */
export class DecisionView {
  private readonly load: (now: number) => Promise<readonly Decision[]>;
  private known = new Map<string, Decision>();
  private readAt = -Infinity;

  constructor(load: (now: number) => Promise<readonly Decision[]>) {
    this.load = load;
  }

  /** False when it is known already. */
  add(decision: Decision): boolean {
    const isNews = !this.known.has(keyOf(decision));
    this.known.set(keyOf(decision), decision);
    return isNews;
  }

  /** @param isStale asks for a fresh reading whatever the age. */
  async read(now: number, isStale: boolean): Promise<readonly Decision[]> {
    if (isStale || now - this.readAt > MAX_AGE_MS) {
      const recent = [...this.known.values()].filter(
        ({ decidedAt }) => now - decidedAt <= MAX_AGE_MS,
      );
      const loaded = await this.load(now);
      this.known = new Map([...recent, ...loaded].map((one) => [keyOf(one), one]));
      this.readAt = now;
    }
    return [...this.known.values()].filter((one) => isInForce(one, now));
  }
}

const keyOf = ({ client, from }: Decision): string => `${client} ${from}`;
