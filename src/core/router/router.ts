// Long because it is one state machine: attempts, retries, timeouts and the answers that end them.
import { isGrpcRequest } from '../../common/http/grpc.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import { RESET_LOCAL_RESET, RESET_OVERFLOW } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { DownstreamWatermarkCallbacks, StreamDecoderFilter, StreamDecoderFilterCallbacks } from '../../contract/http-filter.ts';
import type { Connection } from '../../contract/network.ts';
import { FLAG_INVALID_ENVOY_REQUEST_HEADERS, FLAG_UPSTREAM_OVERFLOW, FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED } from '../../contract/response-flags.ts';
import type { DirectResponseEntry, HeaderFinalizer, Route, RouteEntry } from '../../contract/route.ts';
import { DATA_STOP_ITERATION_NO_BUFFER, HEADERS_STOP_ITERATION, TRAILERS_STOP_ITERATION } from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo, Host, LoadBalancerContext, ThreadLocalCluster } from '../../contract/upstream.ts';
import { isUpgrade } from '../../codec/http1/connection-header.ts';
import { GRPC_NO_STATUS, grpcStatusIn, grpcToHttpStatus, parseUint } from '../http/grpc.ts';
import { NO_GRPC_STATUS } from '../http/local-reply.ts';
import { isScheme } from '../http/conn-manager-utility.ts';
import { requestScopes, routerClusterStats } from './code-stats.ts';
import type { RetryScopeStats } from './code-stats.ts';
import { RESCUE, rescueReset, resetStatus } from './rescue.ts';
import type { Rescue } from './rescue.ts';
import { RETRY_NO_LIMIT_EXCEEDED, RETRY_NO_OVERFLOW, RETRY_YES, RetryState } from './retry-state.ts';
import type { RetryOwner, RetryStatus } from './retry-state.ts';
import type { RouterConfig } from './router-config.ts';
import { Shadows } from './shadow.ts';
import { isStrictlyValid } from './strict-headers.ts';
import { Timeouts, finalHedging, finalTimeouts, setTimeoutHeaders } from './timeouts.ts';
import type { PooledTimer, PooledTimerOwner } from './timer-pool.ts';
import { UpstreamRequest } from './upstream-request.ts';

const NO_HEADERS = new HeaderMap();
const NO_SCOPES: readonly RetryScopeStats[] = [];

/**
 * The terminal filter: takes the request to a host of the route's cluster and brings the response back. Retries, timeouts, hedging and
 * mirroring happen here; what goes wrong is answered by the table in rescue.ts. Longer than most files: one state machine, told in
 * docs/internals/life-of-a-request.md.
 */
export class RouterFilter implements StreamDecoderFilter, LoadBalancerContext, RetryOwner, PooledTimerOwner, DownstreamWatermarkCallbacks {
  readonly config: RouterConfig;
  private callbacksOrNull: StreamDecoderFilterCallbacks | null;
  headers: HeaderMap;
  private trailers: HeaderMap | null;
  private route: Route | null;
  private entryOrNull: RouteEntry | null;
  private clusterOrNull: ClusterInfo | null;
  private scopes: readonly RetryScopeStats[];
  /** Attempts under way; the newest last. More than one only while hedging. */
  private readonly attempts: UpstreamRequest[];
  private retryState: RetryState | null;
  timeouts: Timeouts;
  private responseTimer: PooledTimer | null;
  private shadows: Shadows | null;
  private attemptCount: number;
  private pendingRetries: number;
  private hedging: boolean;
  private isGrpc: boolean;
  private isRetry: boolean;
  private nextRetryIsTimeout: boolean;
  private timeoutStatus: number;
  /** Statistics of a caller's choice (`x-envoy-upstream-alt-stat-name`), or empty. */
  private altStatName: string;
  dynamicMaxStreamDuration: number;
  /** The whole request has been seen. */
  requestEnded: boolean;
  private requestCompleteTime: number;
  responseStarted: boolean;
  private upstreamRequestStarted: boolean;
  private bufferOverflowed: boolean;
  /** CONNECT or WebSocket: payload waits until the upstream has accepted (incidents.md 1.C). */
  holdsTunnelPayload: boolean;
  private watermarksRegistered: boolean;
  private backups: number;
  private destroyed: boolean;

