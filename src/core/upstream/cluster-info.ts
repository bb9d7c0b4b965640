import type { Address } from '../../contract/address.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { ConnectionStats } from '../../contract/network.ts';
import type { ResourcePriority } from '../../contract/route.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import type { Scope, StatsBlock } from '../../contract/stats.ts';
import type { UpstreamTransportSocketFactory } from '../../contract/transport-socket.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import type { Http1CodecStats } from '../../codec/http1/stats.ts';
import type { Http2CodecStats } from '../../codec/http2/index.ts';
import { bindHttp2Stats } from '../http/http2-stats.ts';
import { BoundClusterStats, CIRCUIT_BREAKER_SCHEMA, CLUSTER_SCHEMA, REMAINING_SCHEMA } from './cluster-stats.ts';
import type { UpstreamHttpOptions } from './http-protocol-options.ts';
import type { Thresholds } from './resource-manager.ts';
import { CELLS_PER_PRIORITY, CircuitBreakers } from './resource-manager.ts';

/** What a Cluster message says, every default resolved. */
export interface ClusterSettings {
  readonly name: string;
  readonly observabilityName: string;
  readonly connectTimeout: number;
  readonly perConnectionBufferLimit: number;
  readonly http: UpstreamHttpOptions;
  /** Index = priority. */
  readonly thresholds: readonly Thresholds[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly addedViaApi: boolean;
  readonly preconnectRatio: number;
  readonly predictivePreconnectRatio: number;
  readonly keepAliveSeconds: number;
  /** Addresses to connect from; the first of the peer's family is used. */
  readonly sources: readonly Address[];
  /** Null = plain sockets. */
  readonly transportSocket: UpstreamTransportSocketFactory | null;
}

/** Streams that wait and run, and how many more the connections (under way, too) can take. */
export interface ClusterConnectivity {
  pendingStreams: number;
  activeStreams: number;
  capacity: number;
}

const PRIORITY_NAMES = ['default', 'high'];
/** Begins the names of the cells of a cluster's circuit breakers. */
export const BREAKER_CELLS = 'cluster.';
const NEVER = { numerator: 0, denominator: 100 };

/** Scope of a cluster's statistics below the root. */
export function clusterScopeName(observabilityName: string): string {
  return `cluster.${observabilityName.replaceAll(':', '_')}`;
}

/**
 * A cluster's facts on one thread. Statistics handles, circuit breakers and shared cells come into being with the first request: a
 * configuration of many thousand clusters uses few of them.
 */
export class ClusterInfoImpl implements ClusterInfo {
  readonly name: string;
  readonly observabilityName: string;
  readonly connectTimeout: number;
  readonly perConnectionBufferLimit: number;
  readonly http: UpstreamHttpOptions;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly addedViaApi: boolean;
  readonly preconnectRatio: number;
  readonly predictivePreconnectRatio: number;
  readonly keepAliveSeconds: number;
  /** Null = plain sockets. */
  readonly transportSocket: UpstreamTransportSocketFactory | null;
  readonly thresholds: readonly Thresholds[];
  /** Of this thread's pools, all together. */
  readonly connectivity: ClusterConnectivity;
  readonly scope: Scope;
  readonly block: StatsBlock;
  private readonly sources: readonly Address[];
  private readonly context: FactoryContext;
  private readonly breakerBlocks: readonly StatsBlock[];
  private readonly remainingBlocks: readonly (StatsBlock | null)[];
  private boundStats: BoundClusterStats | null;
  private boundConnectionStats: ConnectionStats | null;
  private boundHttp1Stats: Http1CodecStats | null;
  private boundHttp2Stats: Http2CodecStats | null;
  private breakers: (CircuitBreakers | null)[];
  private cells: readonly SharedCell[] | null;

  constructor(settings: ClusterSettings, context: FactoryContext) {
    this.name = settings.name;
    this.observabilityName = settings.observabilityName;
    this.connectTimeout = settings.connectTimeout;
    this.perConnectionBufferLimit = settings.perConnectionBufferLimit;
    this.http = settings.http;
    this.metadata = settings.metadata;
    this.addedViaApi = settings.addedViaApi;
    this.preconnectRatio = settings.preconnectRatio;
    this.predictivePreconnectRatio = settings.predictivePreconnectRatio;
    this.connectivity = { pendingStreams: 0, activeStreams: 0, capacity: 0 };
    this.keepAliveSeconds = settings.keepAliveSeconds;
    this.transportSocket = settings.transportSocket;
    this.thresholds = settings.thresholds;
    this.sources = settings.sources;
    this.context = context;
    this.scope = context.rootScope.scope(clusterScopeName(settings.observabilityName));
    this.block = this.scope.block(CLUSTER_SCHEMA);
    const breakerScopes = PRIORITY_NAMES.map((name) => this.scope.scope(`circuit_breakers.${name}`));
    this.breakerBlocks = breakerScopes.map((scope) => scope.block(CIRCUIT_BREAKER_SCHEMA));
    this.remainingBlocks = breakerScopes.map((scope, i) => (settings.thresholds[i].trackRemaining ? scope.block(REMAINING_SCHEMA) : null));
    this.boundStats = null;
    this.boundConnectionStats = null;
    this.boundHttp1Stats = null;
    this.boundHttp2Stats = null;
    this.breakers = [null, null];
    this.cells = null;
  }

