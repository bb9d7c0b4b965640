import { parseUint } from '../../common/byte-string.ts';
import { isGrpcRequest } from '../../common/grpc/content-type.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { StreamDecoderFilter, StreamDecoderFilterCallbacks } from '../../contract/http-filter.ts';
import { FLAG_INVALID_ENVOY_REQUEST_HEADERS } from '../../contract/response-flags.ts';
import type { Route, RouteEntry } from '../../contract/route.ts';
import { DATA_STOP_ITERATION_NO_BUFFER, HEADERS_STOP_ITERATION, TRAILERS_STOP_ITERATION } from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import type { ClusterInfo, HttpConnectionPool } from '../../contract/upstream.ts';
import { isScheme } from '../http/conn-manager-utility.ts';
import { NO_GRPC_STATUS } from '../http/local-reply.ts';
import { requestScopes, routerClusterStats } from './code-stats.ts';
import { finalizeRequest } from './request-headers.ts';
import { RESCUE } from './rescue.ts';
import { RetryState } from './retry-state.ts';
import { RouterResponses } from './router-responses.ts';
import { Shadows } from './shadow.ts';
import { isStrictlyValid } from './strict-headers.ts';
import { finalHedging, finalTimeouts } from './timeouts.ts';
import { upstreamPool } from './upstream-pool.ts';
import { UpstreamRequest } from './upstream-request.ts';

/**
 * The terminal filter: takes the request to a host of the route's cluster and brings the response back. Here is the request's way, in
 * order; an attempt at a host is an UpstreamRequest (upstream-request.ts), and what it reports comes back in router-responses.ts. Whether
 * another attempt follows is decided in router-retries.ts, answers from here are in router-replies.ts and their table in rescue.ts,
 * statistics in router-charging.ts, what all of them share in router-state.ts.
 */
export class RouterFilter extends RouterResponses implements StreamDecoderFilter {
  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacksOrNull = callbacks;
  }

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
    const pool = upstreamPool(config, cluster, entry, this.headers, callbacks.streamInfo.protocol, callbacks.connection, this);
    if (pool === null) {
      this.chargeCode(503, null, null);
      return this.refuse(RESCUE.noHealthyUpstream, 0);
    }
    this.takeRequestHeaders();
    this.startRequest(entry, cluster.info, pool, endStream);
    return HEADERS_STOP_ITERATION;
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
      this.replyWith({ status: 400, flag: -1, details: `request_headers_failed_strict_check{${name}}`, body }, 400);
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

  /** Retry state, mirrors, and the first attempt. */
  private startRequest(entry: RouteEntry, cluster: ClusterInfo, pool: HttpConnectionPool, endStream: boolean): void {
    const { config, headers } = this;
    this.retryState = RetryState.create(
      config, this, entry.retryPolicy, headers, cluster, routerClusterStats(cluster), this.scopes, entry.priority,
    );
    this.shadows = entry.shadowPolicies.length === 0 ? null : Shadows.start(this, entry.shadowPolicies, endStream);
    const attempt = this.newAttempt(pool);
    attempt.sendHeaders(endStream);
    if (endStream) this.onRequestComplete();
  }

  protected override newAttempt(pool: HttpConnectionPool): UpstreamRequest {
    const attempt = new UpstreamRequest(this, pool);
    this.attempts.push(attempt);
    return attempt;
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
      this.replyWith(RESCUE.closedWhileDecoding, RESCUE.closedWhileDecoding.status);
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    if (endStream) this.onRequestComplete();
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  /** Bytes of body that may be kept for a retry; Infinity = no limit. */
  effectiveBufferLimit(): number {
    const configured = this.entry.requestBodyBufferLimit;
    if (configured >= 0) return configured;
    const limit = this.callbacks.bufferLimit;
    return limit === 0 ? Infinity : limit;
  }

  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    this.trailers = trailers;
    this.attempts.at(-1)?.sendTrailers(trailers);
    this.shadows?.sendTrailers(trailers);
    this.onRequestComplete();
    return TRAILERS_STOP_ITERATION;
  }

  /** An attempt is there once the headers have come; nobody waits for METADATA without one. */
  decodeMetadata(metadata: ReadonlyMap<string, string>): void {
    this.attempts.at(-1)?.sendMetadata(metadata);
  }

  /** From here on the upstream's time is measured. */
  private onRequestComplete(): void {
    this.requestEnded = true;
    this.requestCompleteTime = this.config.dispatcher.now();
    if (this.attempts.length === 0) return;
    this.startResponseTimer();
    for (const attempt of this.attempts) attempt.onRequestComplete();
  }

  onDestroy(): void {
    this.destroyed = true;
    this.resetAll();
    this.shadows?.cancel();
    this.cleanup();
  }
}
