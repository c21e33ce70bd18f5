import { createHash } from "node:crypto";
import type { ClientDirectory } from "../parsing/client-directory";
import type { Rule } from "../rules/rule";
import type { Counter } from "./counter";

/** What a counter carries from one batch to the next, as plain JSON. */
export interface CounterState {
  readonly version: 1;
  /** Times are kept as milliseconds behind this one. */
  readonly base: number;
  readonly clients: readonly string[];
  readonly rules: readonly SavedRule[];
}

interface SavedRule {
  readonly name: string;
  /** Counts of a rule that has changed since are worth nothing. */
  readonly fingerprint: string;
  /** Place in `clients` (-1: counted for all), two words of key, when raised (-1: never), then the events. */
  readonly keys: readonly (readonly number[])[];
}

/** Lambda carries 1 MB of state in a window; beyond that the window ends early and the state is lost. */
export const MAX_STATE_BYTES = 900_000;

const EVENT_NUMBERS = 4;

interface Candidate {
  readonly rule: number;
  readonly client: number;
  readonly numbers: readonly number[];
  readonly share: number;
  readonly lastTime: number;
}

/**
 * Takes a counter's windows as JSON of at most `maxBytes`. What has no room is forgotten, keys that
 * are furthest below their line first, and among equals those that were quiet for longest.
 */
export function saveCounter(
  counter: Counter,
  directory: ClientDirectory,
  maxBytes = MAX_STATE_BYTES,
): { state: CounterState; forgotten: number } {
  const base = firstTime(counter);
  const candidates = candidatesOf(counter, base).sort(
    (a, b) => b.share - a.share || b.lastTime - a.lastTime,
  );
  const names = directory.names();
  const places = new Map<number, number>([[0, -1]]);
  const clients: string[] = [];
  const rules = counter.rules.map(({ rule }) => ({
    name: rule.name,
    fingerprint: fingerprintOf(rule),
    keys: [] as number[][],
  }));
  let left = maxBytes - Buffer.byteLength(JSON.stringify({ version: 1, base, clients, rules }));
  let forgotten = 0;
  for (const { rule, client, numbers } of candidates) {
    const name = names.get(client);
    const isNew = !places.has(client);
    const key = [places.get(client) ?? clients.length, ...numbers];
    const cost = JSON.stringify(key).length + 1 + (isNew ? (name ?? "").length + 3 : 0);
    if (cost > left || (isNew && name === undefined)) {
      forgotten++;
      continue;
    }
    left -= cost;
    if (isNew && name !== undefined) places.set(client, clients.push(name) - 1);
    rules[rule].keys.push(key);
  }
  return { state: { version: 1, base, clients, rules }, forgotten };
}

/** Fills a fresh counter of the same rules with what another one saved. */
export function restoreCounter(
  counter: Counter,
  directory: ClientDirectory,
  state: CounterState,
): void {
  const ids = state.clients.map((name) => directory.idOf(name));
  for (const saved of state.rules) {
    const counting = counter.rules.find(({ rule }) => rule.name === saved.name);
    if (counting === undefined || fingerprintOf(counting.rule) !== saved.fingerprint) continue;
    const { windows } = counting;
    for (const [place, high, low, raisedAt, ...events] of saved.keys) {
      windows.key.set([place < 0 ? 0 : ids[place], high, low]);
      windows.restore({
        raisedAt: raisedAt < 0 ? -1 : state.base + raisedAt,
        events: events.map((n, i) => (i % EVENT_NUMBERS === 0 ? state.base + n : n)),
      });
    }
  }
}

function candidatesOf(counter: Counter, base: number): Candidate[] {
  const candidates: Candidate[] = [];
  counter.rules.forEach(({ windows }, rule) => {
    for (const { key, share, lastTime, saved } of windows.saved()) {
      const raisedAt = saved.raisedAt < 0 ? -1 : saved.raisedAt - base;
      const events = saved.events.map((n, i) => (i % EVENT_NUMBERS === 0 ? n - base : n));
      candidates.push({
        rule,
        client: key[0],
        numbers: [key[1], key[2], raisedAt, ...events],
        share,
        lastTime,
      });
    }
  });
  return candidates;
}

/** The time of the oldest event, so that no kept time is negative. */
function firstTime(counter: Counter): number {
  let first = Infinity;
  for (const { windows } of counter.rules) {
    for (const { saved } of windows.saved()) {
      first = Math.min(first, saved.events[0], saved.raisedAt < 0 ? Infinity : saved.raisedAt);
    }
  }
  return first === Infinity ? 0 : first;
}

function fingerprintOf(rule: Rule): string {
  return createHash("sha256").update(JSON.stringify(rule)).digest("hex").slice(0, 16);
}