  constructor(config: RouterConfig) {
    this.config = config;
    this.callbacksOrNull = null;
    this.headers = NO_HEADERS;
    this.trailers = null;
    this.route = null;
    this.entryOrNull = null;
    this.clusterOrNull = null;
    this.scopes = NO_SCOPES;
    this.attempts = [];
    this.retryState = null;
    this.timeouts = NO_TIMEOUTS;
    this.responseTimer = null;
    this.shadows = null;
    this.attemptCount = 0;
    this.pendingRetries = 0;
    this.hedging = false;
    this.isGrpc = false;
    this.isRetry = false;
    this.nextRetryIsTimeout = false;
    this.timeoutStatus = 504;
    this.altStatName = '';
    this.dynamicMaxStreamDuration = -1;
    this.requestEnded = false;
    this.requestCompleteTime = NaN;
    this.responseStarted = false;
    this.upstreamRequestStarted = false;
    this.bufferOverflowed = false;
    this.holdsTunnelPayload = false;
    this.watermarksRegistered = false;
    this.backups = 0;
    this.destroyed = false;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacksOrNull = callbacks;
  }

  get callbacks(): StreamDecoderFilterCallbacks {
    if (this.callbacksOrNull === null) throw new Error('router used before it was given its callbacks');
    return this.callbacksOrNull;
  }

  get cluster(): ClusterInfo {
    if (this.clusterOrNull === null) throw new Error('router has no cluster yet');
    return this.clusterOrNull;
  }

  private get entry(): RouteEntry {
    if (this.entryOrNull === null) throw new Error('router has no route entry yet');
    return this.entryOrNull;
  }

