import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import { HOST_FAILED_ACTIVE_HC, HOST_FAILED_EDS_HEALTH, HOST_PENDING_ACTIVE_HC, HOST_PENDING_DYNAMIC_REMOVAL } from '../../contract/upstream.ts';
import { ipAddress } from '../network/address.ts';
import type { ClusterEntry } from '../upstream/cluster-entry.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import type { HostFacts, HostFailure, HostUpdate } from '../upstream/host-update.ts';
import { LocalSharedCells } from '../shared-cells/shared-cells.ts';
import { CombinedHealthStats, combineFlags } from './combined-flags.ts';
import type { HealthCheckConfig } from './health-check-config.ts';
import { HealthChecker } from './health-checker.ts';
import { HealthEventLog } from './health-events.ts';
import { clearFlag, hasFlag, setFlag } from './health-flags.ts';
import { FAILURE_PASSIVE } from './health-session.ts';
import type { HealthSession } from './health-session.ts';

const MERGE_MS = 50;
const SMALL_CLUSTER = 100;

export interface ClusterHealthListener {
  /** The health of some host has changed, and with it the host sets. */
  onChanged(): void;
  /** A host has become unhealthy. */
  onFailed(host: UpstreamHost): void;
  /** A host that was only kept because it was healthy has failed: it can go. */
  onRemovable(): void;
}

/**
 * Active health checking of one cluster, on the main thread. Verdicts are flags in the hosts' shared cells; a grown `healthVersion` tells
 * the workers to sort their hosts anew.
 */
export class ClusterHealth {
  readonly cluster: ClusterEntry;
  private readonly checkers: readonly HealthChecker[];
  private readonly dispatcher: Dispatcher;
  /** Null = there is one check, whose word is the host's flags. */
  private readonly combined: CombinedHealthStats | null;
  private readonly listener: ClusterHealthListener;
  /** Hosts whose first check is waited for; null before and after. */
  private waiting: Set<UpstreamHost> | null;
  private onceChecked: (() => void) | null;
  private started: boolean;
  /** Changes of a large cluster are told at most every MERGE_MS: every telling sorts all of its hosts, on all threads. */
  private readonly publishTimer: Timer;
  private publishedAt: number;

  constructor(cluster: ClusterEntry, configs: readonly HealthCheckConfig[], context: FactoryContext, listener: ClusterHealthListener) {
    this.cluster = cluster;
    this.dispatcher = context.dispatcher;
    this.listener = listener;
    this.waiting = null;
    this.onceChecked = null;
    this.started = false;
    this.publishTimer = context.dispatcher.createTimer(() => this.publish());
    this.publishedAt = -Infinity;
    this.combined = configs.length > 1 ? new CombinedHealthStats(cluster.info.scope) : null;
    this.checkers = configs.map((config) => this.createChecker(config, context));
  }

  private createChecker(config: HealthCheckConfig, context: FactoryContext): HealthChecker {
    const { dispatcher } = context;
    const paths = config.eventLogPaths;
    return new HealthChecker({
      config,
      dispatcher,
      cluster: this.cluster.info,
      runtime: context.runtime,
      logger: context.loggers.get('hc'),
      events: paths.length === 0 ? null : new HealthEventLog(paths, config.check.kind, context.accessLogFiles, dispatcher),
      flagsOf: this.combined === null ? (host) => host.healthFlags : ownFlags,
      onChecked: (host, changed) => this.onChecked(host, changed),
    });
  }

  /** Begins to check the hosts that the cluster has. */
  start(): void {
    this.started = true;
    for (const checker of this.checkers) checker.setHosts(this.cluster.hosts);
  }

  stop(): void {
    this.started = false;
    this.publishTimer.disable();
    this.waiting = null;
    this.onceChecked = null;
    for (const checker of this.checkers) checker.stop();
  }

  /** Calls `done` once every present host has been checked once; at once when there is nothing to check. */
  whenChecked(done: () => void): void {
    this.waiting = new Set(this.cluster.hosts.filter((host) => this.awaitsFirstCheck(host)));
    this.onceChecked = done;
    this.settle();
  }

  /** The cluster's hosts have changed; `before` = those that it had. */
  onMembers(before: ReadonlySet<UpstreamHost>): void {
    const present = new Set(this.cluster.hosts);
    for (const host of present) if (!before.has(host)) host.resetFlags();
    if (this.started) for (const checker of this.checkers) checker.setHosts(this.cluster.hosts);
    for (const host of this.waiting ?? []) if (!present.has(host)) this.waiting?.delete(host);
    this.publish();
    this.settle();
  }

