import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { BindConfig } from '#api/envoy/config/core/v3/address_pb.js';
import { ConfigError } from '../../contract/errors.ts';
import type { Gauge } from '../../contract/stats.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { PRIORITY_DEFAULT, PRIORITY_HIGH } from '../../contract/route.ts';
import type { ClusterManager } from '../../contract/upstream.ts';
import { ClusterHealth } from '../health/cluster-health.ts';
import { defineStatsSchema } from '../stats/store.ts';
import { ClusterEntry, failureOf } from './cluster-entry.ts';
import { BREAKER_CELLS } from './cluster-info.ts';
import type { DnsLookup } from './dns-lookup.ts';
import { SystemDnsLookup } from './dns-lookup.ts';
import { UpstreamHost } from './host.ts';
import type { HostFailure, HostUpdate } from './host-update.ts';
import { StrictDnsResolver } from './strict-dns.ts';

const MANAGER_SCHEMA = defineStatsSchema({
  id: 'cluster_manager',
  counters: [
    'cluster_added', 'cluster_modified', 'cluster_removed', 'cluster_updated', 'cluster_updated_via_merge', 'update_merge_cancelled',
    'update_out_of_merge_window',
  ],
  gauges: ['active_clusters', 'warming_clusters'],
  histograms: [],
});

export interface ClusterManagerOptions {
  /** `main` finds endpoints and keeps membership statistics; `worker` is told by it. An inline worker shares main's manager. */
  readonly role: 'main' | 'worker';
  /** `cluster_manager.upstream_bind_config` of the bootstrap. */
  readonly bindConfig?: BindConfig | undefined;
  /** Main: passes what it found on to the workers. */
  readonly onHostUpdate?: ((update: HostUpdate) => void) | undefined;
  /** Main: an active check has found a host unhealthy; for the workers. Worker: a response said so; for main. */
  readonly onHostFailure?: ((failure: HostFailure) => void) | undefined;
  readonly dnsLookup?: DnsLookup;
}

/**
 * The clusters of one thread. `context.clusterManager` of the context given to `addCluster` is not used, so that a manager can be made
 * before the context that holds it.
 */
export class ClusterManagerImpl implements ClusterManager {
  private readonly options: ClusterManagerOptions;
  private readonly entries: Map<string, ClusterEntry>;
  private readonly resolvers: Map<string, StrictDnsResolver>;
  private readonly latest: Map<string, HostUpdate>;
  /** As discovery says, without hosts that only stay because they are healthy. */
  private readonly found: Map<string, HostUpdate>;
  /** Main: clusters whose hosts are checked. */
  private readonly health: Map<string, ClusterHealth>;
  private lookup: DnsLookup | null;
  private readonly removalListeners: ((name: string) => void)[];
  private uninitialized: number;
  private onReady: (() => void) | null;
  private started: boolean;

  constructor(options: ClusterManagerOptions) {
    this.options = options;
    this.entries = new Map();
    this.resolvers = new Map();
    this.latest = new Map();
    this.found = new Map();
    this.health = new Map();
    this.lookup = options.dnsLookup ?? null;
    this.removalListeners = [];
    this.uninitialized = 0;
    this.onReady = null;
    this.started = false;
  }

  getThreadLocalCluster(name: string): ClusterEntry | null {
    return this.entries.get(name) ?? null;
  }