  // Request.

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { config, callbacks } = this;
    this.headers = headers;
    this.isGrpc = isGrpcRequest(headers);
    config.stats.rqTotal.inc();
    const route = callbacks.route();
    this.route = route;
    if (route === null) {
      config.stats.noRoute.inc();
      return this.refuse(RESCUE.noRoute, 0);
    }
    if (route.directResponse !== null) {
      config.stats.rqDirectResponse.inc();
      this.replyDirectly(route.directResponse);
      return HEADERS_STOP_ITERATION;
    }
    const entry = route.routeEntry;
    if (entry === null) return this.refuse(RESCUE.noRoute, 0);
    this.entryOrNull = entry;
    const cluster = config.clusterManager.getThreadLocalCluster(entry.clusterName);
    if (cluster === null) {
      config.stats.noCluster.inc();
      return this.refuse(RESCUE.noCluster, entry.clusterNotFoundResponseCode);
    }
    this.clusterOrNull = cluster.info;
    if (!this.checkRequest(route, cluster.info)) return HEADERS_STOP_ITERATION;
    this.prepareRequest(route, entry);
    const pool = cluster.httpPool(entry.priority, callbacks.streamInfo.protocol, this);
    if (pool === null) {
      this.chargeCode(503, null, null);
      return this.refuse(RESCUE.noHealthyUpstream, 0);
    }
    this.takeRequestHeaders();
    this.retryState = RetryState.create(
      config, this, entry.retryPolicy, headers, cluster.info, routerClusterStats(cluster.info), this.scopes, entry.priority,
    );
    this.holdsTunnelPayload = headers.get(':method') === 'CONNECT' || isWebSocket(headers);
    this.shadows = entry.shadowPolicies.length === 0 ? null : Shadows.start(this, entry.shadowPolicies, endStream);
    const attempt = new UpstreamRequest(this, pool);
    this.attempts.push(attempt);
    if (this.holdsTunnelPayload) this.startResponseTimer();
    attempt.sendHeaders(endStream);
    if (endStream) this.onRequestComplete();
    return HEADERS_STOP_ITERATION;
  }

  private refuse(rescue: Rescue, status: number): FilterHeadersStatus {
    const callbacks = this.callbacks;
    if (rescue.flag >= 0) callbacks.streamInfo.setResponseFlag(rescue.flag);
    const modify = this.entryOrNull === null ? null : (headers: HeaderMap): void => this.modifyResponse(headers);
    callbacks.sendLocalReply(status === 0 ? rescue.status : status, rescue.body, modify, NO_GRPC_STATUS, rescue.details);
    return HEADERS_STOP_ITERATION;
  }

  private replyDirectly(direct: DirectResponseEntry): void {
    const { callbacks, headers } = this;
    finalizeRequest(direct, headers, callbacks.streamInfo, this.config.suppressEnvoyHeaders);
    const modify = (reply: HeaderMap): void => {
      const location = direct.newUri(headers);
      const redirects = direct.status === 201 || (direct.status >= 300 && direct.status < 400);
      if (location !== '' && redirects) reply.set('location', location);
      // The plain type is every local reply's default and comes after content-length, as in Envoy.
      if (direct.contentType !== '' && direct.contentType !== 'text/plain') reply.set('content-type', direct.contentType);
      direct.finalizeResponseHeaders(headers, reply, callbacks.streamInfo);
    };
    callbacks.sendLocalReply(direct.status, direct.body(headers, callbacks.streamInfo), modify, NO_GRPC_STATUS, 'direct_response');
  }

  /** Virtual cluster, strict headers, maintenance: false when the request was refused. */
  private checkRequest(route: Route, cluster: ClusterInfo): boolean {
    const { config, callbacks, headers } = this;
    const virtualCluster = route.virtualHost.virtualCluster(headers);
    if (virtualCluster !== null) callbacks.streamInfo.virtualClusterName = virtualCluster.name;
    this.scopes = requestScopes(config.rootScope, route.virtualHost, virtualCluster, this.entry);
    for (let i = 0; i < config.strictCheckHeaders.length; i++) {
      const name = config.strictCheckHeaders[i];
      if (isStrictlyValid(headers, name)) continue;
      callbacks.streamInfo.setResponseFlag(FLAG_INVALID_ENVOY_REQUEST_HEADERS);
      const body = `invalid header '${name}' with value '${headers.get(name) ?? ''}'`;
      callbacks.sendLocalReply(400, body, (reply) => this.modifyResponse(reply), NO_GRPC_STATUS, `request_headers_failed_strict_check{${name}}`);
      return false;
    }
    const alt = headers.get('x-envoy-upstream-alt-stat-name');
    if (alt !== undefined) {
      this.altStatName = `${alt}.`;
      headers.remove('x-envoy-upstream-alt-stat-name');
    }
    if (!cluster.maintenanceMode) return true;
    this.chargeCode(503, null, null);
    this.replyOverloaded(RESCUE.maintenance, true);
    cluster.stats.upstreamRqMaintenanceMode.inc();
    return false;
  }

  private replyOverloaded(rescue: Rescue, overloaded: boolean): void {
    const callbacks = this.callbacks;
    if (rescue.flag >= 0) callbacks.streamInfo.setResponseFlag(rescue.flag);
    const announce = overloaded && !this.config.suppressEnvoyHeaders;
    const modify = (reply: HeaderMap): void => {
      if (announce) reply.add('x-envoy-overloaded', 'true');
      this.modifyResponse(reply);
    };
    callbacks.sendLocalReply(rescue.status, rescue.body, modify, NO_GRPC_STATUS, rescue.details);
  }

  /** Timeouts, attempt count and the route's changes to the request. */
  private prepareRequest(route: Route, entry: RouteEntry): void {
    const { config, callbacks, headers } = this;
    const limit = this.effectiveBufferLimit();
    if (limit > callbacks.bufferLimit && limit !== Infinity) callbacks.setBufferLimit(limit);
    this.attemptCount = 1;
    callbacks.streamInfo.attemptCount = 1;
    this.hedging = finalHedging(entry, headers);
    this.timeouts = finalTimeouts(entry, headers, !config.suppressEnvoyHeaders, this.isGrpc, this.hedging, config.respectExpectedRqTimeout);
    if (route.virtualHost.includeRequestAttemptCount) headers.set('x-envoy-attempt-count', '1');
    finalizeRequest(entry, headers, callbacks.streamInfo, config.suppressEnvoyHeaders);
  }

  /** Headers that only the router reads, and the scheme towards the upstream. */
  private takeRequestHeaders(): void {
    const headers = this.headers;
    const duration = headers.get('x-envoy-upstream-stream-duration-ms');
    if (duration !== undefined) {
      this.dynamicMaxStreamDuration = parseUint(duration);
      headers.remove('x-envoy-upstream-stream-duration-ms');
    }
    if (headers.remove('x-envoy-upstream-rq-timeout-alt-response') > 0) this.timeoutStatus = 204;
    const info = this.callbacks.streamInfo;
    if (info.schemeMatchesUpstream) headers.set(':scheme', 'http');
    else if (!isScheme(headers.get(':scheme') ?? '')) {
      const proto = headers.get('x-forwarded-proto') ?? '';
      headers.set(':scheme', isScheme(proto) ? proto : info.downstreamSsl === null ? 'http' : 'https');
    }
  }

  /** Bytes of body that may be kept for a retry. */
  private effectiveBufferLimit(): number {
    const configured = this.entry.requestBodyBufferLimit;
    if (configured >= 0) return configured;
    const limit = this.callbacks.bufferLimit;
    return limit === 0 ? Infinity : limit;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const callbacks = this.callbacks;
    if (this.config.rejectEarlyConnectData && data.length > 0 && !this.responseStarted && this.headers.get(':method') === 'CONNECT') {
      callbacks.sendLocalReply(400, '', null, NO_GRPC_STATUS, RESCUE.earlyConnectData.details);
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    let buffering = this.retryState?.enabled ?? false;
    if (buffering) {
      const buffered = callbacks.decodingBuffer()?.length ?? 0;
      if (buffered + data.length > this.effectiveBufferLimit() && !this.bufferOverflowed) {
        buffering = false;
        if (!this.giveUpRetries()) return DATA_STOP_ITERATION_NO_BUFFER;
      }
    }
    this.shadows?.sendData(data, endStream);
    const attempt = this.attempts.at(-1);
    if (buffering) {
      attempt?.sendData(data, endStream);
      callbacks.addDecodedData(data, true);
    } else if (attempt !== undefined) attempt.sendData(data, endStream);
    else {
      this.cleanup();
      const rescue = RESCUE.closedWhileDecoding;
      callbacks.sendLocalReply(rescue.status, rescue.body, (reply) => this.modifyResponse(reply), NO_GRPC_STATUS, rescue.details);
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    if (endStream) this.onRequestComplete();
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  /** The body has grown over what may be kept: it cannot be sent again. False when that ends the request (an attempt had failed already). */
  private giveUpRetries(): boolean {
    routerClusterStats(this.cluster).retryOrShadowAbandoned.inc();
    this.dropRetryState();
    if (this.attempts.length > 0) return true;
    this.bufferOverflowed = true;
    this.cleanup();
    const rescue = RESCUE.retryBufferExceeded;
    this.callbacks.sendLocalReply(rescue.status, rescue.body, (reply) => this.modifyResponse(reply), NO_GRPC_STATUS, rescue.details);
    return false;
  }

  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    this.trailers = trailers;
    this.attempts.at(-1)?.sendTrailers(trailers);
    this.shadows?.sendTrailers(trailers);
    this.onRequestComplete();
    return TRAILERS_STOP_ITERATION;
  }

  /** From here on the upstream's time is measured. */
  private onRequestComplete(): void {
    this.requestEnded = true;
    this.requestCompleteTime = this.config.dispatcher.now();
    if (this.attempts.length === 0) return;
    this.startResponseTimer();
    for (const attempt of this.attempts) attempt.onRequestComplete();
  }

  private startResponseTimer(): void {
    if (this.timeouts.global > 0 && this.responseTimer === null) this.responseTimer = this.config.timers.borrow(this, this.timeouts.global);
  }

  private stopResponseTimer(): void {
    if (this.responseTimer === null) return;
    this.config.timers.giveBack(this.responseTimer);
    this.responseTimer = null;
  }

  onDestroy(): void {
    this.destroyed = true;
    this.resetAll();
    this.shadows?.cancel();
    this.cleanup();
  }

  private cleanup(): void {
    this.dropRetryState();
    this.stopResponseTimer();
  }

  private dropRetryState(): void {
    this.retryState?.dispose();
    this.retryState = null;
  }

  private resetAll(): void {
    for (let attempt = this.attempts.pop(); attempt !== undefined; attempt = this.attempts.pop()) {
      attempt.reset();
      attempt.cleanUp();
    }
  }

  private remove(attempt: UpstreamRequest): void {
    const at = this.attempts.indexOf(attempt);
    if (at >= 0) this.attempts.splice(at, 1);
    attempt.cleanUp();
  }

  // Load balancing.

  hashKey(): bigint | null {
    return this.entryOrNull?.hashPolicy?.generateHash(this.headers, this.callbacks.streamInfo) ?? null;
  }

  get metadataMatch(): Readonly<Record<string, unknown>> | null {
    return this.entryOrNull?.metadataMatch ?? null;
  }

  get downstreamHeaders(): HeaderMap {
    return this.headers;
  }

  get downstreamConnection(): Connection | null {
    return this.callbacks.connection;
  }

  get hostSelectionRetryCount(): number {
    return 1;
  }

  shouldSelectAnotherHost(_host: Host): boolean {
    return false;
  }

  // What attempts report.

  /** An attempt has its stream. */
  onUpstreamHostReady(): void {
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i].total.inc();
  }

  rewriteHostFor(host: Host): void {
    const entry = this.entry;
    if (!entry.autoHostRewrite || host.hostname === '') return;
    const headers = this.headers;
    const old = headers.get(':authority') ?? '';
    if (old !== '') {
      if (!this.config.suppressEnvoyHeaders) headers.set('x-envoy-original-host', old);
      if (entry.appendXForwardedHost) appendForwardedHost(headers, old);
    }
    headers.set(':authority', host.hostname);
  }

  onUpstream1xx(headers: HeaderMap, attempt: UpstreamRequest): void {
    this.chargeCode(parseUint(headers.get(':status') ?? '100'), headers, attempt.host);
    this.responseStarted = true;
    this.resetOthers(attempt);
    this.dropRetryState();
    this.callbacks.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(status: number, headers: HeaderMap, attempt: UpstreamRequest, endStream: boolean): void {
    const callbacks = this.callbacks;
    if (this.retryOnHeaders(status, headers, attempt, endStream)) return;
    this.dropRetryState();
    const elapsed = this.config.dispatcher.now() - this.requestCompleteTime;
    if (!Number.isNaN(elapsed) && !this.config.suppressEnvoyHeaders) {
      headers.set('x-envoy-upstream-service-time', String(Math.floor(elapsed)));
    }
    if (this.holdsTunnelPayload) this.settleTunnel(status, attempt);
    attempt.canary = headers.get('x-envoy-upstream-canary') === 'true' || (attempt.host?.canary ?? false);
    this.chargeCode(status, headers, attempt.host);
    if (status < 500) this.countSuccess(headers, attempt, endStream);
    callbacks.streamInfo.responseCodeDetails = 'via_upstream';
    callbacks.streamInfo.responseCode = status;
    this.responseStarted = true;
    callbacks.streamInfo.upstream = attempt.info;
    if (this.attempts.length > 1) this.resetOthers(attempt);
    this.entry.finalizeResponseHeaders(this.headers, headers, callbacks.streamInfo);
    this.modifyResponse(headers);
    if (endStream) this.onUpstreamComplete(attempt);
    callbacks.encodeHeaders(headers, endStream, 'via_upstream');
  }

  /** Whether the response is not the one for the client: a retry follows, or another attempt goes on. */
  private retryOnHeaders(status: number, headers: HeaderMap, attempt: UpstreamRequest, endStream: boolean): boolean {
    const state = this.retryState;
    if (state === null) return false;
    let couldNotRetry = false;
    if (attempt.retried) couldNotRetry = state.wouldRetryFromHeaders(headers);
    else {
      const retry = state.shouldRetryHeaders(headers);
      if (retry === RETRY_YES) {
        this.pendingRetries++;
        this.nextRetryIsTimeout = false;
        attempt.host?.stats.rqError.add(1);
        this.cluster.stats.chargeResponse('retry.', status);
        if (!endStream || !attempt.encodeComplete) attempt.reset();
        this.remove(attempt);
        return true;
      }
      couldNotRetry = this.flagRefusedRetry(retry);
    }
    if (!couldNotRetry || (this.awaiting === 0 && this.pendingRetries === 0)) return false;
    attempt.host?.stats.rqError.add(1);
    attempt.reset();
    this.remove(attempt);
    return true;
  }

  private flagRefusedRetry(status: RetryStatus): boolean {
    const info = this.callbacks.streamInfo;
    if (status === RETRY_NO_OVERFLOW) info.setResponseFlag(FLAG_UPSTREAM_OVERFLOW);
    else if (status === RETRY_NO_LIMIT_EXCEEDED) info.setResponseFlag(FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED);
    else return false;
    return true;
  }

  private get awaiting(): number {
    let count = 0;
    for (const attempt of this.attempts) if (attempt.awaitingHeaders) count++;
    return count;
  }

  /** Only 101 switches protocols (CVE-2024-23326), and only 2xx opens a CONNECT tunnel. */
  private settleTunnel(status: number, attempt: UpstreamRequest): void {
    const connect = this.headers.get(':method') === 'CONNECT';
    if (connect ? status < 200 || status > 299 : status !== 101) return;
    this.holdsTunnelPayload = false;
    this.stopResponseTimer();
    attempt.stopPerTryTimeouts();
    attempt.sendWaiting();
  }

  private countSuccess(headers: HeaderMap, attempt: UpstreamRequest, endStream: boolean): void {
    const stats = attempt.host?.stats;
    if (stats === undefined) return;
    if (!this.isGrpc) stats.rqSuccess.add(1);
    else if (!endStream) attempt.grpcSuccessDeferred = true;
    else if (isGrpcSuccess(headers)) stats.rqSuccess.add(1);
    else stats.rqError.add(1);
  }

  onUpstreamData(data: Buffer, attempt: UpstreamRequest, endStream: boolean): void {
    if (this.attempts.length === 0) return;
    if (endStream) {
      // gRPC says how it went in trailers: there were none.
      if (attempt.grpcSuccessDeferred) attempt.host?.stats.rqError.add(1);
      this.onUpstreamComplete(attempt);
    }
    this.callbacks.encodeData(data, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap, attempt: UpstreamRequest): void {
    if (this.attempts.length === 0) return;
    if (attempt.grpcSuccessDeferred) {
      const stats = attempt.host?.stats;
      if (isGrpcSuccess(trailers)) stats?.rqSuccess.add(1);
      else stats?.rqError.add(1);
    }
    this.onUpstreamComplete(attempt);
    this.callbacks.encodeTrailers(trailers);
  }

  /** The response is whole. A request that is not is cut off: nobody reads it. */
  private onUpstreamComplete(attempt: UpstreamRequest): void {
    if (!this.requestEnded) attempt.reset();
    const elapsed = this.config.dispatcher.now() - this.requestCompleteTime;
    if (!Number.isNaN(elapsed) && this.config.dynamicStats && !this.callbacks.streamInfo.healthCheck) this.chargeTime(elapsed, attempt);
    this.remove(attempt);
    this.cleanup();
  }

  onUpstreamReset(reason: StreamResetReason, failure: string, attempt: UpstreamRequest): void {
    const overflow = reason === RESET_OVERFLOW;
    if (this.retryAfterReset(reason, attempt, false)) return;
    this.chargeAbort(resetStatus(reason), attempt);
    this.remove(attempt);
    // Another attempt may still answer.
    if (this.awaiting > 0 || this.pendingRetries > 0) return;
    this.abort(rescueReset(reason, failure, this.isRetry, this.responseStarted), overflow);
  }

  private retryAfterReset(reason: StreamResetReason, attempt: UpstreamRequest, timedOut: boolean): boolean {
    const state = this.retryState;
    if (this.responseStarted || state === null || attempt.retried) return false;
    if (attempt.requestStarted) this.upstreamRequestStarted = true;
    const status = state.shouldRetryReset(reason, this.upstreamRequestStarted);
    if (status !== RETRY_YES) {
      this.flagRefusedRetry(status);
      return false;
    }
    this.pendingRetries++;
    this.nextRetryIsTimeout = timedOut;
    attempt.host?.stats.rqError.add(1);
    this.remove(attempt);
    return true;
  }

  private abort(rescue: Rescue, overflow: boolean): void {
    if (rescue.flag >= 0) this.callbacks.streamInfo.setResponseFlag(rescue.flag);
    const final = this.bufferOverflowed ? RESCUE.retryBufferExceeded : rescue;
    this.cleanup();
    this.replyOverloaded(final, overflow);
  }

  private chargeAbort(status: number, attempt: UpstreamRequest): void {
    if (this.responseStarted) {
      if (!attempt.grpcSuccessDeferred) return;
      attempt.host?.stats.rqError.add(1);
      this.config.stats.rqResetAfterDownstreamResponseStarted.inc();
      return;
    }
    this.chargeCode(status, null, attempt.host);
    if (status < 500) attempt.host?.stats.rqError.add(1);
  }

  private resetOthers(winner: UpstreamRequest): void {
    for (let i = this.attempts.length - 1; i >= 0; i--) {
      const attempt = this.attempts[i];
      if (attempt === winner) continue;
      this.attempts.splice(i, 1);
      attempt.reset();
      attempt.cleanUp();
    }
  }

  // Timeouts.

  onPooledTimer(): void {
    this.stopResponseTimer();
    for (let attempt = this.attempts.pop(); attempt !== undefined; attempt = this.attempts.pop()) {
      this.cluster.stats.upstreamRqTimeout.inc();
      for (let i = 0; i < this.scopes.length; i++) this.scopes[i].timeout.inc();
      attempt.host?.stats.rqTimeout.add(1);
      if (attempt.awaitingHeaders) this.chargeAbort(this.timeoutStatus, attempt);
      attempt.reset();
      attempt.cleanUp();
    }
    this.abort(this.timeoutRescue(RESCUE.timeout), false);
  }

  private timeoutRescue(rescue: Rescue): Rescue {
    return this.timeoutStatus === 504 ? rescue : { status: this.timeoutStatus, flag: rescue.flag, details: rescue.details, body: '' };
  }

  onPerTryTimeout(attempt: UpstreamRequest): void {
    if (this.hedging) this.hedge(attempt);
    else {
      this.cluster.stats.upstreamRqPerTryTimeout.inc();
      this.giveUpAttempt(attempt, RESCUE.perTryTimeout);
    }
  }

  onPerTryIdleTimeout(attempt: UpstreamRequest): void {
    if (this.hedging) this.hedge(attempt);
    else {
      this.cluster.stats.upstreamRqPerTryIdleTimeout.inc();
      this.giveUpAttempt(attempt, RESCUE.perTryIdleTimeout);
    }
  }

  private giveUpAttempt(attempt: UpstreamRequest, rescue: Rescue): void {
    attempt.host?.stats.rqTimeout.add(1);
    attempt.reset();
    if (this.retryAfterReset(RESET_LOCAL_RESET, attempt, true)) return;
    this.chargeAbort(this.timeoutStatus, attempt);
    this.remove(attempt);
    this.abort(this.timeoutRescue(rescue), false);
  }

  /** A slow attempt goes on while another is made; the first good answer wins. */
  private hedge(attempt: UpstreamRequest): void {
    if (this.responseStarted || this.retryState === null) return;
    const status = this.retryState.shouldHedge();
    if (status === RETRY_YES) {
      this.pendingRetries++;
      this.nextRetryIsTimeout = true;
      attempt.retried = true;
    } else this.flagRefusedRetry(status);
  }

  onMaxStreamDuration(attempt: UpstreamRequest): void {
    attempt.reset();
    if (this.retryAfterReset(RESET_LOCAL_RESET, attempt, false)) return;
    this.remove(attempt);
    this.cleanup();
    const rescue = RESCUE.maxStreamDuration;
    const info = this.callbacks.streamInfo;
    info.setResponseFlag(rescue.flag);
    const status = Number.isNaN(info.lastDownstreamRxByte) ? 408 : 504;
    this.callbacks.sendLocalReply(status, rescue.body, (reply) => this.modifyResponse(reply), NO_GRPC_STATUS, rescue.details);
  }

  onRetryDue(): void {
    if (this.destroyed) return;
    this.isRetry = true;
    this.attemptCount++;
    this.callbacks.streamInfo.attemptCount = this.attemptCount;
    this.pendingRetries--;
    const entry = this.entry;
    // The cluster may have been removed while the retry waited.
    const cluster: ThreadLocalCluster | null = this.config.clusterManager.getThreadLocalCluster(entry.clusterName);
    const pool = cluster?.httpPool(entry.priority, this.callbacks.streamInfo.protocol, this) ?? null;
    if (pool === null) {
      this.chargeCode(503, null, null);
      this.resetAll();
      this.cleanup();
      this.refuse(RESCUE.noHealthyUpstream, 0);
      return;
    }
    this.updateRetryHeaders(entry);
    const attempt = new UpstreamRequest(this, pool);
    this.attempts.push(attempt);
    const body = this.callbacks.decodingBuffer();
    attempt.sendHeaders(body === null && this.trailers === null && this.requestEnded);
    if (this.attempts.at(-1) !== attempt) return;
    if (body !== null) attempt.sendData(body, this.trailers === null && this.requestEnded);
    if (this.trailers !== null) attempt.sendTrailers(this.trailers);
  }

  private updateRetryHeaders(entry: RouteEntry): void {
    const { headers, config } = this;
    const host = this.route?.virtualHost;
    if (host?.includeRequestAttemptCount === true) headers.set('x-envoy-attempt-count', String(this.attemptCount));
    if (host?.includeIsTimeoutRetryHeader === true) headers.set('x-envoy-is-timeout-retry', this.nextRetryIsTimeout ? 'true' : 'false');
    const elapsed = Number.isNaN(this.requestCompleteTime) ? 0 : config.dispatcher.now() - this.requestCompleteTime;
    setTimeoutHeaders(elapsed, this.timeouts, entry, headers, !config.suppressEnvoyHeaders, this.isGrpc, this.hedging);
  }

  // Flow control.

  /** How often the downstream is full at this moment; registers for changes on first use. */
  downstreamBackups(): number {
    if (!this.watermarksRegistered) {
      this.watermarksRegistered = true;
      this.callbacks.addDownstreamWatermarkCallbacks(this);
      // The registration has told those attempts that exist.
      return 0;
    }
    return this.backups;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.backups++;
    for (const attempt of this.attempts) attempt.onDownstreamFull();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.backups--;
    for (const attempt of this.attempts) attempt.onDownstreamDrained();
  }

  // Statistics and headers of the response.

  private modifyResponse(headers: HeaderMap): void {
    if (this.attemptCount === 0 || this.route?.virtualHost.includeAttemptCountInResponse !== true) return;
    headers.set('x-envoy-attempt-count', String(this.attemptCount));
  }

  /** `upstream_rq_<code>` and its relatives. `response` null = the proxy's own answer. */
  private chargeCode(status: number, response: HeaderMap | null, host: Host | null): void {
    const { config } = this;
    if (!config.dynamicStats || this.callbacks.streamInfo.healthCheck) return;
    const stats = this.cluster.stats;
    const canary = response?.get('x-envoy-upstream-canary') === 'true' || (host?.canary ?? false);
    const origin = this.headers.get('x-envoy-internal') === 'true' ? 'internal.' : 'external.';
    if (this.isGrpc && config.suppressGrpcRequestFailureCodeStats) stats.upstreamRqCompleted.inc();
    else stats.chargeResponse('', status);
    if (canary) stats.chargeResponse('canary.', status);
    stats.chargeResponse(origin, status);
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i].chargeResponse(status);
    const zone = host?.locality.zone ?? '';
    if (config.zone !== '' && zone !== '') stats.chargeResponse(`zone.${config.zone}.${zone}.`, status);
    if (this.altStatName !== '') {
      stats.chargeResponse(this.altStatName, status);
      stats.chargeResponse(this.altStatName + origin, status);
    }
    if (host !== null && status >= 500 && status < 600) host.stats.rqError.add(1);
  }

  private chargeTime(elapsed: number, attempt: UpstreamRequest): void {
    const stats = this.cluster.stats;
    const time = Math.floor(elapsed);
    stats.chargeResponseTime('', time);
    if (attempt.canary) stats.chargeResponseTime('canary.', time);
    stats.chargeResponseTime(this.headers.get('x-envoy-internal') === 'true' ? 'internal.' : 'external.', time);
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i].chargeTime(time);
    const zone = attempt.host?.locality.zone ?? '';
    if (this.config.zone !== '' && zone !== '') stats.chargeResponseTime(`zone.${this.config.zone}.${zone}.`, time);
    if (this.altStatName !== '') stats.chargeResponseTime(this.altStatName, time);
  }
}

