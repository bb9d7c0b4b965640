/** Nested messages under names without underscores. */
export type { Bootstrap_StaticResources as StaticResources } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
