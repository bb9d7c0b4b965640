import { isGrpcRequest } from '../../common/grpc/content-type.ts';
import { GRPC_DEADLINE_EXCEEDED } from '../../common/grpc/status.ts';
import { formatGrpcTimeout, grpcTimeoutMs } from '../../common/grpc/timeout.ts';
import type { ResponseEncoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Connection } from '../../contract/network.ts';
import { FLAG_STREAM_IDLE_TIMEOUT } from '../../contract/response-flags.ts';
import type { Route, RouteConfig, RouteEntry } from '../../contract/route.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import type { ConnectionManager } from './connection-manager.ts';
import { FilterManager } from './filter-manager.ts';
import { NO_GRPC_STATUS } from './local-reply.ts';
import type { StreamTimers } from './stream-timers.ts';

/** What a downstream stream knows, the route that it has cached, and the timeouts that route and connection manager give it. */
export abstract class ActiveStreamRoute extends FilterManager {
  protected readonly manager: ConnectionManager;
  protected readonly config: ConnectionManagerConfig;
  protected readonly timers: StreamTimers;
  override readonly connection: Connection;
  /** Null once the stream was recreated: its successor answers. */
  encoder: ResponseEncoder | null;
  protected routeConfig: RouteConfig | null;
  protected cachedRoute: Route | null;
  protected routeResolved: boolean;
  protected routeBlocked: boolean;
  protected cachedCluster: ClusterInfo | null;
  /** The connection closes after this response. */
  drainAfterResponse: boolean;
  /** The last byte of the request has arrived. */
  requestComplete: boolean;
  codecSawLocalComplete: boolean;
  /** The codec has written the whole response, or the stream was reset: the stream may be destroyed. */
  protected codecEncodeComplete: boolean;
  protected resetSeen: boolean;
  protected readonly internallyCreated: boolean;
  internallyDestroyed: boolean;
  /** All is done but that the codec still has bytes of the response; the stream lives until it has sent them. */
  zombie: boolean;
  /** Milliseconds that the codec may take for that; 0 = no limit. */
  protected flushTimeout: number;
  protected tunneling: boolean;
  protected upgraded: boolean;
  protected finished: boolean;

  constructor(manager: ConnectionManager, encoder: ResponseEncoder, streamInfo: StreamInfo, timers: StreamTimers, internallyCreated: boolean) {
    const config = manager.config;
    super(
      config.dispatcher, streamInfo, config.dispatcher.random.uint32(), config.filterChainFactory, config.localReply,
      config.proxy100Continue, encoder.stream.bufferLimit,
    );
    this.manager = manager;
    this.config = config;
    this.timers = timers;
    this.connection = manager.connection;
    this.encoder = encoder;
    this.routeConfig = null;
    this.cachedRoute = null;
    this.routeResolved = false;
    this.routeBlocked = false;
    this.cachedCluster = null;
    this.drainAfterResponse = false;
    this.requestComplete = false;
    this.codecSawLocalComplete = false;
    this.codecEncodeComplete = false;
    this.resetSeen = false;
    this.internallyCreated = internallyCreated;
    this.internallyDestroyed = false;
    this.zombie = false;
    this.flushTimeout = config.streamFlushTimeout;
    this.tunneling = false;
    this.upgraded = false;
    this.finished = false;
  }

  protected override get halfCloseEnabled(): boolean {
    return this.config.upstreamHalfClose;
  }

  // Route.

  override route(): Route | null {
    if (!this.routeResolved) this.refreshCachedRoute();
    return this.cachedRoute;
  }

  override clusterInfo(): ClusterInfo | null {
    if (!this.routeResolved) this.refreshCachedRoute();
    return this.cachedCluster;
  }

  override clearRouteCache(): void {
    if (this.routeBlocked) return;
    this.cachedRoute = null;
    this.cachedCluster = null;
    this.routeResolved = false;
  }

  protected refreshCachedRoute(): void {
    if (this.routeBlocked) return;
    const headers = this.requestHeaders;
    const config = this.routeConfig;
    this.setRoute(headers === null || config === null ? null : config.route(headers, this.streamInfo, this.streamId));
  }

