import { readConfig } from "./infra/config";
import { IntrusionPrevention } from "./infra/intrusion-prevention";
import { S3AnomalyDetection } from "./infra/s3-anomaly-detection";
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

const audit =
  settings.s3AnomalyDetection && new S3AnomalyDetection("audit", settings.s3AnomalyDetection);

/** What to look at and to paste, or that this stack does without. */
export const intrusionPrevention = edge ? edge.outputs : "off";
export const s3AnomalyDetection = audit ? audit.outputs : "off";
/** The demonstration's address. */
export const webTier = web ? web.url : "off";
