import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { Disposable } from '../base/disposable.ts';
import type { ConfigError } from '../contract/errors.ts';
import type { FactoryContext } from '../contract/extension.ts';
import type { ClusterView } from './admin/context.ts';
import type { ClusterManager, ThreadLocalCluster } from '../contract/upstream.ts';

/** The clusters of one thread. */
export interface ClusterSet extends Disposable {
  readonly manager: ClusterManager;
  /** All clusters with their hosts, by name: `/clusters`. */
  views(): readonly ClusterView[];
}

export const NO_CLUSTERS: ClusterManager = { getThreadLocalCluster: () => null, clusterNames: [] };

/** Until the cluster manager stands: no cluster is ever found. */
export function createClusterSet(
  _bootstrap: Bootstrap,
  _clusters: readonly Cluster[],
  _context: FactoryContext,
  _onError: (error: ConfigError) => void,
): ClusterSet {
  const manager: ClusterManager = { getThreadLocalCluster: (): ThreadLocalCluster | null => null, clusterNames: [] };
  return { manager, views: () => [], dispose: () => {} };
}