  override setRoute(route: Route | null): void {
    if (this.routeBlocked) return;
    this.routeResolved = true;
    this.cachedRoute = route;
    const entry = route?.routeEntry ?? null;
    this.cachedCluster = entry === null ? null : (this.config.clusterManager.getThreadLocalCluster(entry.clusterName)?.info ?? null);
    this.streamInfo.route = route;
    this.streamInfo.routeName = route?.name ?? '';
    this.streamInfo.upstreamCluster = this.cachedCluster;
    if (entry === null) return;
    this.refreshDurationTimeout(entry);
    this.refreshIdleTimeout(entry);
    if (entry.requestBodyBufferLimit >= 0 && entry.requestBodyBufferLimit > this.bufferLimit) this.setBufferLimit(entry.requestBodyBufferLimit);
  }

  /** `max_stream_duration` of route or connection manager, or `grpc-timeout` where the route listens to it. */
  protected refreshDurationTimeout(entry: RouteEntry): void {
    const headers = this.requestHeaders;
    if (headers === null) return;
    const usesNewTimeouts = entry.maxStreamDuration >= 0 || entry.grpcTimeoutHeaderMax >= 0;
    if (!usesNewTimeouts && this.config.maxStreamDuration === 0) return;
    const timeout = this.streamDuration(entry, headers);
    const announce = usesNewTimeouts && isGrpcRequest(headers);
    if (timeout < 0) {
      if (!this.timers.durationRunning) return;
      this.timers.stopDuration();
      if (announce) headers.remove('grpc-timeout');
      return;
    }
    if (announce) headers.set('grpc-timeout', formatGrpcTimeout(timeout));
    const used = this.dispatcher.now() - this.streamInfo.startTime;
    this.timers.startDuration(Math.max(0, timeout - used));
  }

  /** Milliseconds, -1 = no limit. */
  protected streamDuration(entry: RouteEntry, headers: HeaderMap): number {
    const grpc = entry.grpcTimeoutHeaderMax >= 0 ? grpcTimeoutMs(headers) : -1;
    if (grpc < 0) {
      if (entry.maxStreamDuration >= 0) return entry.maxStreamDuration === 0 ? -1 : entry.maxStreamDuration;
      return this.config.maxStreamDuration === 0 ? -1 : this.config.maxStreamDuration;
    }
    let timeout = grpc;
    if (entry.grpcTimeoutHeaderMax > 0 && timeout > entry.grpcTimeoutHeaderMax) timeout = entry.grpcTimeoutHeaderMax;
    if (timeout > 0 && entry.grpcTimeoutHeaderOffset > 0) timeout = Math.max(0, timeout - entry.grpcTimeoutHeaderOffset);
    return timeout;
  }

  protected refreshIdleTimeout(entry: RouteEntry): void {
    if (entry.flushTimeout >= 0) this.flushTimeout = entry.flushTimeout;
    else if (entry.idleTimeout >= 0 && this.config.flushFollowsIdle) this.flushTimeout = entry.idleTimeout;
    if (entry.idleTimeout < 0) return;
    if (entry.idleTimeout > 0) this.timers.idle.start(entry.idleTimeout);
    else this.timers.idle.stop();
  }

  // Timeouts.

  override resetIdleTimer(): void {
    if (!this.finished) this.timers.idle.touch();
  }

  protected override disarmRequestTimeout(): void {
    if (this.config.requestTimeout > 0) this.timers.stopRequest();
  }

  onStreamIdleTimeout(): void {
    this.config.stats.rqIdleTimeout.inc();
    this.streamInfo.setResponseFlag(FLAG_STREAM_IDLE_TIMEOUT);
    this.replyLocally(this.timeoutStatus(), 'stream timeout', null, NO_GRPC_STATUS, 'stream_idle_timeout');
  }

  onRequestTimeout(): void {
    this.config.stats.rqTimeout.inc();
    this.replyLocally(this.timeoutStatus(), 'request timeout', null, NO_GRPC_STATUS, 'request_overall_timeout');
  }

  onRequestHeadersTimeout(): void {
    this.config.stats.rqHeaderTimeout.inc();
    this.replyLocally(this.timeoutStatus(), 'request header timeout', null, NO_GRPC_STATUS, 'request_header_timeout');
  }

  onMaxStreamDuration(): void {
    this.config.stats.rqMaxDurationReached.inc();
    this.replyLocally(this.timeoutStatus(), 'downstream duration timeout', null, GRPC_DEADLINE_EXCEEDED, 'max_duration_timeout');
  }

  /** Who is late: the client (408) or what is behind us (504). */
  protected timeoutStatus(): number {
    return this.requestComplete ? 504 : 408;
  }
}