  get stats(): BoundClusterStats {
    return (this.boundStats ??= new BoundClusterStats(this.scope, this.block));
  }

  /** Byte counters of every upstream connection. */
  get connectionStats(): ConnectionStats {
    const { stats } = this;
    return (this.boundConnectionStats ??= {
      readTotal: stats.upstreamCxRxBytesTotal,
      readCurrent: stats.upstreamCxRxBytesBuffered,
      writeTotal: stats.upstreamCxTxBytesTotal,
      writeCurrent: stats.upstreamCxTxBytesBuffered,
      bindErrors: stats.bindErrors,
      delayedCloseTimeouts: null,
    });
  }

  /** `cluster.<name>.http1.` */
  get http1Stats(): Http1CodecStats {
    return (this.boundHttp1Stats ??= {
      droppedHeadersWithUnderscores: this.scope.counter('http1.dropped_headers_with_underscores'),
      metadataNotSupportedError: this.scope.counter('http1.metadata_not_supported_error'),
      requestsRejectedWithUnderscoresInHeaders: this.scope.counter('http1.requests_rejected_with_underscores_in_headers'),
      responseFlood: this.scope.counter('http1.response_flood'),
    });
  }

  /** `cluster.<name>.http2.` */
  get http2Stats(): Http2CodecStats {
    return (this.boundHttp2Stats ??= bindHttp2Stats(this.scope));
  }

  get idleTimeout(): number {
    return this.http.idleTimeout;
  }

  get maxConnectionDuration(): number {
    return this.http.maxConnectionDuration;
  }

  get maxRequestsPerConnection(): number {
    return this.http.maxRequestsPerConnection;
  }

  get maxStreamDuration(): number {
    return this.http.maxStreamDuration;
  }

  get maxResponseHeadersBytes(): number {
    return this.http.maxResponseHeadersBytes;
  }

  get maxResponseHeadersCount(): number {
    return this.http.maxHeadersCount;
  }

  get httpOptions(): UpstreamHttpOptions {
    return this.http;
  }

  /** Runtime `upstream.maintenance_mode.<name>`, a percentage of the requests. */
  get maintenanceMode(): boolean {
    const snapshot = this.context.runtime.snapshot();
    return snapshot.featureEnabled(`upstream.maintenance_mode.${this.name}`, NEVER, this.context.dispatcher.random.uint32());
  }

  /** Grows when the health of one of the hosts changes, on any thread. */
  get healthVersion(): SharedCell {
    return this.bindCells()[2 * CELLS_PER_PRIORITY];
  }

  resourceManager(priority: ResourcePriority): CircuitBreakers {
    return (this.breakers[priority] ??= this.bindBreakers(priority));
  }

  /** Where connections to `remote` are made from, or null for the system's choice. */
  sourceAddressFor(remote: Address): Address | null {
    for (const source of this.sources) if (source.family === remote.family && remote.kind === 'ip') return source;
    return null;
  }

  /** Frees the statistics when the cluster is removed. */
  dispose(): void {
    this.scope.dispose();
  }

  private bindBreakers(priority: ResourcePriority): CircuitBreakers {
    const from = priority * CELLS_PER_PRIORITY;
    return new CircuitBreakers({
      thresholds: this.thresholds[priority],
      runtime: this.context.runtime,
      runtimePrefix: `circuit_breakers.${this.name}.${PRIORITY_NAMES[priority]}.`,
      cells: this.bindCells().slice(from, from + CELLS_PER_PRIORITY),
      gauges: this.breakerBlocks[priority],
      remaining: this.remainingBlocks[priority],
    });
  }

  /** Main thread, once: the remaining_* gauges start at their maxima. */
  showRemaining(): void {
    this.remainingBlocks.forEach((block, i) => {
      if (block === null) return;
      const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = this.thresholds[i];
      block.gauge('remaining_cx').add(maxConnections);
      block.gauge('remaining_pending').add(maxPendingRequests);
      block.gauge('remaining_rq').add(maxRequests);
      block.gauge('remaining_retries').add(maxRetries);
      block.gauge('remaining_cx_pools').add(UNLIMITED_POOLS);
    });
  }

  private bindCells(): readonly SharedCell[] {
    return (this.cells ??= this.context.sharedCells.block(`${BREAKER_CELLS}${this.name}`, 2 * CELLS_PER_PRIORITY + 1));
  }
}

/** UINT64_MAX as a double: what Envoy shows for no limit on pools. */
const UNLIMITED_POOLS = 2 ** 64;
