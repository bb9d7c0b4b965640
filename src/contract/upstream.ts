import type { Address } from './address.ts';
import type { Connection, SslConnectionInfo } from './network.ts';
import type { HeaderMap } from './header-map.ts';
import type { RequestEncoder, ResponseDecoder } from './codec.ts';
import type { ResourcePriority } from './route.ts';
import type { Counter, Gauge, Histogram, Scope } from './stats.ts';
import type { SharedCell } from './shared-cells.ts';
import type { Protocol, StreamInfo } from './stream-info.ts';

/** Health flags of a host, a bit mask; 0 = healthy. Kept in a shared cell, so every thread sees a change at once. */
export const HOST_FAILED_ACTIVE_HC = 0x01;
export const HOST_FAILED_OUTLIER_CHECK = 0x02;
export const HOST_FAILED_EDS_HEALTH = 0x04;
export const HOST_DEGRADED_ACTIVE_HC = 0x08;
export const HOST_DEGRADED_EDS_HEALTH = 0x10;
export const HOST_PENDING_DYNAMIC_REMOVAL = 0x20;
export const HOST_PENDING_ACTIVE_HC = 0x40;
export const HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL = 0x80;
export const HOST_ACTIVE_HC_TIMEOUT = 0x100;
export const HOST_EDS_STATUS_DRAINING = 0x200;

/** Per host numbers of `/clusters`; process-wide cells. */
export interface HostStats {
  readonly cxActive: SharedCell;
  readonly cxConnectFail: SharedCell;
  readonly cxTotal: SharedCell;
  readonly rqActive: SharedCell;
  readonly rqError: SharedCell;
  /** Requests that wait for a connection to this host. */
  readonly rqPendingActive: SharedCell;
  readonly rqSuccess: SharedCell;
  readonly rqTimeout: SharedCell;
  readonly rqTotal: SharedCell;
}

/** One endpoint. Immutable but for its cells; the thread's own object for the same address. */
export interface Host {
  readonly address: Address;
  /** All addresses for happy eyeballs; the first is `address`. */
  readonly addresses: readonly Address[];
  readonly hostname: string;
  readonly cluster: ClusterInfo;
  readonly weight: number;
  readonly priority: number;
  readonly locality: Locality;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly healthFlags: SharedCell;
  /** Null or absent = its cluster has no active health checks. */
  readonly healthMonitor?: HostHealthMonitor | null;
  readonly stats: HostStats;
  readonly canary: boolean;
}

/** What the data path may tell active health checking. */
export interface HostHealthMonitor {
  /** A response said `x-envoy-immediate-health-check-fail`: the host is out at once, until a check passes. */
  setUnhealthy(): void;
}

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** One limit of a circuit breaker, counted over all threads. */
export interface Resource {
  readonly max: number;
  /** Whether one more is allowed now. */
  canCreate(): boolean;
  inc(): void;
  dec(): void;
  readonly count: number;
}

/** Circuit breakers of one priority. */
export interface ResourceManager {
  readonly connections: Resource;
  readonly pendingRequests: Resource;
  readonly requests: Resource;
  readonly retries: Resource;
}

/** Counters of `cluster.<name>.`, handles bound once. Add members as features come. */
export interface ClusterStats {
  readonly scope: Scope;
  readonly upstreamCxTotal: Counter;
  readonly upstreamCxHttp1Total: Counter;
  readonly upstreamCxHttp2Total: Counter;
  readonly upstreamCxActive: Gauge;
  readonly upstreamCxConnectFail: Counter;
  readonly upstreamCxConnectTimeout: Counter;
  readonly upstreamCxConnectAttemptsExceeded: Counter;
  readonly upstreamCxIdleTimeout: Counter;
  readonly upstreamCxMaxDurationReached: Counter;
  readonly upstreamCxOverflow: Counter;
  readonly upstreamCxDestroy: Counter;
  readonly upstreamCxDestroyLocal: Counter;
  readonly upstreamCxDestroyRemote: Counter;
  readonly upstreamCxDestroyWithActiveRq: Counter;
  readonly upstreamCxDestroyLocalWithActiveRq: Counter;
  readonly upstreamCxDestroyRemoteWithActiveRq: Counter;
  readonly upstreamCxCloseNotify: Counter;
  readonly upstreamCxRxBytesTotal: Counter;
  readonly upstreamCxRxBytesBuffered: Gauge;
  readonly upstreamCxTxBytesTotal: Counter;
  readonly upstreamCxTxBytesBuffered: Gauge;
  readonly upstreamCxProtocolError: Counter;
  readonly upstreamCxMaxRequests: Counter;
  readonly upstreamCxNoneHealthy: Counter;
  readonly upstreamCxConnectMs: Histogram;
  readonly upstreamCxLengthMs: Histogram;
  readonly upstreamRqTotal: Counter;
  readonly upstreamRqActive: Gauge;
  readonly upstreamRqPendingTotal: Counter;
  readonly upstreamRqPendingOverflow: Counter;
  readonly upstreamRqActiveOverflow: Counter;
  readonly upstreamRqPendingFailureEject: Counter;
  readonly upstreamRqPendingActive: Gauge;
  readonly upstreamRqCancelled: Counter;
  readonly upstreamRqMaintenanceMode: Counter;
  readonly upstreamRqTimeout: Counter;
  readonly upstreamRqMaxDurationReached: Counter;
  readonly upstreamRqPerTryTimeout: Counter;
  readonly upstreamRqPerTryIdleTimeout: Counter;
  readonly upstreamRqRxReset: Counter;
  readonly upstreamRqTxReset: Counter;
  readonly upstreamRqRetry: Counter;
  readonly upstreamRqRetrySuccess: Counter;
  readonly upstreamRqRetryOverflow: Counter;
  readonly upstreamRqRetryLimitExceeded: Counter;
  readonly upstreamRqCompleted: Counter;
  readonly upstreamRqTime: Histogram;
  readonly upstreamFlowControlPausedReadingTotal: Counter;
  readonly upstreamFlowControlResumedReadingTotal: Counter;
  readonly upstreamFlowControlBackedUpTotal: Counter;
  readonly upstreamFlowControlDrainedTotal: Counter;
  readonly bindErrors: Counter;
  /**
   * `upstream_rq_<code>`, `upstream_rq_<n>xx`, `upstream_rq_completed` under the cluster and, where asked, `canary.`, `internal.`,
   * `external.`, `zone.…`, alt stat name. `prefix` is empty for the cluster itself.
   */
  chargeResponse(prefix: string, status: number): void;
  /** `upstream_rq_time` with the same prefixes. */
  chargeResponseTime(prefix: string, milliseconds: number): void;
}

