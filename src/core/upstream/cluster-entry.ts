import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import { notYet } from '../../common/not-yet.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { ResourcePriority } from '../../contract/route.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { HttpConnectionPool, LoadBalancer, LoadBalancerContext, TcpConnectionPool, ThreadLocalCluster } from '../../contract/upstream.ts';
import type { HealthCheckConfig } from '../health/health-check-config.ts';
import { readHealthChecks } from '../health/health-checks.ts';
import { ipAddress } from '../network/address.ts';
import type { ClusterDefaults, LbSettings } from './build-cluster.ts';
import { readCluster } from './build-cluster.ts';
import { ClusterInfoImpl } from './cluster-info.ts';
import type { ConnPoolBase } from './conn-pool-base.ts';
import { wantsConnection } from './conn-pool-base.ts';
import { ConnectionPools } from './connection-pools.ts';
import { UpstreamHost } from './host.ts';
import { initialFlags, readHostHealthCheck, UNCHECKED, UNCHECKED_AND_EXCLUDED } from './host-health.ts';
import { usesHttp2 } from './http-protocol-options.ts';
import type { HostFailure, HostUpdate } from './host-update.ts';
import type { Assignment } from './load-assignment.ts';
import { readAssignment } from './load-assignment.ts';
import { PrioritySet } from './priority-set.ts';
import { RoundRobinLoadBalancer } from './round-robin.ts';
import { addStaticHosts } from './static-cluster.ts';
import type { DnsSettings } from './strict-dns.ts';
import { dnsTarget, readDnsSettings } from './strict-dns.ts';

/** Cluster.DiscoveryType */
const TYPE_STATIC = 0;
const TYPE_STRICT_DNS = 1;
/** As in Envoy: the work of one request is bounded. */
const MAX_PRECONNECTS_AT_ONCE = 3;
const TYPE_NAMES = ['STATIC', 'STRICT_DNS', 'LOGICAL_DNS', 'EDS', 'ORIGINAL_DST'];

/** A cluster on one thread: facts, hosts, load balancer, pools. */
export class ClusterEntry implements ThreadLocalCluster {
  readonly info: ClusterInfoImpl;
  readonly prioritySet: PrioritySet;
  readonly assignment: Assignment;
  /** Null for clusters without DNS. */
  readonly dns: DnsSettings | null;
  /** Why the main thread shows it to others: `STATIC`, … */
  readonly type: string;
  readonly waitForWarmOnInit: boolean;
  /** Empty = hosts are not checked. */
  readonly healthChecks: readonly HealthCheckConfig[];
  /** `ignore_health_on_host_removal`: hosts that are found no more go at once, healthy or not. */
  readonly ignoreHealthOnRemoval: boolean;
  /** Flags that a host begins with which no check has seen. */
  private readonly unchecked: number;
  private readonly onUnhealthy: ((host: UpstreamHost) => void) | null;
  /** `close_connections_on_host_health_failure`: plain TCP connections to a host that fails are closed. */
  private readonly closeOnHealthFailure: boolean;
  private readonly context: FactoryContext;
  private readonly lb: LbSettings;
  private balancer: RoundRobinLoadBalancer | null;

  constructor(message: Cluster, context: FactoryContext, defaults: ClusterDefaults) {
    const { settings, lb } = readCluster(message, context, defaults);
    const type = discoveryType(message);
    this.type = TYPE_NAMES[type];
    this.assignment = readAssignment(message.loadAssignment);
    this.dns = type === TYPE_STRICT_DNS ? readDnsSettings(message) : null;
    this.info = new ClusterInfoImpl(settings, context);
    this.prioritySet = new PrioritySet(this.assignment.overprovisioningFactor, this.assignment.weightedPriorityHealth);
    this.waitForWarmOnInit = message.waitForWarmOnInit ?? true;
    this.healthChecks = readHealthChecks(message, this.info.http.choice, context);
    this.ignoreHealthOnRemoval = message.ignoreHealthOnHostRemoval;
    // As in Envoy, only hosts that are found later are left out of the percentages.
    const exclude = type !== TYPE_STATIC && message.commonLbConfig?.ignoreNewHostsUntilFirstHc === true;
    const isChecked = this.healthChecks.length > 0;
    this.unchecked = !isChecked ? 0 : exclude ? UNCHECKED_AND_EXCLUDED : UNCHECKED;
    this.prioritySet.healthIsShared = isChecked;
    this.onUnhealthy = !isChecked ? null : (host) => defaults.onHostUnhealthy?.(failureOf(host));
    this.closeOnHealthFailure = message.closeConnectionsOnHostHealthFailure;
    this.context = context;
    this.lb = lb;
    this.balancer = null;
    if (type === TYPE_STATIC) addStaticHosts(this.assignment, this.info, context.sharedCells, this.prioritySet, this.unchecked, this.onUnhealthy);
    else for (let i = 0; i < this.assignment.endpoints.length; i++) dnsTarget(this.assignment, i);
  }

  get hosts(): readonly UpstreamHost[] {
    return this.prioritySet.hosts;
  }

  get loadBalancer(): LoadBalancer {
    return this.getBalancer();
  }

  httpPool(priority: ResourcePriority, downstreamProtocol: Protocol, context: LoadBalancerContext | null): HttpConnectionPool | null {
    const pools = this.pick(context);
    if (pools === null) return null;
    const http2 = usesHttp2(this.info.http.choice, downstreamProtocol);
    if (this.info.predictivePreconnectRatio > 1) this.preconnect((next) => next.httpPool(priority, http2));
    return pools.httpPool(priority, http2);
  }