  /** What `found` becomes while hosts that it does not have any more are healthy: they stay until they fail (Envoy's rule). */
  keepHealthy(found: HostUpdate, latest: HostUpdate | undefined): HostUpdate {
    if (latest === undefined || this.cluster.ignoreHealthOnRemoval) return found;
    const hosts = new Map(this.cluster.hosts.map((host) => [`${host.priority}|${host.address.text}`, host]));
    const priorities: HostFacts[][] = found.priorities.map((each) => [...each]);
    const keys = new Set(found.priorities.flatMap((each, priority) => each.map((facts) => keyOf(priority, facts))));
    for (const key of keys) {
      const host = hosts.get(key);
      if (host !== undefined) clearFlag(host.healthFlags, HOST_PENDING_DYNAMIC_REMOVAL);
    }
    latest.priorities.forEach((each, priority) => {
      for (const facts of each) {
        const key = keyOf(priority, facts);
        const host = hosts.get(key);
        if (keys.has(key) || host === undefined || host.healthCheckDisabled) continue;
        if (hasFlag(host.healthFlags, HOST_FAILED_ACTIVE_HC) || hasFlag(host.healthFlags, HOST_FAILED_EDS_HEALTH)) continue;
        setFlag(host.healthFlags, HOST_PENDING_DYNAMIC_REMOVAL);
        while (priorities.length <= priority) priorities.push([]);
        priorities[priority].push(facts);
      }
    });
    return { cluster: found.cluster, priorities };
  }

  /** A response of a host said that it is unhealthy. */
  setUnhealthy(failure: HostFailure): void {
    const host = this.cluster.hosts.find((each) => each.priority === failure.priority && each.address.text === failure.address);
    if (host !== undefined) for (const session of this.sessionsOf(host)) session.setUnhealthy(FAILURE_PASSIVE, false);
  }

  /** Runs `task` soon on this thread. */
  post(task: () => void): void {
    this.dispatcher.post(task);
  }

  private sessionsOf(host: UpstreamHost): readonly HealthSession[] {
    return this.checkers.map((checker) => checker.sessionOf(host)).filter((session) => session !== null);
  }

  private awaitsFirstCheck(host: UpstreamHost): boolean {
    return this.sessionsOf(host).some((session) => session.firstCheck);
  }

  /** `transition`: the host sets must be sorted anew, as far as one check can say. */
  private onChecked(host: UpstreamHost, transition: boolean): void {
    const changed = this.combined === null ? transition : combineFlags(host, this.sessionsOf(host));
    if (!this.awaitsFirstCheck(host)) this.waiting?.delete(host);
    if (changed) this.publishChange();
    this.settle();
    if (!changed || !hasFlag(host.healthFlags, HOST_FAILED_ACTIVE_HC)) return;
    this.listener.onFailed(host);
    if (hasFlag(host.healthFlags, HOST_PENDING_DYNAMIC_REMOVAL)) this.listener.onRemovable();
  }

  /** A check has changed a host. While the first checks are waited for, their end tells of all of them at once, as in Envoy. */
  private publishChange(): void {
    if (this.onceChecked !== null || this.publishTimer.enabled) return;
    const early = this.publishedAt + MERGE_MS - this.dispatcher.now();
    if (early <= 0 || this.cluster.hosts.length <= SMALL_CLUSTER) this.publish();
    else this.publishTimer.enable(early);
  }

  private publish(): void {
    this.publishTimer.disable();
    this.publishedAt = this.dispatcher.now();
    this.cluster.info.healthVersion.add(1);
    this.cluster.prioritySet.resort();
    this.combined?.update(this.cluster.hosts);
    this.listener.onChanged();
  }

  private settle(): void {
    if (this.waiting === null || this.waiting.size > 0) return;
    const done = this.onceChecked;
    this.waiting = null;
    this.onceChecked = null;
    if (done === null) return;
    // Flags that changed without a transition count from now on, as in Envoy.
    this.publish();
    done();
  }
}

/** One of several checks begins with what the host begins with. */
function ownFlags(host: UpstreamHost): SharedCell {
  const flags = new LocalSharedCells().cell('flags');
  flags.store(host.healthFlags.load() & (HOST_FAILED_ACTIVE_HC | HOST_PENDING_ACTIVE_HC));
  return flags;
}

/** As the cluster names the address of these facts. */
function keyOf(priority: number, facts: HostFacts): string {
  return `${priority}|${ipAddress(facts.ip, facts.port).text}`;
}
