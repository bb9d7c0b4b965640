import type { Linked, LinkedList } from '../../base/linked-list.ts';
import { isUpgrade } from '../../codec/http1/connection-header.ts';
import { equalsIgnoreCase } from '../../common/byte-string.ts';
import { connectUdpTarget, isConnectUdp, ORIGINAL_CONNECT_PORT } from '../../common/http/connect.ts';
import { hasGrpcContentType } from '../../common/grpc/content-type.ts';
import {
  RESET_CONNECT_ERROR, RESET_LOCAL_RESET, RESET_OVERLOAD_MANAGER, RESET_PROTOCOL_ERROR, RESET_REMOTE_REFUSED_STREAM, RESET_REMOTE_RESET,
} from '../../contract/codec.ts';
import type { RequestDecoder, ResponseEncoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import {
  FLAG_DOWNSTREAM_PROTOCOL_ERROR, FLAG_DOWNSTREAM_REMOTE_RESET, FLAG_OVERLOAD_MANAGER, FLAG_UPSTREAM_CONNECTION_FAILURE,
  FLAG_UPSTREAM_CONNECTION_TERMINATION, FLAG_UPSTREAM_PROTOCOL_ERROR,
} from '../../contract/response-flags.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { ActiveStreamResponse } from './active-stream-response.ts';
import { mutateRequestHeaders, normalizeHost, shouldCloseConnection } from './conn-manager-utility.ts';
import type { ConnectionManager } from './connection-manager.ts';
import { UPGRADE_ACCEPTED, UPGRADE_REJECTED } from './filter-manager-state.ts';
import { NO_GRPC_STATUS } from './local-reply.ts';
import { NORMALIZE_CONTINUE, NORMALIZE_REDIRECT, normalizeRequestPath } from './path-util.ts';
import { invalidRequestDetails, isQueryWithoutContentType } from './request-checks.ts';
import type { DeferredStream } from './request-deferral.ts';
import type { StreamTimerOwner, StreamTimers } from './stream-timers.ts';

const NOTHING = Buffer.alloc(0);

/**
 * One request and its response on a downstream connection: the codec's decoder on one side, the filter chain (its base class) on the
 * other. Here is the request's way in and the stream's end; the response's way out is in active-stream-response.ts, route and
 * timeouts are in active-stream-route.ts. The life of it all is told in docs/internals/life-of-a-request.md.
 */
export class ActiveStream
  extends ActiveStreamResponse
  implements RequestDecoder, StreamCallbacks, StreamTimerOwner, DeferredStream, Linked<ActiveStream> {
  next: ActiveStream | null;
  previous: ActiveStream | null;
  list: LinkedList<ActiveStream> | null;
  /** The request as far as it has come, while it waits for its turn. */
  private deferred: DeferredRequest | null;

  constructor(manager: ConnectionManager, encoder: ResponseEncoder, streamInfo: StreamInfo, timers: StreamTimers, internallyCreated: boolean) {
    super(manager, encoder, streamInfo, timers, internallyCreated);
    this.next = null;
    this.previous = null;
    this.list = null;
    this.deferred = null;
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
    if (this.manager.deferRequest(this)) this.deferred = new DeferredRequest(headers, endStream);
    else super.decodeHeaders(headers, endStream);
    this.resetIdleTimer();
  }

  resumeDeferred(): boolean {
    const request = this.deferred;
    this.deferred = null;
    if (request === null || this.destroyed) return false;
    const { body, trailers } = request;
    const end = request.endStream && trailers === null;
    super.decodeHeaders(request.headers, end && body.length === 0);
    for (let i = 0; i < body.length && !this.destroyed; i++) super.decodeData(body[i], end && i === body.length - 1);
    if (trailers !== null && !this.destroyed) super.decodeTrailers(trailers);
    return true;
  }

  override decodeData(data: Buffer, endStream: boolean): void {
    if (this.destroyed) return;
    this.streamInfo.bytesReceived += data.length;
    if (this.deferred !== null) {
      this.recordLastByte(endStream);
      this.deferred.body.push(Buffer.from(data));
      this.deferred.endStream = endStream;
      return;
    }
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
    if (this.deferred !== null) this.deferred.trailers = trailers;
    else super.decodeTrailers(trailers);
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
    if (path !== undefined && isConnectUdp(headers) && !this.takeUdpTarget(headers, path)) return false;
    if (path !== undefined && path.charCodeAt(0) !== 0x2f) {
      this.config.stats.rqNonRelativePath.inc();
      return this.refuse(404, 'absolute_path_rejected');
    }
    if (!this.normalizePath(headers)) return false;
    const port = normalizeHost(headers, this.config, this.connection.localAddress.port);
    if (port >= 0 && this.wasConnect()) (this.streamInfo.filterState ??= new Map<string, unknown>()).set(ORIGINAL_CONNECT_PORT, port);
    return true;
  }

  /** CONNECT-UDP names its target in the path: routes shall see it as host. */
  private takeUdpTarget(headers: HeaderMap, path: string): boolean {
    const target = connectUdpTarget(path);
    if (target !== null) {
      headers.set(':authority', target);
      return true;
    }
    this.replyLocally(404, 'The path is incorrect for CONNECT-UDP', null, NO_GRPC_STATUS, 'invalid_path');
    return false;
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
    this.encoder?.stream.resetStream(this.resetReason());
  }

  /** What an HTTP/2 client is told by the code of its RST_STREAM. */
  private resetReason(): StreamResetReason {
    const info = this.streamInfo;
    const upstreamGone = info.hasResponseFlag(FLAG_UPSTREAM_CONNECTION_FAILURE) || info.hasResponseFlag(FLAG_UPSTREAM_CONNECTION_TERMINATION);
    if (upstreamGone && this.wasConnect()) return RESET_CONNECT_ERROR;
    const protocolError = info.hasResponseFlag(FLAG_UPSTREAM_PROTOCOL_ERROR) || info.hasResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR);
    return protocolError ? RESET_PROTOCOL_ERROR : RESET_LOCAL_RESET;
  }

  /** HTTP/2 upgrades came as CONNECT, too. */
  private wasConnect(): boolean {
    const headers = this.requestHeaders;
    if (headers === null) return false;
    return headers.get(':method') === 'CONNECT' || (this.manager.isMultiplexed && isUpgrade(headers));
  }

  /** Nothing is left to do but to wait for the codec. */
  becomeZombie(): void {
    if (this.zombie) return;
    this.zombie = true;
    this.timers.stopAll();
    if (this.flushTimeout > 0) this.timers.startFlush(this.flushTimeout);
  }

  override onCodecEncodeComplete(): void {
    super.onCodecEncodeComplete();
    if (this.zombie && !this.destroyed) this.bury();
  }

  /** The client does not take the end of its response. */
  onFlushTimeout(): void {
    this.config.http2Stats().txFlushTimeout.inc();
    const stream = this.encoder?.stream;
    stream?.removeCallbacks(this);
    stream?.resetStream(RESET_LOCAL_RESET);
    this.resetSeen = true;
    this.bury();
  }

  private bury(): void {
    this.manager.destroyStream(this);
    this.manager.onZombieGone();
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
    if (this.streamInfo.healthCheck) this.config.stats.tracingHealthCheck?.inc();
    if (this.upgraded) this.config.stats.cxUpgradesActive.dec();
    this.onStreamComplete();
    this.log('DownstreamEnd');
    this.destroyFilters();
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

/** A request that is held back by `http.max_requests_per_io_cycle`; its body is bounded by the stream's window. */
class DeferredRequest {
  readonly headers: HeaderMap;
  readonly body: Buffer[];
  endStream: boolean;
  trailers: HeaderMap | null;

  constructor(headers: HeaderMap, endStream: boolean) {
    this.headers = headers;
    this.body = [];
    this.endStream = endStream;
    this.trailers = null;
  }
}
