import { CATALOGUE } from "./catalogue";
import { EVENTS } from "./events";
import { FIREWALL } from "./firewall";
import { FUNCTIONS } from "./functions";
import { IDENTITY } from "./identity";
import { MESSAGES } from "./messages";
import { STORAGE } from "./storage";
import { STREAMS } from "./streams";
import { TABLES } from "./tables";
import { WATCHING } from "./watching";
import { WEB_TIER } from "./web-tier";
import type { ResourceType } from "./resource-type";

/** Every type of resource that the program uses. */
export const TYPES: Readonly<Record<string, ResourceType | undefined>> = {
  ...STORAGE,
  ...STREAMS,
  ...FUNCTIONS,
  ...IDENTITY,
  ...TABLES,
  ...MESSAGES,
  ...FIREWALL,
  ...WATCHING,
  ...CATALOGUE,
  ...EVENTS,
  ...WEB_TIER,
};

/** @throws Error for a type that nobody has written down here. */
export function resourceTypeOf(type: string): ResourceType {
  const found = TYPES[type];
  if (found === undefined) throw new Error(`resource type ${type} is not known here`);
  return found;
}
