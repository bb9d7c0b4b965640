import type { Timer } from '../../../../base/timer-wheel.ts';
import type { AccessLogType } from '../../../../contract/access-log.ts';
import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { CLOSE_ABORT_RESET, CLOSE_FLUSH_WRITE, CLOSE_NO_FLUSH, EVENT_CONNECTED, EVENT_REMOTE_CLOSE, STATE_OPEN } from '../../../../contract/network.ts';
import {
  FLAG_DURATION_TIMEOUT,
  FLAG_NO_CLUSTER_FOUND,
  FLAG_NO_HEALTHY_UPSTREAM,
  FLAG_UPSTREAM_CONNECTION_FAILURE,
  FLAG_UPSTREAM_OVERFLOW,
  FLAG_UPSTREAM_REMOTE_RESET,
  FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED,
} from '../../../../contract/response-flags.ts';
import { PRIORITY_DEFAULT } from '../../../../contract/route.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';
import { UpstreamInfo } from '../../../../contract/stream-info.ts';
import type { Cancellable, ClusterInfo, Host, LoadBalancerContext, PoolFailureReason, TcpPoolCallbacks, ThreadLocalCluster } from '../../../../contract/upstream.ts';
import { POOL_FAILURE_REMOTE_CONNECTION, POOL_FAILURE_TIMEOUT } from '../../../../contract/upstream.ts';
import type { TcpProxyConfig, TcpRoute } from './config.ts';
import type { UpstreamSideListener } from './upstream-side.ts';
import { UpstreamSide } from './upstream-side.ts';

/** Numbers behind `tcp_initializion_failure:` (Envoy's spelling). */
const FAILED_CONNECT = 0;
const FAILED_NO_HEALTHY = 1;
const FAILED_LIMIT = 2;
const FAILED_NO_ROUTE = 3;

/** One session: a client's connection, an upstream connection, and the bytes between them. */
export class TcpProxyFilter implements ReadFilter, ConnectionCallbacks, TcpPoolCallbacks, UpstreamSideListener, LoadBalancerContext {
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
  readonly downstreamHeaders: null;
  readonly hostSelectionRetryCount: number;
  private readonly config: TcpProxyConfig;
  private downstream: Connection | null;
  private upstream: UpstreamSide | null;
  private readonly upstreamInfo: UpstreamInfo;
  private cluster: ClusterInfo | null;
  private pending: Cancellable | null;
  private attempts: number;
  private retryTimer: Timer | null;
  private idleTimer: Timer | null;
  private durationTimer: Timer | null;
  private logTimer: Timer | null;
  private lastActivity: number;
  private lastPending: number;
  /** Set for a client that is paused because the upstream has too much to send. */
  private pausedDownstream: boolean;

  constructor(config: TcpProxyConfig) {
    this.metadataMatch = null;
    this.downstreamHeaders = null;
    this.hostSelectionRetryCount = 0;
    this.config = config;
    this.downstream = null;
    this.upstream = null;
    this.upstreamInfo = new UpstreamInfo();
    this.cluster = null;
    this.pending = null;
    this.attempts = 0;
    this.retryTimer = null;
    this.idleTimer = null;
    this.durationTimer = null;
    this.logTimer = null;
    this.lastActivity = 0;
    this.lastPending = 0;
    this.pausedDownstream = false;
  }

  get downstreamConnection(): Connection | null {
    return this.downstream;
  }

  hashKey(): null {
    return null;
  }

  shouldSelectAnotherHost(): boolean {
    return false;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    const { connection } = callbacks;
    this.downstream = connection;
    connection.addConnectionCallbacks(this);
    connection.enableHalfClose(true);
    // Nothing is read until there is somebody to give it to.
    connection.readDisable(true);
    connection.streamInfo.upstream = this.upstreamInfo;
    connection.setConnectionStats(this.config.stats.connection);
    this.config.stats.downstreamCxTotal.inc();
  }

  onNewConnection(): NetworkFilterStatus {
    const { config } = this;
    if (config.logOnStart) this.logAccess('TcpConnectionStart');
    if (config.maxDuration >= 0) this.durationTimer = this.startTimer(this.maxDuration(), () => this.onMaxDuration());
    if (config.logInterval > 0) this.logTimer = this.startTimer(config.logInterval, () => this.onLogInterval());
    if (config.idleTimeout > 0) {
      this.touch();
      this.idleTimer = this.startTimer(config.idleTimeout, () => this.onIdleTimer());
    }
    this.establish();
    return NETWORK_STOP_ITERATION;
  }

  onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    const { upstream, downstream } = this;
    if (downstream !== null) downstream.streamInfo.bytesReceived += data.length;
    if (upstream !== null) {
      upstream.connection.write(data, endStream);
      this.touch();
    }
    return NETWORK_STOP_ITERATION;
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) return;
    this.stopTimers();
    const { upstream, pending } = this;
    this.upstream = null;
    this.pending = null;
    upstream?.downstreamClosed(event === EVENT_REMOTE_CLOSE, this.downstream?.remoteReset === true);
    pending?.cancel(true);
    this.logAccess('TcpConnectionEnd');
  }

  onAboveWriteBufferHighWatermark(): void {
    if (this.upstream === null) return;
    this.upstream.connection.readDisable(true);
    this.cluster?.stats.upstreamFlowControlPausedReadingTotal.inc();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (this.upstream === null) return;
    this.upstream.connection.readDisable(false);
    this.cluster?.stats.upstreamFlowControlResumedReadingTotal.inc();
  }

  onPoolReady(connection: Connection, host: Host): void {
    const { downstream } = this;
    this.pending = null;
    if (downstream === null || downstream.state !== STATE_OPEN) {
      connection.close(CLOSE_NO_FLUSH, '');
      return;
    }
    const info = this.upstreamInfo;
    this.noteHost(host);
    info.localAddress = connection.localAddress;
    info.remoteAddress = connection.remoteAddress;
    info.connectionId = connection.id;
    info.timing.poolReady = downstream.dispatcher.now();
    this.upstream = new UpstreamSide(connection, this, this.config.stats);
    this.touch();
    downstream.readDisable(false);
    if (this.config.logOnConnected) this.logAccess('TcpUpstreamConnected');
  }

  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void {
    const { downstream } = this;
    this.pending = null;
    if (downstream === null) return;
    if (host !== null) this.noteHost(host);
    this.upstreamInfo.transportFailureReason = transportFailureReason;
    if (reason === POOL_FAILURE_REMOTE_CONNECTION || reason === POOL_FAILURE_TIMEOUT) {
      downstream.streamInfo.setResponseFlag(FLAG_UPSTREAM_CONNECTION_FAILURE);
    }
    if (downstream.state !== STATE_OPEN) return;
    if (this.attempts >= this.config.maxConnectAttempts) {
      downstream.streamInfo.setResponseFlag(FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED);
      this.cluster?.stats.upstreamCxConnectAttemptsExceeded.inc();
      this.fail(FAILED_CONNECT);
      return;
    }
    this.retryTimer ??= downstream.dispatcher.createTimer(() => this.establish());
    this.retryTimer.enable(this.backOff());
  }

  onUpstreamData(data: Buffer, endStream: boolean): void {
    const { downstream } = this;
    if (downstream === null) return;
    downstream.streamInfo.bytesSent += data.length;
    downstream.write(data, endStream);
    this.touch();
  }

  onUpstreamClosed(reset: boolean): void {
    const { downstream } = this;
    this.upstream = null;
    this.idleTimer?.disable();
    if (downstream === null || downstream.state !== STATE_OPEN) return;
    if (reset) downstream.streamInfo.setResponseFlag(FLAG_UPSTREAM_REMOTE_RESET);
    downstream.close(reset ? CLOSE_ABORT_RESET : CLOSE_FLUSH_WRITE, '');
  }

  onUpstreamAboveHighWatermark(): void {
    const { downstream } = this;
    if (downstream === null || downstream.state !== STATE_OPEN) return;
    this.pausedDownstream = true;
    const was = downstream.readEnabled;
    downstream.readDisable(true);
    if (was) this.config.stats.pausedReading.inc();
  }

  onUpstreamBelowLowWatermark(): void {
    const { downstream } = this;
    if (downstream === null || downstream.state !== STATE_OPEN || !this.pausedDownstream) return;
    this.pausedDownstream = false;
    downstream.readDisable(false);
    if (downstream.readEnabled) this.config.stats.resumedReading.inc();
  }

  /** Looks for a connection, for the first time or after a failure. */
  private establish(): void {
    const { downstream, config } = this;
    if (downstream === null || downstream.state !== STATE_OPEN) return;
    const route = this.pickRoute();
    const cluster = config.context.clusterManager.getThreadLocalCluster(route.cluster);
    if (cluster === null) {
      config.stats.downstreamCxNoRoute.inc();
      downstream.streamInfo.setResponseFlag(FLAG_NO_CLUSTER_FOUND);
      this.fail(FAILED_NO_ROUTE);
      return;
    }
    this.cluster = cluster.info;
    downstream.streamInfo.upstreamCluster = cluster.info;
    if (!cluster.info.resourceManager(PRIORITY_DEFAULT).connections.canCreate()) {
      downstream.streamInfo.setResponseFlag(FLAG_UPSTREAM_OVERFLOW);
      cluster.info.stats.upstreamCxOverflow.inc();
      this.fail(FAILED_LIMIT);
      return;
    }
    this.connect(cluster, downstream);
  }

  private connect(cluster: ThreadLocalCluster, downstream: Connection): void {
    const pool = cluster.tcpPool(PRIORITY_DEFAULT, this);
    if (pool === null) {
      downstream.streamInfo.setResponseFlag(FLAG_NO_HEALTHY_UPSTREAM);
      this.fail(FAILED_NO_HEALTHY);
      return;
    }
    this.attempts++;
    downstream.streamInfo.attemptCount = this.attempts;
    const { timing } = this.upstreamInfo;
    if (Number.isNaN(timing.poolRequested)) timing.poolRequested = downstream.dispatcher.now();
    const pending = pool.newConnection(this);
    // With null a callback has already said what became of it.
    if (pending !== null) this.pending = pending;
  }

  private pickRoute(): TcpRoute {
    const { routes, totalWeight, context } = this.config;
    if (routes.length === 1) return routes[0];
    let draw = context.dispatcher.random.uint32() % totalWeight;
    for (const route of routes) {
      if (draw < route.weight) return route;
      draw -= route.weight;
    }
    return routes[routes.length - 1];
  }

  private noteHost(host: Host): void {
    this.upstreamInfo.host = host;
    this.upstreamInfo.attemptedHosts.push(host);
  }

  private fail(reason: number): void {
    this.downstream?.close(CLOSE_NO_FLUSH, `tcp_initializion_failure:${reason}`);
  }

  private backOff(): number {
    const { backOff, context } = this.config;
    if (backOff === null) return 0;
    const ceiling = Math.min(backOff.max, backOff.base * (2 ** Math.min(this.attempts, 31) - 1));
    return Math.max(1, context.dispatcher.random.float() * ceiling);
  }

  private maxDuration(): number {
    const { maxDuration, maxDurationJitter, context } = this.config;
    const most = Math.ceil((maxDuration * maxDurationJitter) / 100);
    return most === 0 ? maxDuration : maxDuration + context.dispatcher.random.below(most);
  }

  private startTimer(delay: number, run: () => void): Timer {
    const timer = this.config.context.dispatcher.createTimer(run);
    timer.enable(delay);
    return timer;
  }

  private touch(): void {
    this.lastActivity = this.config.context.dispatcher.now();
  }

  /** The timer is armed once a timeout, not once a packet; bytes that trickle out count as activity too. */
  private onIdleTimer(): void {
    const { idleTimeout, stats } = this.config;
    const { downstream } = this;
    if (downstream === null || this.idleTimer === null) return;
    const unsent = downstream.pendingWriteBytes + (this.upstream?.connection.pendingWriteBytes ?? 0);
    if (unsent !== this.lastPending) {
      this.lastPending = unsent;
      this.touch();
    }
    const left = idleTimeout - (downstream.dispatcher.now() - this.lastActivity);
    if (left > 0) {
      this.idleTimer.enable(left);
      return;
    }
    stats.idleTimeout.inc();
    downstream.close(CLOSE_NO_FLUSH, 'tcp_session_idle_timeout');
  }

  private onMaxDuration(): void {
    const { downstream } = this;
    if (downstream === null) return;
    downstream.streamInfo.setResponseFlag(FLAG_DURATION_TIMEOUT);
    this.config.stats.maxDownstreamConnectionDuration.inc();
    downstream.close(CLOSE_NO_FLUSH, 'max_connection_duration_reached');
  }

  private onLogInterval(): void {
    this.logAccess('TcpPeriodic');
    this.logTimer?.enable(this.config.logInterval);
  }

  private logAccess(type: AccessLogType): void {
    const { downstream, config } = this;
    if (downstream === null || config.accessLogs.length === 0) return;
    const { streamInfo } = downstream;
    const now = downstream.dispatcher.now();
    if (type === 'TcpConnectionEnd') {
      streamInfo.requestComplete = now;
      streamInfo.connectionTerminationDetails ||= '';
    }
    const context = { requestHeaders: null, responseHeaders: null, responseTrailers: null, streamInfo, localReplyBody: '', type, now };
    for (const log of config.accessLogs) log.log(context);
  }

  private stopTimers(): void {
    this.retryTimer?.disable();
    this.idleTimer?.disable();
    this.durationTimer?.disable();
    this.logTimer?.disable();
  }
}