const NO_TIMEOUTS = new Timeouts(0, 0, 0);

function isWebSocket(headers: HeaderMap): boolean {
  return headers.has('upgrade') && isUpgrade(headers) && (headers.get('upgrade') ?? '').toLowerCase() === 'websocket';
}

function isGrpcSuccess(headers: HeaderMap): boolean {
  const status = grpcStatusIn(headers);
  return status !== GRPC_NO_STATUS && grpcToHttpStatus(status) < 500;
}

/** What the headers were before a rewrite is an x-envoy header too: not told when those are suppressed. */
const ORIGINALS: readonly string[] = ['x-envoy-original-path', 'x-envoy-original-host'];

/** The route's changes to the request. */
function finalizeRequest(finalizer: HeaderFinalizer, headers: HeaderMap, streamInfo: StreamInfo, suppress: boolean): void {
  const before = suppress ? ORIGINALS.map((name) => headers.get(name)) : null;
  finalizer.finalizeRequestHeaders(headers, streamInfo);
  before?.forEach((value, i) => {
    if (value === undefined) headers.remove(ORIGINALS[i]);
    else headers.set(ORIGINALS[i], value);
  });
}

/** Appends unless it is the last one already. */
function appendForwardedHost(headers: HeaderMap, host: string): void {
  const present = headers.getJoined('x-forwarded-host') ?? '';
  if (present === '' || present.slice(present.lastIndexOf(',') + 1) !== host) headers.append('x-forwarded-host', host);
}
