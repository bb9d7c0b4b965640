import { isUpgrade } from '../../codec/http1/connection-header.ts';
import { equalsIgnoreCase } from '../../common/byte-string.ts';
import { hasGrpcContentType, isGrpcRequest } from '../../common/http/grpc.ts';
import type { AccessLogType } from '../../contract/access-log.ts';
import { RESET_CONNECT_ERROR, RESET_LOCAL_RESET, RESET_OVERLOAD_MANAGER, RESET_PROTOCOL_ERROR, RESET_REMOTE_REFUSED_STREAM, RESET_REMOTE_RESET } from '../../contract/codec.ts';
import type { RequestDecoder, ResponseEncoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { Connection } from '../../contract/network.ts';
import { FLAG_DOWNSTREAM_PROTOCOL_ERROR, FLAG_DOWNSTREAM_REMOTE_RESET, FLAG_OVERLOAD_MANAGER, FLAG_STREAM_IDLE_TIMEOUT } from '../../contract/response-flags.ts';
import type { Route, RouteConfig, RouteEntry } from '../../contract/route.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import { SERVER_APPEND_IF_ABSENT, SERVER_OVERWRITE } from './conn-manager-config.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { mutateRequestHeaders, mutateResponseHeaders, normalizeHost, shouldCloseConnection } from './conn-manager-utility.ts';
import type { ConnectionManager } from './connection-manager.ts';
import { UPGRADE_ACCEPTED, UPGRADE_REJECTED } from './filter-manager-state.ts';
import { FilterManager } from './filter-manager.ts';
import { GRPC_DEADLINE_EXCEEDED, formatGrpcTimeout, grpcTimeoutMs } from './grpc.ts';
import { NO_GRPC_STATUS, responseStatus } from './local-reply.ts';
import { NORMALIZE_CONTINUE, NORMALIZE_REDIRECT, normalizeRequestPath } from './path-util.ts';
import { invalidRequestDetails, isQueryWithoutContentType } from './request-checks.ts';
import type { StreamTimerOwner, StreamTimers } from './stream-timers.ts';

const NOTHING = Buffer.alloc(0);

/**
 * One request and its response on a downstream connection: the codec's decoder on one side, the filter chain (its base class) on the
 * other. Its life is told in docs/internals/life-of-a-request.md; longer than most files because the order of its steps is the contract.
 */
export class ActiveStream extends FilterManager implements RequestDecoder, StreamCallbacks, StreamTimerOwner {
  private readonly manager: ConnectionManager;
  private readonly config: ConnectionManagerConfig;
  private readonly timers: StreamTimers;
  override readonly connection: Connection;
  /** Null once the stream was recreated: its successor answers. */
  encoder: ResponseEncoder | null;
  private routeConfig: RouteConfig | null;
  private cachedRoute: Route | null;
  private routeResolved: boolean;
  private routeBlocked: boolean;
  private cachedCluster: ClusterInfo | null;
  /** The connection closes after this response. */
  drainAfterResponse: boolean;
  /** The last byte of the request has arrived. */
  requestComplete: boolean;
  codecSawLocalComplete: boolean;
  /** The codec has written the whole response, or the stream was reset: the stream may be destroyed. */
  private codecEncodeComplete: boolean;
  private resetSeen: boolean;
  private readonly internallyCreated: boolean;
  internallyDestroyed: boolean;
  private tunneling: boolean;
  private upgraded: boolean;
  private finished: boolean;

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
    this.tunneling = false;
    this.upgraded = false;
    this.finished = false;
    this.startTimers();
  }

  private startTimers(): void {
    const config = this.config;
    const timers = this.timers;
    timers.attach(this);
    if (config.streamIdleTimeout > 0) timers.idle.start(config.streamIdleTimeout);
    if (config.requestTimeout > 0) timers.startRequest(config.requestTimeout);
    if (config.requestHeadersTimeout > 0) timers.startHeaders(config.requestHeadersTimeout);
    if (config.maxStreamDuration > 0) timers.startDuration(config.maxStreamDuration);
    if (config.accessLogFlushInterval > 0) timers.startAccessLog(config.accessLogFlushInterval);
  }

  // Request, from the codec.

  /** The order of the checks decides which fault a bad request is answered with: as little as possible before there are filters. */
  override decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.destroyed) return;
    const config = this.config;
    const protocol = this.manager.protocol;
    this.requestHeadersInitialized(headers);
    if (config.requestHeadersTimeout > 0) this.timers.stopHeaders();
    if (shouldCloseConnection(protocol, headers)) this.drainAfterResponse = true;
    this.streamInfo.protocol = protocol;
    this.recordLastByte(endStream);
    const routeConfig = config.routeConfigProvider.config();
    this.routeConfig = routeConfig;
    if (!config.proxy100Continue) this.answerExpectation(headers);
    this.manager.countUserAgent(headers);
    if (!this.checkRequest(headers)) return;
    if (!this.internallyCreated) {
      this.streamInfo.downstreamRemoteAddress = mutateRequestHeaders(headers, this.connection, config, routeConfig, this.streamInfo);
      this.streamInfo.requestId = headers.get('x-request-id') ?? '';
    }
    this.refreshCachedRoute();
    this.streamInfo.requestHeaders = headers;
    this.startFilters(headers, endStream);
  }

  private startFilters(headers: HeaderMap, endStream: boolean): void {
    const upgrade = this.createFilterChain(this.cachedRoute);
    if (upgrade === UPGRADE_ACCEPTED) {
      this.config.stats.cxUpgradesTotal.inc();
      this.config.stats.cxUpgradesActive.inc();
      this.upgraded = true;
    }
    if (this.config.flushAccessLogOnNewRequest) this.log('DownstreamStart');
    if (upgrade === UPGRADE_REJECTED && this.cachedRoute !== null) {
      // What follows on this connection may be the payload of the upgrade: it must not be read as a request.
      this.drainAfterResponse = true;
      this.config.stats.rqWsOnNonWsRoute.inc();
      this.replyLocally(403, '', null, NO_GRPC_STATUS, 'upgrade_failed');
      return;
    }
    super.decodeHeaders(headers, endStream);
    this.resetIdleTimer();
  }

  override decodeData(data: Buffer, endStream: boolean): void {
    if (this.destroyed) return;
    this.streamInfo.bytesReceived += data.length;
    if (endStream && data.length > 0 && this.endComesApart) {
      super.decodeData(data, false);
      if (this.destroyed) return;
      this.recordLastByte(true);
      super.decodeData(NOTHING, true);
      return;
    }
    this.recordLastByte(endStream);
    super.decodeData(data, endStream);
  }

  override decodeTrailers(trailers: HeaderMap): void {
    if (this.destroyed) return;
    this.resetIdleTimer();
    this.recordLastByte(true);
    super.decodeTrailers(trailers);
  }

  /** The codec refuses the request. */
  sendLocalReply(status: number, body: string, details: string): void {
    this.replyLocally(status, body, null, NO_GRPC_STATUS, details);
  }

  private recordLastByte(endStream: boolean): void {
    if (!endStream || this.requestComplete) return;
    this.requestComplete = true;
    this.streamInfo.lastDownstreamRxByte = this.dispatcher.now();
  }

  /** `Expect: 100-continue` is answered here; the upstream is not asked. */
  private answerExpectation(headers: HeaderMap): void {
    const expect = headers.get('expect');
    if (expect === undefined || !equalsIgnoreCase(expect, '100-continue')) return;
    this.chargeResponse(100);
    this.encoder?.encode1xxHeaders(HeaderMap.of([':status', '100']));
    headers.remove('expect');
  }

  /** Answers a request that cannot be routed; true when it can. Brings path and host into their canonical form. */
  private checkRequest(headers: HeaderMap): boolean {
    if (!headers.has(':authority')) return this.refuse(400, 'missing_host_header');
    const invalid = invalidRequestDetails(headers);
    if (invalid !== '') {
      this.refuse(400, invalid);
      if (this.encoder?.streamErrorOnInvalidHttpMessage === false) this.manager.handleCodecError(invalid);
      return false;
    }
    if (isQueryWithoutContentType(headers)) return this.refuse(400, 'query_missing_content_type');
    const path = headers.get(':path');
    const isConnect = headers.get(':method') === 'CONNECT';
    if (path === undefined ? !isConnect : path === '') return this.refuse(404, 'missing_path_rejected');
    if (path !== undefined && path.charCodeAt(0) !== 0x2f) {
      this.config.stats.rqNonRelativePath.inc();
      return this.refuse(404, 'absolute_path_rejected');
    }
    if (!this.normalizePath(headers)) return false;
    normalizeHost(headers, this.config, this.connection.localAddress.port);
    return true;
  }

  private normalizePath(headers: HeaderMap): boolean {
    const result = normalizeRequestPath(headers, this.config.path);
    if (result === NORMALIZE_CONTINUE) return true;
    // gRPC clients follow no redirects.
    if (result === NORMALIZE_REDIRECT && !hasGrpcContentType(headers)) {
      this.config.stats.rqRedirectedWithNormalizedPath.inc();
      const location = headers.get(':path') ?? '/';
      this.replyLocally(307, '', (reply) => reply.set('location', location), NO_GRPC_STATUS, 'path_normalization_failed');
      return false;
    }
    this.config.stats.rqFailedPathNormalization.inc();
    return this.refuse(400, 'path_normalization_failed');
  }

  private refuse(status: number, details: string): false {
    this.replyLocally(status, '', null, NO_GRPC_STATUS, details);
    return false;
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

  private refreshCachedRoute(): void {
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
  private refreshDurationTimeout(entry: RouteEntry): void {
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
  private streamDuration(entry: RouteEntry, headers: HeaderMap): number {
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

  private refreshIdleTimeout(entry: RouteEntry): void {
    if (entry.idleTimeout < 0) return;
    if (entry.idleTimeout > 0) this.timers.idle.start(entry.idleTimeout);
    else this.timers.idle.stop();
  }

  // Timers.

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

  onAccessLogInterval(): void {
    if (this.finished) return;
    this.log('DownstreamPeriodic');
    this.timers.startAccessLog(this.config.accessLogFlushInterval);
  }

  /** Who is late: the client (408) or what is behind us (504). */
  private timeoutStatus(): number {
    return this.requestComplete ? 504 : 408;
  }

  // Response, to the codec.

  protected override onLocalReply(status: number): void {
    // 400 says that the framing cannot be trusted any more.
    if (status === 400 && this.manager.protocol < PROTOCOL_HTTP2 && this.encoder?.streamErrorOnInvalidHttpMessage === false) {
      this.drainAfterResponse = true;
    }
  }

  protected override encode1xxToCodec(headers: HeaderMap): void {
    mutateResponseHeaders(headers, this.requestHeaders, this.config, '', this.streamInfo);
    this.chargeResponse(responseStatus(headers));
    this.encoder?.encode1xxHeaders(headers);
  }

  protected override encodeHeadersToCodec(headers: HeaderMap, endStream: boolean): void {
    const config = this.config;
    if (!headers.has('date')) headers.add('date', config.date.date());
    const server = config.serverHeaderTransformation;
    if (server === SERVER_OVERWRITE || (server === SERVER_APPEND_IF_ABSENT && !headers.has('server'))) headers.set('server', config.serverName);
    mutateResponseHeaders(headers, this.requestHeaders, config, config.via, this.streamInfo);
    this.manager.maybeStartDrain();
    if (this.manager.protocol === PROTOCOL_HTTP10) this.frameHttp10(headers);
    if (this.drainAfterResponse) this.manager.drainAfterStream();
    if (!this.requestComplete) this.manager.onResponseBeforeRequestComplete();
    this.tunneling = isUpgrade(headers) || this.isConnectSuccess(headers);
    // From here on the route is what access logs say it was.
    this.routeBlocked = true;
    if (this.manager.closing && this.manager.protocol < PROTOCOL_HTTP2 && !this.tunneling) headers.set('connection', 'close');
    this.chargeResponse(responseStatus(headers));
    if (this.tunneling && config.flushAccessLogOnTunnelEstablished) this.log('DownstreamTunnelSuccessfullyEstablished');
    this.streamInfo.firstDownstreamTxByte = this.dispatcher.now();
    this.encoder?.encodeHeaders(headers, endStream);
    if (endStream) this.onCodecEncodeComplete();
  }

  /** HTTP/1.0 knows no chunks: without content-length the body ends with the connection (RFC 9112 section 6.3). */
  private frameHttp10(headers: HeaderMap): void {
    if (!headers.has('content-length')) this.drainAfterResponse = true;
    if (!this.drainAfterResponse) headers.set('connection', 'keep-alive');
  }

  private isConnectSuccess(headers: HeaderMap): boolean {
    return this.requestHeaders?.get(':method') === 'CONNECT' && responseStatus(headers) === 200;
  }

  protected override encodeDataToCodec(data: Buffer, endStream: boolean): void {
    this.streamInfo.bytesSent += data.length;
    this.encoder?.encodeData(data, endStream);
    if (endStream) this.onCodecEncodeComplete();
  }

  protected override encodeTrailersToCodec(trailers: HeaderMap): void {
    this.encoder?.encodeTrailers(trailers);
    this.onCodecEncodeComplete();
  }

  /** HTTP/1 writes a response in the call that ends it. */
  private onCodecEncodeComplete(): void {
    if (this.codecEncodeComplete || this.destroyed) return;
    this.codecEncodeComplete = true;
    const now = this.dispatcher.now();
    this.streamInfo.lastDownstreamTxByte = now;
    this.config.stats.rqTime.record(Math.round(now - this.streamInfo.startTime));
  }

  private chargeResponse(status: number): void {
    this.streamInfo.responseCode = status < 0 ? 0 : status;
    if (this.streamInfo.healthCheck || this.streamInfo.responseCodeDetails === 'internal_redirect') return;
    this.config.stats.chargeResponse(this.streamInfo.responseCode);
  }

  protected override onRequestDataTooLarge(): void {
    this.config.stats.rqTooLarge.inc();
  }

  protected override onResponseDataTooLarge(): void {
    this.config.stats.rsTooLarge.inc();
  }

  override pauseDownstreamReading(): void {
    this.encoder?.stream.readDisable(true);
    this.config.stats.flowControlPausedReadingTotal.inc();
  }

  override resumeDownstreamReading(): void {
    // A destroyed stream's codec has unwound its pauses itself.
    if (!this.destroyed) this.encoder?.stream.readDisable(false);
    this.config.stats.flowControlResumedReadingTotal.inc();
  }

  // End.

  protected override endStreamNow(): void {
    this.codecSawLocalComplete = true;
    this.manager.endStream(this, true);
  }

  protected override resetStream(_reason: StreamResetReason, _failure: string): void {
    this.config.stats.rqTxReset.inc();
    this.manager.endStream(this, true);
  }

  /** Resets the codec's stream because this side gives up; its callback destroys this one. */
  resetCodecStream(): void {
    this.setLocalComplete();
    this.codecSawLocalComplete = true;
    const protocolError = this.streamInfo.hasResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR);
    this.encoder?.stream.resetStream(protocolError ? RESET_PROTOCOL_ERROR : RESET_LOCAL_RESET);
  }

  onResetStream(reason: StreamResetReason, _failure: string): void {
    if (this.destroyed) return;
    this.config.stats.rqRxReset.inc();
    this.resetSeen = true;
    const details = this.encoder?.stream.responseDetails ?? '';
    const info = this.streamInfo;
    if (reason === RESET_PROTOCOL_ERROR || (details !== '' && reason === RESET_LOCAL_RESET)) info.setResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR);
    if (details !== '') {
      if (reason === RESET_CONNECT_ERROR || reason === RESET_REMOTE_RESET || reason === RESET_REMOTE_REFUSED_STREAM) {
        info.setResponseFlag(FLAG_DOWNSTREAM_REMOTE_RESET);
      }
      info.responseCodeDetails = details;
    } else if (reason === RESET_OVERLOAD_MANAGER) {
      info.setResponseFlag(FLAG_OVERLOAD_MANAGER);
      info.responseCodeDetails = 'overload';
    }
    this.manager.destroyStream(this);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.callHighWatermarkCallbacks();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.callLowWatermarkCallbacks();
  }

  get canDestroy(): boolean {
    return this.resetSeen || this.codecEncodeComplete || this.internallyDestroyed;
  }

  /** Last: logs, then destroys the filters. Called once, by the connection manager. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.timers.detach();
    this.manager.reuseTimers(this.timers);
    this.streamInfo.requestComplete = this.dispatcher.now();
    this.config.stats.rqActive.dec();
    if (this.streamInfo.healthCheck) this.config.stats.tracingHealthCheck.inc();
    if (this.upgraded) this.config.stats.cxUpgradesActive.dec();
    this.onStreamComplete();
    this.log('DownstreamEnd');
    this.destroyFilters();
  }

  private log(type: AccessLogType): void {
    const handlers = this.accessLogHandlers;
    const logs = this.config.accessLogs;
    if (handlers === null && logs.length === 0) return;
    this.type = type;
    this.now = this.dispatcher.now();
    this.copyMeter();
    // What the id is now: a filter may have changed it, and a refused request has one too.
    if (this.requestHeaders !== null) this.streamInfo.requestId = this.requestHeaders.get('x-request-id') ?? '';
    if (handlers !== null) for (let i = 0; i < handlers.length; i++) handlers[i].log(this);
    for (let i = 0; i < logs.length; i++) logs[i].log(this);
  }

  private copyMeter(): void {
    const from = this.encoder?.stream.bytesMeter;
    if (from === undefined) return;
    const to = this.streamInfo.downstreamMeter;
    to.headerBytesReceived = from.headerBytesReceived;
    to.headerBytesSent = from.headerBytesSent;
    to.wireBytesReceived = from.wireBytesReceived;
    to.wireBytesSent = from.wireBytesSent;
  }

  // Internal redirects and upgrades.

  protected override recreateStream(headers: HeaderMap, body: Buffer | null): void {
    const encoder = this.encoder;
    if (encoder === null) return;
    this.encoder = null;
    this.internallyDestroyed = true;
    this.manager.recreate(this, encoder, headers, body);
  }

  override upgradeAccepted(): void {
    this.tunneling = true;
  }
}
