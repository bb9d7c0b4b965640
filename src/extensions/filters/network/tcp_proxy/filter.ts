import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { CLOSE_ABORT_RESET, CLOSE_FLUSH_WRITE, CLOSE_NO_FLUSH, EVENT_CONNECTED, EVENT_REMOTE_CLOSE, STATE_OPEN } from '../../../../contract/network.ts';
import {
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
import { BytesMeter, PROTOCOL_HTTP2 } from '../../../../contract/stream-info.ts';
import type { Cancellable, Host, PoolFailureReason, TcpPoolCallbacks, ThreadLocalCluster, UpstreamConnectionInfo } from '../../../../contract/upstream.ts';
import { POOL_FAILURE_REMOTE_CONNECTION, POOL_FAILURE_TIMEOUT } from '../../../../contract/upstream.ts';
import type { TcpProxyConfig } from './config.ts';
import { Session } from './session.ts';
import type { Tunneling } from './tunneling-config.ts';
import type { TunnelOwner } from './tunnel-upstream.ts';
import { TunnelUpstream } from './tunnel-upstream.ts';
import type { UpstreamLink } from './upstream-link.ts';
import { UpstreamSide } from './upstream-side.ts';

/** Numbers behind `tcp_initializion_failure:` (Envoy's spelling). */
const FAILED_CONNECT = 0;
const FAILED_NO_HEALTHY = 1;
const FAILED_LIMIT = 2;
const FAILED_NO_ROUTE = 3;

/** One session: a client's connection, an upstream (a connection, or a tunnel through HTTP), and the bytes between them. */
export class TcpProxyFilter extends Session implements ReadFilter, ConnectionCallbacks, TcpPoolCallbacks, TunnelOwner {
  private pending: Cancellable | null;
  /** How often the client is paused because the upstream has too much to send; a tunnel may say so more than once. */
  private pauses: number;
  /** The client's first bytes have come, where that is waited for. */
  private begun: boolean;

  constructor(config: TcpProxyConfig) {
    super(config);
    this.pending = null;
    this.pauses = 0;
    this.begun = !config.connectOnData;
  }

  // From the client.

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    const { connection } = callbacks;
    this.downstream = connection;
    connection.addConnectionCallbacks(this);
    connection.enableHalfClose(true);
    // Nothing is read until there is somebody to give it to, or a place to keep it.
    if (this.early === null) connection.readDisable(true);
    connection.streamInfo.upstream = this.upstreamInfo;
    this.upstreamInfo.meter = new BytesMeter();
    connection.setConnectionStats(this.config.stats.connection);
    this.config.stats.downstreamCxTotal.inc();
  }

  onNewConnection(): NetworkFilterStatus {
    if (this.config.logOnStart) this.logAccess('TcpConnectionStart');
    this.startTimers();
    if (this.begun) this.establish();
    return NETWORK_STOP_ITERATION;
  }

  onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    const { upstream, downstream } = this;
    if (downstream === null) return NETWORK_STOP_ITERATION;
    downstream.streamInfo.downstreamMeter.wireBytesReceived += data.length;
    if (upstream !== null) {
      this.countSent(data.length);
      upstream.encodeData(data, endStream);
      this.touch();
    } else if (this.early !== null) this.keepEarlyData(data, endStream, downstream);
    this.closeIfDraining(downstream);
    return NETWORK_STOP_ITERATION;
  }

  /** As Envoy, which counts what goes into a tunnel twice: here and in its codec. */
  private countSent(bytes: number): void {
    if (this.upstreamInfo.meter !== null) this.upstreamInfo.meter.wireBytesSent += bytes;
  }

  private keepEarlyData(data: Buffer, endStream: boolean, downstream: Connection): void {
    this.early?.add(data, endStream, downstream);
    this.config.stats.earlyDataReceivedCountTotal.inc();
    // A client that leaves without a word needs no upstream.
    if (this.begun || data.length === 0) return;
    this.begun = true;
    this.establish();
  }

  private closeIfDraining(downstream: Connection): void {
    const { checkDrainClose, context, stats } = this.config;
    if (!checkDrainClose || downstream.state !== STATE_OPEN || !context.drainDecision.drainClose()) return;
    stats.downstreamCxDrainClose.inc();
    downstream.close(CLOSE_FLUSH_WRITE, 'tcp_proxy_drain_close');
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
    this.upstream.readDisable(true);
    this.cluster?.stats.upstreamFlowControlPausedReadingTotal.inc();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (this.upstream === null) return;
    this.upstream.readDisable(false);
    this.cluster?.stats.upstreamFlowControlResumedReadingTotal.inc();
  }

  // Finding an upstream.

  protected override establish(): void {
    const { downstream, config } = this;
    if (downstream === null || downstream.state !== STATE_OPEN) return;
    const route = this.pickRoute();
    this.route = route;
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
    const { tunneling } = config;
    const begun = tunneling === null ? this.connect(cluster, downstream) : this.tunnel(cluster, downstream, tunneling);
    if (begun) return;
    downstream.streamInfo.setResponseFlag(FLAG_NO_HEALTHY_UPSTREAM);
    this.fail(FAILED_NO_HEALTHY);
  }

  /** False when there is no host. */
  private connect(cluster: ThreadLocalCluster, downstream: Connection): boolean {
    const pool = cluster.tcpPool(PRIORITY_DEFAULT, this);
    if (pool === null) return false;
    this.countAttempt(downstream);
    const pending = pool.newConnection(this);
    // With null a callback has already said what became of it.
    if (pending !== null) this.pending = pending;
    return true;
  }

  private tunnel(cluster: ThreadLocalCluster, downstream: Connection, tunneling: Tunneling): boolean {
    // There is no protocol to keep: HTTP/2 where the cluster speaks it.
    const pool = cluster.httpPool(PRIORITY_DEFAULT, PROTOCOL_HTTP2, this);
    if (pool === null) return false;
    this.countAttempt(downstream);
    const tunnel = new TunnelUpstream(tunneling, downstream, this);
    this.pending = tunnel;
    tunnel.start(pool);
    return true;
  }

  private countAttempt(downstream: Connection): void {
    this.attempts++;
    downstream.streamInfo.attemptCount = this.attempts;
    const { timing } = this.upstreamInfo;
    if (Number.isNaN(timing.poolRequested)) timing.poolRequested = downstream.dispatcher.now();
  }

  onPoolReady(connection: Connection, host: Host): void {
    if (this.downstream === null || this.downstream.state !== STATE_OPEN) {
      this.pending = null;
      connection.close(CLOSE_NO_FLUSH, '');
      return;
    }
    this.upstreamInfo.connectionId = connection.id;
    this.begin(new UpstreamSide(connection, this, this.config.stats), host, connection, this.downstream);
  }

  onTunnelReady(tunnel: TunnelUpstream, host: Host, connection: UpstreamConnectionInfo): void {
    if (this.downstream === null || this.downstream.state !== STATE_OPEN) return;
    this.begin(tunnel, host, connection, this.downstream);
  }

  /** The upstream is there: the client's bytes go on. */
  private begin(upstream: UpstreamLink, host: Host, connection: UpstreamConnectionInfo, downstream: Connection): void {
    const info = this.upstreamInfo;
    this.pending = null;
    this.noteHost(host);
    info.localAddress = connection.localAddress;
    info.remoteAddress = connection.remoteAddress;
    info.ssl = connection.ssl;
    info.timing.poolReady = downstream.dispatcher.now();
    this.upstream = upstream;
    this.touch();
    this.releaseClient(upstream, downstream);
    if (this.config.logOnConnected) this.logAccess('TcpUpstreamConnected');
  }

  private releaseClient(upstream: UpstreamLink, downstream: Connection): void {
    const { early } = this;
    this.early = null;
    if (early === null) {
      downstream.readDisable(false);
      return;
    }
    if (!early.isEmpty) {
      const data = early.take();
      this.countSent(data.length);
      upstream.encodeData(data, early.ended);
    }
    early.release(downstream);
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
    if (this.attempts < this.config.maxConnectAttempts) {
      this.retryLater();
      return;
    }
    downstream.streamInfo.setResponseFlag(FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED);
    this.cluster?.stats.upstreamCxConnectAttemptsExceeded.inc();
    this.fail(FAILED_CONNECT);
  }

  private fail(reason: number): void {
    this.downstream?.close(CLOSE_NO_FLUSH, `tcp_initializion_failure:${reason}`);
  }

  // From the upstream.

  onUpstreamData(data: Buffer, endStream: boolean): void {
    const { downstream } = this;
    if (downstream === null) return;
    downstream.streamInfo.downstreamMeter.wireBytesSent += data.length;
    if (this.upstreamInfo.meter !== null) this.upstreamInfo.meter.wireBytesReceived += data.length;
    downstream.write(data, endStream);
    this.touch();
    this.closeIfDraining(downstream);
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
    this.pauses++;
    const was = downstream.readEnabled;
    downstream.readDisable(true);
    if (was) this.config.stats.pausedReading.inc();
  }

  onUpstreamBelowLowWatermark(): void {
    const { downstream } = this;
    if (downstream === null || downstream.state !== STATE_OPEN || this.pauses === 0) return;
    this.pauses--;
    downstream.readDisable(false);
    if (downstream.readEnabled) this.config.stats.resumedReading.inc();
  }
}
