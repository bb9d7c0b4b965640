import { parseUint } from '../../common/byte-string.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import { RESET_OVERFLOW } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Host } from '../../contract/upstream.ts';
import { rewriteHost } from './request-headers.ts';
import { rescueReset, resetStatus } from './rescue.ts';
import { RouterRetries } from './router-retries.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** What attempts report, in the order in which it happens, and how it goes on towards the client. */
export abstract class RouterResponses extends RouterRetries {
  rewriteHostFor(host: Host): void {
    const entry = this.entry;
    if (!entry.autoHostRewrite || host.hostname === '') return;
    rewriteHost(this.headers, host.hostname, entry.appendXForwardedHost, this.config.suppressEnvoyHeaders);
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

  /** Only 101 switches protocols (CVE-2024-23326), and only 2xx opens a CONNECT tunnel. */
  protected settleTunnel(status: number, attempt: UpstreamRequest): void {
    const connect = this.headers.get(':method') === 'CONNECT';
    if (connect ? status < 200 || status > 299 : status !== 101) return;
    this.holdsTunnelPayload = false;
    this.stopResponseTimer();
    attempt.stopPerTryTimeouts();
    attempt.sendWaiting();
  }

  onUpstreamData(data: Buffer, attempt: UpstreamRequest, endStream: boolean): void {
    if (this.attempts.length === 0) return;
    if (endStream) {
      this.countGrpcEnd(attempt, null);
      this.onUpstreamComplete(attempt);
    }
    this.callbacks.encodeData(data, endStream);
  }

  onUpstreamTrailers(trailers: HeaderMap, attempt: UpstreamRequest): void {
    if (this.attempts.length === 0) return;
    this.countGrpcEnd(attempt, trailers);
    this.onUpstreamComplete(attempt);
    this.callbacks.encodeTrailers(trailers);
  }

  /** The response is whole. A request that is not is cut off: nobody reads it. */
  protected onUpstreamComplete(attempt: UpstreamRequest): void {
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
}
