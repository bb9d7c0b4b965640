import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { BindConfig } from '#api/envoy/config/core/v3/address_pb.js';
import type { ConfigError } from '../contract/errors.ts';
import type { FactoryContext } from '../contract/extension.ts';
import type { ClusterManager } from '../contract/upstream.ts';
import { ClusterManagerImpl } from '../core/upstream/cluster-manager.ts';
import type { HostFailure, HostUpdate } from '../core/upstream/host-update.ts';
import type { ClusterView } from './admin/context.ts';
import { collectErrors } from './dry-run.ts';

export const NO_CLUSTERS: ClusterManager = { getThreadLocalCluster: () => null, clusterNames: [] };

export interface ClusterSetOptions {
  readonly role: 'main' | 'worker';
  /** `cluster_manager.upstream_bind_config` of the bootstrap. */
  readonly bindConfig: BindConfig | undefined;
  /** Main: hears of endpoints that were found, for the workers. */
  readonly onHostUpdate?: (update: HostUpdate) => void;
  /** Main: a host failed its check, for the workers. Worker: a host said that it is unhealthy, for main. */
  readonly onHostFailure?: (failure: HostFailure) => void;
}

/** The clusters of one thread. */
export class ClusterSet {
  readonly manager: ClusterManagerImpl;

  constructor(options: ClusterSetOptions) {
    this.manager = new ClusterManagerImpl(options);
  }

  /** Builds the clusters; those that cannot be built are told to `onError`, with their path in the bootstrap. */
  addAll(clusters: readonly Cluster[], context: FactoryContext, onError: (error: ConfigError) => void): void {
    clusters.forEach((cluster, i) => {
      for (const error of collectErrors(`static_resources.clusters[${i}]`, () => this.manager.addCluster(cluster, context))) onError(error);
    });
  }

  /** Main: finds endpoints by DNS; done when every cluster that is waited for has had its first answer. */
  start(): Promise<void> {
    return new Promise((resolve) => this.manager.start(resolve));
  }

  /** All clusters with their hosts, by name: `/clusters`. */
  views(): readonly ClusterView[] {
    return [...this.manager.clusters].sort((a, b) => (a.info.name < b.info.name ? -1 : 1));
  }

  dispose(): void {
    this.manager.shutdown();
  }
}
