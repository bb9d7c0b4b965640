import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { Logger } from '../../contract/logger.ts';
import type { Runtime } from '../../contract/runtime.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import type { Counter, Gauge, Scope } from '../../contract/stats.ts';
import { defineStatsSchema } from '../stats/store.ts';
import type { ClusterInfoImpl } from '../upstream/cluster-info.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { GrpcHealthSession } from './grpc-session.ts';
import type { HealthCheckConfig } from './health-check-config.ts';
import type { HealthEventLog } from './health-events.ts';
import type { HealthSession, HealthTransition } from './health-session.ts';
import { TRANSITION_CHANGE_PENDING, TRANSITION_CHANGED } from './health-session.ts';
import { HttpHealthSession } from './http-session.ts';
import { TcpHealthSession } from './tcp-session.ts';

const SCHEMA = defineStatsSchema({
  id: 'health_check',
  counters: ['attempt', 'failure', 'network_failure', 'passive_failure', 'success', 'verify_cluster'],
  gauges: ['degraded', 'healthy'],
  histograms: [],
});

/** `cluster.<name>.health_check.`, or `cluster.<name>.health_check.name.<check>.` where the check has a name. */
export class HealthCheckerStats {
  readonly attempt: Counter;
  readonly failure: Counter;
  readonly networkFailure: Counter;
  readonly passiveFailure: Counter;
  readonly success: Counter;
  readonly verifyCluster: Counter;
  readonly degraded: Gauge;
  readonly healthy: Gauge;

  constructor(cluster: Scope, check: string) {
    const block = cluster.scope(check === '' ? 'health_check' : `health_check.name.${check}`).block(SCHEMA);
    this.attempt = block.counter('attempt');
    this.failure = block.counter('failure');
    this.networkFailure = block.counter('network_failure');
    this.passiveFailure = block.counter('passive_failure');
    this.success = block.counter('success');
    this.verifyCluster = block.counter('verify_cluster');
    this.degraded = block.gauge('degraded');
    this.healthy = block.gauge('healthy');
  }
}

const MIN_INTERVAL_KEY = 'health_check.min_interval';
const MAX_INTERVAL_KEY = 'health_check.max_interval';
const TRAFFIC_LOOK_MS = 1_000;

export interface HealthCheckerOptions {
  readonly config: HealthCheckConfig;
  readonly cluster: ClusterInfoImpl;
  readonly dispatcher: Dispatcher;
  readonly runtime: Runtime;
  /** Component `hc`. */
  readonly logger: Logger;
  /** Null = nobody wants events. */
  readonly events: HealthEventLog | null;
  /** Where this check keeps what it thinks of a host: the host's own flags, unless there are other checks. */
  readonly flagsOf: (host: UpstreamHost) => SharedCell;
  /** A check has ended. `changed`: the host sets must be sorted anew. */
  readonly onChecked: (host: UpstreamHost, changed: boolean) => void;
}

/** One health check of a cluster: a session a host, all on the main thread. */
export class HealthChecker {
  readonly config: HealthCheckConfig;
  readonly cluster: ClusterInfoImpl;
  readonly dispatcher: Dispatcher;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly events: HealthEventLog | null;
  readonly stats: HealthCheckerStats;
  readonly flagsOf: (host: UpstreamHost) => SharedCell;
  private readonly report: (host: UpstreamHost, changed: boolean) => void;
  private readonly sessions: Map<UpstreamHost, HealthSession>;
  private trafficSeen: boolean;
  private lookedAt: number;

  constructor(options: HealthCheckerOptions) {
    this.config = options.config;
    this.cluster = options.cluster;
    this.dispatcher = options.dispatcher;
    this.runtime = options.runtime;
    this.logger = options.logger;
    this.events = options.events;
    this.stats = new HealthCheckerStats(options.cluster.scope, options.config.name);
    this.flagsOf = options.flagsOf;
    this.report = options.onChecked;
    this.sessions = new Map();
    this.trafficSeen = false;
    this.lookedAt = -Infinity;
  }

  /** Checks exactly these hosts from now on; those that are new begin at once. */
  setHosts(hosts: readonly UpstreamHost[]): void {
    const wanted = new Set(hosts.filter((host) => !host.healthCheckDisabled));
    for (const [host, session] of this.sessions) {
      if (wanted.has(host)) continue;
      this.sessions.delete(host);
      session.dispose();
    }
    const added: HealthSession[] = [];
    for (const host of wanted) {
      if (this.sessions.has(host)) continue;
      const session = this.createSession(host);
      this.sessions.set(host, session);
      added.push(session);
    }
    for (const session of added) session.start();
  }

  sessionOf(host: UpstreamHost): HealthSession | null {
    return this.sessions.get(host) ?? null;
  }

  stop(): void {
    for (const session of this.sessions.values()) session.dispose();
    this.sessions.clear();
  }

  onChecked(session: HealthSession, transition: HealthTransition): void {
    this.report(session.host, transition === TRANSITION_CHANGED);
  }

  /** Milliseconds to the next check. Clusters without traffic are checked less often. */
  nextInterval(host: UpstreamHost, healthy: boolean, transition: HealthTransition): number {
    const { config } = this;
    const pending = transition === TRANSITION_CHANGE_PENDING;
    let base: number;
    if (!this.hasTraffic(host)) base = healthy && !pending ? config.noTrafficHealthyInterval : config.noTrafficInterval;
    else if (healthy) base = pending ? config.healthyEdgeInterval : config.interval;
    else base = pending ? config.unhealthyEdgeInterval : config.unhealthyInterval;
    return this.withJitter(base, config.intervalJitter);
  }

  withJitter(baseMs: number, jitterMs: number): number {
    const { random } = this.dispatcher;
    let time = baseMs;
    const percent = Math.floor((this.config.intervalJitterPercent * baseMs) / 100);
    if (percent > 0) time += random.uint32() % percent;
    if (jitterMs > 0) time += random.uint32() % jitterMs;
    const snapshot = this.runtime.snapshot();
    const least = snapshot.getInteger(MIN_INTERVAL_KEY, 0);
    const most = snapshot.getInteger(MAX_INTERVAL_KEY, Number.MAX_SAFE_INTEGER);
    return Math.max(1, least, Math.min(time, most));
  }

  /** Whether any thread has ever connected to the cluster for a request. All hosts are looked at once a second; `host` each time. */
  private hasTraffic(host: UpstreamHost): boolean {
    if (host.stats.cxTotal.load() > 0) this.trafficSeen = true;
    const now = this.dispatcher.now();
    if (!this.trafficSeen && now - this.lookedAt >= TRAFFIC_LOOK_MS) {
      this.lookedAt = now;
      this.trafficSeen = this.anyTraffic();
    }
    return this.trafficSeen;
  }

  private anyTraffic(): boolean {
    for (const host of this.sessions.keys()) if (host.stats.cxTotal.load() > 0) return true;
    return false;
  }

  private createSession(host: UpstreamHost): HealthSession {
    const { check } = this.config;
    switch (check.kind) {
      case 'http': return new HttpHealthSession(this, host, check);
      case 'tcp': return new TcpHealthSession(this, host, check);
      case 'grpc': return new GrpcHealthSession(this, host, check);
    }
  }
}