  tcpPool(priority: ResourcePriority, context: LoadBalancerContext | null): TcpConnectionPool | null {
    const pools = this.pick(context);
    if (pools !== null && this.info.predictivePreconnectRatio > 1) this.preconnect((next) => next.tcpPool(priority));
    return pools?.tcpPool(priority) ?? null;
  }

  /** Opens connections to the hosts that are next in turn, as far as the streams of the whole cluster (and the one to come) ask for it. */
  private preconnect(poolOf: (pools: ConnectionPools) => ConnPoolBase): void {
    const { connectivity, predictivePreconnectRatio: ratio } = this.info;
    for (let i = 0; i < MAX_PRECONNECTS_AT_ONCE; i++) {
      if (!wantsConnection(connectivity.pendingStreams, connectivity.activeStreams, connectivity.capacity, ratio, 1)) return;
      const host = this.getBalancer().peekAnotherHost();
      if (host === null || !poolOf(this.poolsOf(host)).maybePreconnect(ratio)) return;
    }
  }

  /** Endpoints found by the main thread. Hosts that stay keep their pools; the pools of those that left drain. */
  updateHosts(update: HostUpdate): void {
    const before = new Map(this.prioritySet.hosts.map((host) => [hostKey(host.priority, host.address.text), host]));
    const count = Math.max(update.priorities.length, this.prioritySet.sets.length);
    for (let priority = 0; priority < count; priority++) {
      const facts = update.priorities[priority] ?? [];
      this.prioritySet.update(priority, facts.map((each) => this.hostOf(each.ip, each.port, each.spec, priority, before)));
    }
    for (const host of before.values()) this.retire(host);
  }

  /** An active check says that this host is unhealthy: other connections might do better, so the present ones take no new streams. */
  onHostFailure(failure: HostFailure): void {
    const pools = this.hosts.find((host) => host.priority === failure.priority && host.address.text === failure.address)?.pools ?? null;
    pools?.onHostFailure(this.closeOnHealthFailure);
  }

  /** The cluster is gone: running streams may finish. `done` when nothing is left. */
  remove(done: () => void): void {
    const pools = this.hosts.map((host) => host.pools).filter((each) => each !== null);
    let left = pools.length + 1;
    const one = (): void => {
      if (--left > 0) return;
      this.info.dispose();
      done();
    };
    for (const each of pools) each.drainAndDelete(one);
    one();
  }

  /** Closes every upstream connection. */
  closeConnections(): void {
    for (const host of this.hosts) host.pools?.closeConnections();
  }

  private pick(context: LoadBalancerContext | null): ConnectionPools | null {
    const host = (this.balancer ?? this.getBalancer()).chooseHost(context);
    if (host === null) {
      this.info.stats.upstreamCxNoneHealthy.inc();
      return null;
    }
    return this.poolsOf(host);
  }

  private poolsOf(host: UpstreamHost): ConnectionPools {
    return (host.pools ??= new ConnectionPools(host, this.info, this.context.dispatcher));
  }

  private getBalancer(): RoundRobinLoadBalancer {
    return (this.balancer ??= new RoundRobinLoadBalancer({
      prioritySet: this.prioritySet,
      random: this.context.dispatcher.random,
      runtime: this.context.runtime,
      panicThreshold: this.lb.panicThreshold,
      failTrafficOnPanic: this.lb.failTrafficOnPanic,
      healthVersion: () => this.info.healthVersion,
      healthyPanic: () => this.info.stats.lbHealthyPanic,
    }));
  }

  private hostOf(ip: string, port: number, specIndex: number, priority: number, before: Map<string, UpstreamHost>): UpstreamHost {
    const address = ipAddress(ip, port);
    const key = hostKey(priority, address.text);
    const known = before.get(key);
    if (known !== undefined) {
      before.delete(key);
      return known;
    }
    const spec = this.assignment.endpoints[specIndex];
    const healthCheck = readHostHealthCheck(spec, address);
    return new UpstreamHost(this.info, this.context.sharedCells, {
      address,
      // The name asked for is the host's name unless the endpoint gives one.
      hostname: spec.hostname !== '' ? spec.hostname : dnsTarget(this.assignment, specIndex).name,
      weight: spec.weight,
      priority,
      locality: spec.locality,
      metadata: spec.metadata,
      canary: spec.canary,
      healthFlags: initialFlags(spec, healthCheck, this.unchecked),
      healthCheck,
      onUnhealthy: this.onUnhealthy,
    });
  }

  private retire(host: UpstreamHost): void {
    const { pools } = host;
    host.pools = null;
    pools?.drainAndDelete(() => {});
  }
}

export function failureOf(host: UpstreamHost): HostFailure {
  return { cluster: host.cluster.name, priority: host.priority, address: host.address.text };
}

function hostKey(priority: number, address: string): string {
  return `${priority}|${address}`;
}

function discoveryType(message: Cluster): number {
  const discovery = message.clusterDiscoveryType;
  if (discovery.case === 'clusterType') throw notYet(`cluster_type ${discovery.value.name}`, 'cluster_type');
  const type = discovery.case === 'type' ? Number(discovery.value) : TYPE_STATIC;
  if (type !== TYPE_STATIC && type !== TYPE_STRICT_DNS) throw notYet(`cluster type ${TYPE_NAMES[type] ?? type}`, 'type');
  if (message.name === '') throw new ConfigError('value length must be at least 1 characters', { path: 'name' });
  return type;
}
