import type { Decision } from "../acting/decision";
import { toDigest } from "../acting/digest";
import type { EnforcePorts } from "./enforce";

/** At most one digest in this time: a mail for each block is a mail that nobody reads. */
const DIGEST_MS = 10 * 60_000;

/** Sends what was decided since the last digest, when that is long enough ago. */
export async function sendDigest(
  component: string,
  decisions: readonly Decision[],
  ports: Pick<EnforcePorts, "ledger" | "notify" | "now">,
): Promise<void> {
  const now = ports.now();
  if (decisions.length === 0) return;
  const last = await ports.ledger.lastDigest();
  const fresh = decisions.filter(({ decidedAt }) => decidedAt > last.upTo);
  if (fresh.length === 0 || now - last.sentAt < DIGEST_MS) return;
  // Sent before it is written down: a digest that comes twice is better than one that is lost.
  await ports.notify(toDigest(component, fresh));
  const upTo = fresh.reduce((newest, { decidedAt }) => Math.max(newest, decidedAt), 0);
  await ports.ledger.putDigest({ sentAt: now, upTo });
}