  get clusterNames(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** All clusters, for admin. */
  get clusters(): Iterable<ClusterEntry> {
    return this.entries.values();
  }

  /** Builds and takes in a cluster. Throws ConfigError with a path below the cluster; then nothing has changed. */
  addCluster(message: Cluster, context: FactoryContext, addedViaApi = false): ClusterEntry {
    if (this.entries.has(message.name)) throw new ConfigError(`cluster manager: duplicate cluster '${message.name}'`, { path: 'name' });
    const entry = new ClusterEntry(message, context, {
      bindConfig: this.options.bindConfig, addedViaApi, onHostUnhealthy: (failure) => this.onHostUnhealthy(failure),
    });
    this.entries.set(message.name, entry);
    inflated(context).add(1);
    if (this.options.role === 'main') {
      const block = context.rootScope.scope('cluster_manager').block(MANAGER_SCHEMA);
      block.counter('cluster_added').inc();
      block.gauge('active_clusters').add(1);
      // Shown as used from the start, as in Envoy; nothing warms without xDS.
      block.gauge('warming_clusters').set(0);
      entry.info.block.gauge('warming_state').set(0);
      entry.info.showRemaining();
      if (!context.validationOnly) this.prepareHealth(entry, context);
      if (entry.dns === null) this.showMembership(entry, true, entry.hosts.length);
      else if (!context.validationOnly) this.prepareDns(entry, context);
    }
    return entry;
  }

  /** Main, when a removed cluster's `done` was called on every thread: gives back the cells of its circuit breakers and hosts. */
  freeSharedCells(name: string, context: FactoryContext): void {
    context.sharedCells.free(`${BREAKER_CELLS}${name}`);
    context.sharedCells.freePrefix(UpstreamHost.cellPrefix(name));
  }

  /** Main, when a worker has died and what it held was taken back: `names` of the blocks of cells that changed. */
  refreshCircuitBreakers(names: readonly string[]): void {
    for (const name of names) {
      const entry = name.startsWith(BREAKER_CELLS) ? this.entries.get(name.slice(BREAKER_CELLS.length)) : undefined;
      entry?.info.resourceManager(PRIORITY_DEFAULT).refresh();
      entry?.info.resourceManager(PRIORITY_HIGH).refresh();
    }
  }

  /** Takes a cluster out; its running streams finish, then `done` is called. See freeSharedCells. */
  removeCluster(name: string, context: FactoryContext, done: () => void = () => {}): boolean {
    const entry = this.entries.get(name);
    if (entry === undefined) return false;
    this.entries.delete(name);
    this.latest.delete(name);
    this.found.delete(name);
    this.resolvers.get(name)?.stop();
    this.resolvers.delete(name);
    this.health.get(name)?.stop();
    this.health.delete(name);
    if (this.options.role === 'main') {
      const block = context.rootScope.scope('cluster_manager').block(MANAGER_SCHEMA);
      block.counter('cluster_removed').inc();
      block.gauge('active_clusters').sub(1);
    }
    inflated(context).sub(1);
    for (const listener of this.removalListeners) listener(name);
    entry.remove(done);
    return true;
  }

  onClusterRemoved(listener: (name: string) => void): void {
    this.removalListeners.push(listener);
  }

  /** Main: begins to resolve names; `ready` is called once when every cluster that is waited for has had its first answer. */
  start(ready: () => void): void {
    this.onReady = ready;
    this.started = true;
    for (const resolver of this.resolvers.values()) resolver.start();
    for (const health of this.health.values()) this.startHealth(health);
    this.checkReady();
  }

  /** Worker: a host has failed its check. */
  applyHostFailure(failure: HostFailure): void {
    this.entries.get(failure.cluster)?.onHostFailure(failure);
  }

  /** Main: a response of a host said that it is unhealthy, on whatever thread. */
  setHostUnhealthy(failure: HostFailure): void {
    this.health.get(failure.cluster)?.setUnhealthy(failure);
  }

  /** Worker: what main found. Unknown clusters (removed meanwhile) are passed over. */
  applyHostUpdate(update: HostUpdate): void {
    this.entries.get(update.cluster)?.updateHosts(update);
  }

  /** Main: the newest endpoints of every cluster that needs telling, for a worker that starts later. */
  get hostUpdates(): readonly HostUpdate[] {
    return [...this.latest.values()];
  }

  /** Stops resolving and closes all upstream connections. */
  shutdown(): void {
    for (const resolver of this.resolvers.values()) resolver.stop();
    for (const health of this.health.values()) health.stop();
    for (const entry of this.entries.values()) entry.closeConnections();
  }

  private prepareDns(entry: ClusterEntry, context: FactoryContext): void {
    if (entry.dns === null) return;
    this.lookup ??= new SystemDnsLookup();
    const waited = entry.waitForWarmOnInit;
    if (waited) this.uninitialized++;
    const resolver = new StrictDnsResolver({
      cluster: entry.info.name,
      settings: entry.dns,
      assignment: entry.assignment,
      dispatcher: context.dispatcher,
      lookup: this.lookup,
      logger: context.loggers.get('upstream'),
      stats: entry.info.block,
      onHosts: (update) => this.onHosts(entry, update),
      onInitialized: () => {
        const done = (): void => {
          if (waited) this.uninitialized--;
          this.checkReady();
        };
        const health = this.health.get(entry.info.name);
        if (health === undefined) done();
        else health.whenChecked(done);
      },
    });
    this.resolvers.set(entry.info.name, resolver);
    if (this.started) resolver.start();
  }

  /** Not within the call: a filter is in the middle of a response. */
  private onHostUnhealthy(failure: HostFailure): void {
    if (this.options.role === 'worker') this.options.onHostFailure?.(failure);
    else this.health.get(failure.cluster)?.post(() => this.setHostUnhealthy(failure));
  }

  /** A cluster with checks is waited for until each of its hosts has been checked once. */
  private prepareHealth(entry: ClusterEntry, context: FactoryContext): void {
    if (entry.healthChecks.length === 0) return;
    const health = new ClusterHealth(entry, entry.healthChecks, context, {
      onChanged: () => this.showMembership(entry, false, 0),
      onFailed: (host) => {
        const failure = failureOf(host);
        entry.onHostFailure(failure);
        this.options.onHostFailure?.(failure);
      },
      onRemovable: () => {
        const latest = this.found.get(entry.info.name);
        if (latest !== undefined) this.onHosts(entry, latest);
      },
    });
    this.health.set(entry.info.name, health);
    if (entry.dns === null && entry.waitForWarmOnInit) this.uninitialized++;
    if (this.started) this.startHealth(health);
  }

  private startHealth(health: ClusterHealth): void {
    health.start();
    if (health.cluster.dns !== null) return;
    health.whenChecked(() => {
      if (health.cluster.waitForWarmOnInit) this.uninitialized--;
      this.checkReady();
    });
  }

  /** `found` is what discovery says; hosts that are still healthy stay for now. */
  private onHosts(entry: ClusterEntry, found: HostUpdate): void {
    const before = new Set(entry.hosts);
    const health = this.health.get(entry.info.name);
    const update = health?.keepHealthy(found, this.latest.get(found.cluster)) ?? found;
    this.found.set(found.cluster, found);
    entry.updateHosts(update);
    health?.onMembers(before);
    const made = entry.hosts.filter((host) => !before.has(host)).length;
    const changed = made > 0 || entry.hosts.length !== before.size;
    this.latest.set(update.cluster, update);
    this.showMembership(entry, changed, made);
    this.options.onHostUpdate?.(update);
  }

  private checkReady(): void {
    if (this.uninitialized > 0 || this.onReady === null) return;
    const ready = this.onReady;
    this.onReady = null;
    ready();
  }

  /** Gauges with one writer: the main thread. `made` = hosts that are new. */
  private showMembership(entry: ClusterEntry, changed: boolean, made: number): void {
    const { block } = entry.info;
    if (changed) block.counter('membership_change').inc();
    let healthy = 0;
    let degraded = 0;
    let excluded = 0;
    for (const set of entry.prioritySet.sets) {
      healthy += set.healthy.length;
      degraded += set.degraded.length;
      excluded += set.excludedCount;
    }
    block.gauge('membership_total').set(entry.hosts.length);
    block.gauge('membership_healthy').set(healthy);
    block.gauge('membership_degraded').set(degraded);
    block.gauge('membership_excluded').set(excluded);
    // As in Envoy: transport sockets are matched when a host is made, and only clusters that are updated show their heaviest host.
    block.counter('default.total_match_count').add(made);
    if (entry.dns !== null) block.gauge('max_host_weight').set(entry.hosts.reduce((max, host) => Math.max(max, host.weight), 1));
  }
}

/** `thread_local_cluster_manager.<thread>.clusters_inflated`: clusters that this thread has built. */
function inflated(context: FactoryContext): Gauge {
  return context.rootScope.scope(`thread_local_cluster_manager.${context.dispatcher.name}`).gauge('clusters_inflated');
}
