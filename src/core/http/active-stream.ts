import { equalsIgnoreCase } from '../../common/byte-string.ts';
import { connectUdpTarget, isConnectUdp, ORIGINAL_CONNECT_PORT } from '../../common/http/connect.ts';
import { hasGrpcContentType } from '../../common/grpc/content-type.ts';
import type { RequestDecoder, ResponseEncoder } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { ActiveStreamEnd } from './active-stream-end.ts';
import { mutateRequestHeaders, normalizeHost, shouldCloseConnection } from './conn-manager-utility.ts';
import type { ConnectionManager } from './connection-manager.ts';
import { UPGRADE_ACCEPTED, UPGRADE_REJECTED } from './filter-manager-state.ts';
import { NO_GRPC_STATUS } from './local-reply.ts';
import { NORMALIZE_CONTINUE, NORMALIZE_REDIRECT, normalizeRequestPath } from './path-util.ts';
import { invalidRequestDetails, isQueryWithoutContentType } from './request-checks.ts';
import { DeferredRequest } from './request-deferral.ts';
import type { DeferredStream } from './request-deferral.ts';
import type { StreamTimerOwner, StreamTimers } from './stream-timers.ts';

const NOTHING = Buffer.alloc(0);

/**
 * One request and its response on a downstream connection: the codec's decoder on one side, the filter chain (its base class) on the
 * other. Here is the request's way in; the response's way out is in active-stream-response.ts, the stream's end in active-stream-end.ts,
 * route and timeouts are in active-stream-route.ts. The life of it all is told in docs/internals/life-of-a-request.md.
 */
export class ActiveStream extends ActiveStreamEnd implements RequestDecoder, StreamTimerOwner, DeferredStream {
  /** The request as far as it has come, while it waits for its turn. */
  private deferred: DeferredRequest | null;

  constructor(manager: ConnectionManager, encoder: ResponseEncoder, streamInfo: StreamInfo, timers: StreamTimers, internallyCreated: boolean) {
    super(manager, encoder, streamInfo, timers, internallyCreated);
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

  decodeMetadata(metadata: ReadonlyMap<string, string>): void {
    if (this.destroyed) return;
    this.resetIdleTimer();
    this.decodeMetadataAtTerminal(metadata);
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
