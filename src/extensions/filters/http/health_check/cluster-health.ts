import type { ClusterManager, Host, ThreadLocalCluster } from '../../../../contract/upstream.ts';
import {
  HOST_EDS_STATUS_DRAINING, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL,
  HOST_FAILED_ACTIVE_HC, HOST_FAILED_EDS_HEALTH, HOST_FAILED_OUTLIER_CHECK,
} from '../../../../contract/upstream.ts';
import type { HealthCheckConfig } from './config.ts';

/** A degraded host still counts. */
const UNAVAILABLE = HOST_FAILED_ACTIVE_HC | HOST_FAILED_OUTLIER_CHECK | HOST_FAILED_EDS_HEALTH | HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL |
  HOST_EDS_STATUS_DRAINING;

/** Verdicts on the clusters, as response code details. */
export const CLUSTERS_HEALTHY = 'health_check_ok_cluster_healthy';
export const CLUSTERS_UNHEALTHY = 'health_check_failed_cluster_unhealthy';
export const CLUSTER_EMPTY = 'health_check_failed_cluster_empty';
export const CLUSTER_NOT_FOUND = 'health_check_failed_no_cluster_found';

/** Checks every cluster against its least percentage of hosts that are healthy or degraded; the first that fails decides. */
export function judgeClusters(wanted: NonNullable<HealthCheckConfig['minHealthy']>, clusters: ClusterManager): string {
  for (const { cluster: name, percent } of wanted) {
    const cluster = clusters.getThreadLocalCluster(name);
    if (cluster === null) return CLUSTER_NOT_FOUND;
    const total = cluster.hosts.length;
    if (total === 0) {
      if (percent === 0) continue;
      return CLUSTER_EMPTY;
    }
    if (100 * available(cluster) < total * percent) return CLUSTERS_UNHEALTHY;
  }
  return CLUSTERS_HEALTHY;
}

function available(cluster: ThreadLocalCluster): number {
  let count = 0;
  for (const host of cluster.hosts) if (isAvailable(host)) count++;
  return count;
}

function isAvailable(host: Host): boolean {
  return (host.healthFlags.load() & UNAVAILABLE) === 0;
}
