import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { ApiConfigSource, ConfigSource } from '#api/envoy/config/core/v3/config_source_pb.js';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Rds } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { existsSync } from 'node:fs';
import type { PathStep } from '../message/read-context.ts';
import type { CheckRun, Checks } from './check-run.ts';

const REST = 1;
const AGGREGATED = new Set([5, 6]);

/** A place where a control plane is asked for resources of one type. */
function checkSubscription(source: ConfigSource | undefined, resource: string, path: readonly PathStep[], run: CheckRun): void {
  if (source === undefined) return;
  const node = run.bootstrap.node;
  const id = run.settings.serviceNode || (node?.id ?? '');
  const cluster = run.settings.serviceCluster || (node?.cluster ?? '');
  if (id === '' || cluster === '') {
    const why = `type.googleapis.com/${resource}: node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.`;
    run.problem(path, why, 'add to the top: node: {id: ..., cluster: ...}');
  }
  checkFile(source, path, run);
}

function checkFile(source: ConfigSource, path: readonly PathStep[], run: CheckRun): void {
  const specifier = source.configSourceSpecifier;
  const file = specifier.case === 'pathConfigSource' ? specifier.value.path : specifier.case === 'path' ? specifier.value : undefined;
  if (file === undefined) return;
  const at = specifier.case === 'path' ? [...path, 'path'] : [...path, 'path_config_source', 'path'];
  if (!file.includes('/')) run.problem(at, `invalid file path ${file}`, `write ./${file}`);
  else if (!existsSync(file)) run.problem(at, `paths must refer to an existing path in the system: '${file}' does not exist`);
}

/** A control plane is reached through a cluster that is there from the start and does not come from a control plane itself. */
function checkApiSource(source: ApiConfigSource, run: CheckRun): void {
  const why = (name: string): string =>
    `envoy.config.core.v3.ApiConfigSource must have a statically defined non-EDS cluster: '${name}' does not exist, was added via api, or is an EDS cluster`;
  source.clusterNames.forEach((name, i) => {
    if (!run.primaryClusters.has(name)) run.problem(['cluster_names', i], why(name));
  });
  source.grpcServices.forEach((service, i) => {
    const target = service.targetSpecifier;
    if (target.case !== 'envoyGrpc' || run.primaryClusters.has(target.value.clusterName)) return;
    run.problem(['grpc_services', i, 'envoy_grpc', 'cluster_name'], why(target.value.clusterName));
  });
  if (source.apiType === REST && source.refreshDelay === undefined) {
    run.problem(['refresh_delay'], 'refresh_delay is required for REST API configuration sources');
  }
}

function checkAds(bootstrap: Bootstrap, run: CheckRun): void {
  const ads = bootstrap.dynamicResources?.adsConfig;
  if (ads === undefined || AGGREGATED.has(ads.apiType)) return;
  ads.grpcServices.forEach((service, i) => {
    const target = service.targetSpecifier;
    if (target.case !== 'envoyGrpc' || run.clusters.has(target.value.clusterName)) return;
    run.problem(['dynamic_resources', 'ads_config', 'grpc_services', i, 'envoy_grpc', 'cluster_name'], `Unknown gRPC client cluster '${target.value.clusterName}'`);
  });
}

const EDS = 3;

function checkCluster(cluster: Cluster, run: CheckRun): void {
  const type = cluster.clusterDiscoveryType;
  if (type.case !== 'type' || type.value !== EDS) return;
  checkSubscription(cluster.edsClusterConfig?.edsConfig, 'envoy.config.endpoint.v3.ClusterLoadAssignment', ['eds_cluster_config', 'eds_config'], run);
}

function checkRds(rds: Rds, run: CheckRun): void {
  checkSubscription(rds.configSource, 'envoy.config.route.v3.RouteConfiguration', ['config_source'], run);
}

export const configSourceChecks: Checks = {
  'envoy.config.bootstrap.v3.Bootstrap': (message, run) => checkAds(message as Bootstrap, run),
  'envoy.config.cluster.v3.Cluster': (message, run) => checkCluster(message as Cluster, run),
  'envoy.config.core.v3.ApiConfigSource': (message, run) => {
    // ads_config has words of its own, above.
    if (run.path.at(-1) !== 'ads_config') checkApiSource(message as ApiConfigSource, run);
  },
  'envoy.extensions.filters.network.http_connection_manager.v3.Rds': (message, run) => checkRds(message as Rds, run),
};
