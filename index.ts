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

/** Where log agents send lines to, and their configuration, ready to paste. */
export const deliveryStreamName = edge?.deliveryStreamName;
export const agents = edge?.agents;
/** What protects the load balancers. */
export const webAclArn = edge?.webAclArn;
/** Where to look: decisions, archive, dashboard. */
export const decisionsTableName = edge?.decisionsTableName;
export const archiveBucketName = edge?.archiveBucketName;
export const databaseName = edge?.databaseName;
export const workgroupName = edge?.workgroupName;
export const dashboardName = edge?.dashboardName;
/** Where notices and alarms go. */
export const topicArn = edge?.topicArn;
/** The demonstration's address. */
export const url = web?.url;
