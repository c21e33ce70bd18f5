import type { KinesisStreamEvent } from "aws-lambda";
import { DecisionView } from "../acting/decision-view";
import { Decider, DEFAULT_MAX_BLOCKS_PER_MINUTE, type DecideSettings } from "../acting/decide";
import { isInForce, type Decision } from "../acting/decision";
import { toMassBlockNotice } from "../acting/digest";
import { reconcile } from "../acting/reconcile";
import type { Finding } from "../counting/finding";
import { readMessage } from "../counting/finding-message";
import { sendDigest } from "./digest";
import { enforcePorts, type EnforcePorts, type EnforceSettings } from "./enforce";

export interface ActSettings extends EnforceSettings, Omit<DecideSettings, "allow"> {}

const MINUTE = 60_000;
/** Sets that are not up to date by then are brought there within the minute by the expire callback. */
const RECONCILE_MS = 20_000;

/** Decides on the findings of a batch, writes the decisions down, and puts them in force. */
export function actOnFindings(settings: ActSettings, ports: EnforcePorts) {
  const view = new DecisionView((now) => ports.ledger.inForce(now));
  return async (event: KinesisStreamEvent): Promise<void> => {
    const now = ports.now();
    const messages = event.Records.map(({ kinesis }) =>
      readMessage(Buffer.from(kinesis.data, "base64").toString()),
    );
    const findings = messages
      .filter((finding) => finding !== undefined)
      .sort((a, b) => a.at - b.at);
    const { decisions, folded, spared, massBlocks } = await decide(findings, settings, ports);
    // A decision that is met again may be of a call that broke off before the sets were written.
    const news = [...decisions, ...folded].filter((one) => isInForce(one, now) && view.add(one));
    const reconciled =
      news.length === 0
        ? undefined
        : await reconcile(
            { ...ports, decisions: (isAfterConflict) => view.read(ports.now(), isAfterConflict) },
            { allow: settings.allow, deadline: now + RECONCILE_MS },
          );
    const oldest = Math.min(...decisions.map(({ foundAt }) => foundAt));
    ports.report(
      {
        FindingsSpared: spared,
        Blocks: decisions.filter(({ action }) => action === "block").length,
        MassBlocks: massBlocks.length,
        IpSetFailures: reconciled?.failed ?? 0,
        ...(decisions.length > 0 ? { DecisionDelayMs: ports.now() - oldest } : {}),
      },
      {
        unreadable: messages.length - findings.length,
        reconciled,
        decisions: decisions.map(({ client, action, rule }) => ({ client, action, rule })),
      },
    );
    const limit = settings.maxBlocksPerMinute ?? DEFAULT_MAX_BLOCKS_PER_MINUTE;
    for (const minute of massBlocks)
      await ports.notify(toMassBlockNotice(settings.component, minute, limit));
    if (decisions.length > 0)
      await sendDigest(settings.component, await view.read(ports.now(), false), ports);
  };
}

interface Decided {
  /** New ones, and those in force already that findings fell under. */
  readonly decisions: readonly Decision[];
  readonly folded: readonly Decision[];
  readonly spared: number;
  readonly massBlocks: readonly number[];
}

/** Decides from what the ledger knows, and writes the decisions into it. */
async function decide(
  findings: readonly Finding[],
  settings: ActSettings,
  { ledger, now }: EnforcePorts,
): Promise<Decided> {
  if (findings.length === 0) return { decisions: [], folded: [], spared: 0, massBlocks: [] };
  const decider = new Decider(settings);
  const minute = Math.floor(now() / MINUTE) * MINUTE;
  decider.recallMinute(minute, await ledger.blocksIn(minute));
  const past = await Promise.all(decider.clientsOf(findings).map(ledger.newest));
  for (const decision of past) if (decision !== undefined) decider.recall(decision);
  const outcomes = findings.map((finding) => decider.decide(finding, now()));
  const decisions = outcomes.flatMap((outcome) =>
    outcome.kind === "decided" ? [outcome.decision] : [],
  );
  await Promise.all(decisions.map(ledger.put));
  const last = decider.lastMinute();
  if (decisions.length > 0) await ledger.putBlocksIn(last.minute, last.blocks);
  const spared = outcomes.filter(({ kind }) => kind === "spared").length;
  const folded = outcomes.flatMap((outcome) =>
    outcome.kind === "folded" ? [outcome.decision] : [],
  );
  return { decisions, folded, spared, massBlocks: decider.massBlocks };
}

/** What the Lambda loads. */
export const handler = (settings: ActSettings): ReturnType<typeof actOnFindings> =>
  actOnFindings(settings, enforcePorts(settings));
