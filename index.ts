import { readConfig } from "./infra/config";
import { IntrusionPrevention } from "./infra/intrusion-prevention";
import { WebTier } from "./infra/web-tier";

const settings = readConfig();

const edge =
  settings.intrusionPrevention && new IntrusionPrevention("edge", settings.intrusionPrevention);
const web =
  edge && settings.hasWebTier
    ? new WebTier("web", {
        deliveryStreamArn: edge.deliveryStreamArn,
        agents: edge.agents,
        ...(edge.webAclArn && { webAclArn: edge.webAclArn }),
      })
    : undefined;

/** What to look at and to paste, or that this stack does without it. */
export const intrusionPrevention = edge ? edge.outputs : "off";
/** The demonstration's address. */
export const webTier = web ? web.url : "off";
