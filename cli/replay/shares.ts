const SEED = 0x811c9dc5;

/** Which of `of` workers judges a client, by its text as counted. */
export function shareOf(counted: string, of: number): number {
  let hash = SEED;
  for (let i = 0; i < counted.length; i++) hash = mix(hash, counted.charCodeAt(i));
  return toShare(hash, of);
}

/** The same for a client of which the text stands at `[start, end)`. */
export function shareAt(view: DataView, start: number, end: number, of: number): number {
  let hash = SEED;
  for (let i = start; i < end; i++) hash = mix(hash, view.getUint8(i));
  return toShare(hash, of);
}

const mix = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);

const toShare = (hash: number, of: number): number => ((hash ^ (hash >>> 16)) >>> 0) % of;