/** Immutable facts of a cluster. */
export interface ClusterInfo {
  readonly name: string;
  /** alt_stat_name or the name: what statistics and `%UPSTREAM_CLUSTER%` show. */
  readonly observabilityName: string;
  readonly stats: ClusterStats;
  readonly connectTimeout: number;
  readonly perConnectionBufferLimit: number;
  readonly idleTimeout: number;
  readonly maxConnectionDuration: number;
  readonly maxRequestsPerConnection: number;
  readonly maxStreamDuration: number;
  readonly maxResponseHeadersBytes: number;
  readonly maxResponseHeadersCount: number;
  /** Codec settings of the upstream (core/upstream/http-protocol-options), opaque here. */
  readonly httpOptions: object;
  resourceManager(priority: ResourcePriority): ResourceManager;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly maintenanceMode: boolean;
  readonly addedViaApi: boolean;
}

/** What a load balancer may look at for one pick. */
export interface LoadBalancerContext {
  hashKey(): bigint | null;
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
  readonly downstreamHeaders: HeaderMap | null;
  readonly downstreamConnection: Connection | null;
  /** How often to ask again when `shouldSelectAnotherHost` says no. */
  readonly hostSelectionRetryCount: number;
  shouldSelectAnotherHost(host: Host): boolean;
}

export interface LoadBalancer {
  /** A host for the next request, or null when there is none that may take it. */
  chooseHost(context: LoadBalancerContext | null): Host | null;
}

export const POOL_FAILURE_OVERFLOW = 0;
export const POOL_FAILURE_LOCAL_CONNECTION = 1;
export const POOL_FAILURE_REMOTE_CONNECTION = 2;
export const POOL_FAILURE_TIMEOUT = 3;
export type PoolFailureReason = 0 | 1 | 2 | 3;

/** What a stream's user may know of the connection that carries it. A Connection is one; a UDP socket has no stream info. */
export interface UpstreamConnectionInfo {
  readonly id: number;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly ssl: SslConnectionInfo | null;
  readonly streamInfo: StreamInfo | null;
}

export interface HttpPoolCallbacks {
  /**
   * A stream is there; called at most once, maybe during newStream itself. `info` is the upstream connection's. PROTOCOL_NONE says that the
   * stream ends a CONNECT here and carries raw TCP or UDP.
   */
  onPoolReady(encoder: RequestEncoder, host: Host, connection: UpstreamConnectionInfo, protocol: Protocol, connectionStreams: number): void;
  /** No stream can be had. `host` is null when no host could be picked. */
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void;
}

export interface Cancellable {
  /** The stream is not wanted any more; no callback comes. `closeConnection`: a connection being made for it may be dropped (hedging says so). */
  cancel(closeConnection: boolean): void;
}

/** Streams to one host; per thread, priority, protocol. */
export interface HttpConnectionPool {
  readonly host: Host;
  /** Returns null when a callback has already been called. */
  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): Cancellable | null;
  readonly hasActiveConnections: boolean;
}

export interface TcpPoolCallbacks {
  onPoolReady(connection: Connection, host: Host): void;
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void;
}

/** Connections to one host, each used once (tcp_proxy). */
export interface TcpConnectionPool {
  readonly host: Host;
  newConnection(callbacks: TcpPoolCallbacks): Cancellable | null;
}

/** A cluster as one thread sees it. */
export interface ThreadLocalCluster {
  readonly info: ClusterInfo;
  readonly loadBalancer: LoadBalancer;
  /** Picks a host and gives its pool; null when no host may take the request (503 UH). */
  httpPool(priority: ResourcePriority, downstreamProtocol: Protocol, context: LoadBalancerContext | null): HttpConnectionPool | null;
  tcpPool(priority: ResourcePriority, context: LoadBalancerContext | null): TcpConnectionPool | null;
  /** All hosts, by priority; for admin and health. */
  readonly hosts: readonly Host[];
}

export interface ClusterManager {
  /** The cluster as it is now, or null. Look up per request; a removed cluster disappears here at once. */
  getThreadLocalCluster(name: string): ThreadLocalCluster | null;
  readonly clusterNames: readonly string[];
  /** `listener` hears the name of each cluster that is taken out, after it is. Absent where clusters never go. */
  onClusterRemoved?(listener: (name: string) => void): void;
}
