import type { StaticResources } from './types.ts';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterLoadAssignment } from '#api/envoy/config/endpoint/v3/endpoint_pb.js';
import type { Endpoint } from '#api/envoy/config/endpoint/v3/endpoint_components_pb.js';
import type { PathStep } from '../message/read-context.ts';
import { hostAddressFault } from './addresses.ts';
import type { Checks, CheckRun } from './check-run.ts';

const STATIC = 0;
const LOGICAL_DNS = 2;
const EDS = 3;
const ORIGINAL_DST = 4;
const CLUSTER_PROVIDED = 6;
const LB_POLICIES = ['ROUND_ROBIN', 'LEAST_REQUEST', 'RING_HASH', 'RANDOM', '', 'MAGLEV', 'CLUSTER_PROVIDED', 'LOAD_BALANCING_POLICY_CONFIG'];

function duplicates(resources: StaticResources, run: CheckRun): void {
  const seen = new Set<string>();
  resources.clusters.forEach((cluster, i) => {
    if (seen.has(cluster.name)) run.problem(['clusters', i, 'name'], `cluster manager: duplicate cluster '${cluster.name}'`);
    seen.add(cluster.name);
  });
}

/** The kind of a cluster, or null when an extension makes it. */
function typeOf(cluster: Cluster): number | null {
  const type = cluster.clusterDiscoveryType;
  if (type.case === undefined) return STATIC;
  return type.case === 'type' ? type.value : null;
}

function checkCluster(cluster: Cluster, run: CheckRun): void {
  const type = typeOf(cluster);
  if (type === EDS && cluster.edsClusterConfig?.edsConfig === undefined) run.problem(['eds_cluster_config'], 'cannot create an EDS cluster without an EDS config');
  if (type !== EDS && type !== null && cluster.edsClusterConfig !== undefined) run.problem(['eds_cluster_config'], 'eds_cluster_config set in a non-EDS cluster');
  if (type === ORIGINAL_DST) originalDestination(cluster, run);
  else if (type !== null && cluster.lbPolicy === CLUSTER_PROVIDED) providedBalancer(cluster, run);
  if (type === LOGICAL_DNS) logicalDns(cluster.loadAssignment, run);
  if (type === STATIC) staticHosts(cluster.loadAssignment, run);
  for (const name of Object.keys(cluster.typedExtensionProtocolOptions)) {
    // The key names what the options are for, and that is always an extension's name.
    if (name.startsWith('envoy.')) continue;
    const why = `Didn't find a registered network or http filter or protocol options implementation for name: '${name}'`;
    run.problem(['typed_extension_protocol_options', name], why, 'for HTTP the key is envoy.extensions.upstreams.http.v3.HttpProtocolOptions');
  }
}

function originalDestination(cluster: Cluster, run: CheckRun): void {
  if (cluster.lbPolicy !== CLUSTER_PROVIDED) {
    const policy = LB_POLICIES[cluster.lbPolicy] ?? String(cluster.lbPolicy);
    const why = `cluster: LB policy ${policy} is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'`;
    run.problem(['lb_policy'], why, 'write lb_policy: CLUSTER_PROVIDED');
  }
  if (cluster.loadAssignment !== undefined) run.problem(['load_assignment'], 'ORIGINAL_DST clusters must have no load assignment configured');
}

function providedBalancer(cluster: Cluster, run: CheckRun): void {
  run.problem(
    ['lb_policy'],
    `cluster manager: cluster provided LB specified but cluster '${cluster.name}' did not provide one. Check cluster documentation.`,
  );
}

function logicalDns(assignment: ClusterLoadAssignment | undefined, run: CheckRun): void {
  const localities = assignment?.endpoints ?? [];
  if (localities.length === 0) run.problem(['load_assignment'], 'LOGICAL_DNS clusters must have a single host');
  else if (localities.length !== 1 || localities[0]?.lbEndpoints.length !== 1) {
    run.problem(['load_assignment', 'endpoints'], 'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint', 'for several names use type: STRICT_DNS');
  }
}

function staticHosts(assignment: ClusterLoadAssignment | undefined, run: CheckRun): void {
  assignment?.endpoints.forEach((locality, i) => {
    locality.lbEndpoints.forEach((host, j) => {
      if (host.hostIdentifier.case !== 'endpoint') return;
      staticHost(host.hostIdentifier.value, ['load_assignment', 'endpoints', i, 'lb_endpoints', j, 'endpoint'], run);
    });
  });
}

function staticHost(endpoint: Endpoint, path: PathStep[], run: CheckRun): void {
  const address = endpoint.address?.address;
  if (address === undefined) run.problem(path, "Address must be set. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'");
  if (address?.case !== 'socketAddress') return;
  const fault = hostAddressFault(address.value);
  if (fault !== null) run.problem([...path, 'address', 'socket_address', 'address'], fault.why, fault.hint);
}

function localCluster(run: CheckRun): void {
  const name = run.bootstrap.clusterManager?.localClusterName ?? '';
  if (name !== '' && !run.clusters.has(name)) run.problem(['cluster_manager', 'local_cluster_name'], `local cluster '${name}' must be defined`);
}

export const clusterChecks: Checks = {
  'envoy.config.bootstrap.v3.Bootstrap': (_, run) => localCluster(run),
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources': (message, run) => duplicates(message as StaticResources, run),
  'envoy.config.cluster.v3.Cluster': (message, run) => checkCluster(message as Cluster, run),
};
