import { parseUint } from '../../common/byte-string.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import { RESET_OVERFLOW } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Host } from '../../contract/upstream.ts';
import { NO_GRPC_STATUS } from '../http/local-reply.ts';
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
    const monitor = attempt.host?.healthMonitor ?? null;
    if (monitor !== null && headers.has('x-envoy-immediate-health-check-fail')) monitor.setUnhealthy();
    if (this.retryOnHeaders(status, headers, attempt, endStream)) return;
    this.dropRetryState();
    const elapsed = this.config.dispatcher.now() - this.requestCompleteTime;
    if (!Number.isNaN(elapsed) && !this.config.suppressEnvoyHeaders) {
      headers.set('x-envoy-upstream-service-time', String(Math.floor(elapsed)));
    }
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

  /** A WebSocket handshake was answered with neither 101 nor an error: head to the client, and nothing after it (RFC 6455 section 4.1). */
  onHandshakeFailed(status: number, headers: HeaderMap): void {
    const modify = (reply: HeaderMap): void => {
      for (let i = 0; i < headers.size; i++) reply.add(headers.nameAt(i), headers.valueAt(i));
    };
    this.callbacks.sendLocalReply(status, '', modify, NO_GRPC_STATUS, 'websocket_handshake_unsuccessful');
  }

  /** A WebSocket request has no end before its answer: its time runs from the beginning. */
  startTimeoutForUpgrade(): void {
    this.startResponseTimer();
  }

  /** The tunnel stands: how long it lives is for the idle timeout to say. */
  stopTimeoutForUpgrade(): void {
    this.stopResponseTimer();
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

  onUpstreamMetadata(metadata: ReadonlyMap<string, string>): void {
    if (this.attempts.length > 0) this.callbacks.encodeMetadata?.(metadata);
  }

  /** The response is whole. A request that is not is cut off: nobody reads it. */
  protected onUpstreamComplete(attempt: UpstreamRequest): void {
    if (!this.requestEnded) {
      // The client may go on sending; the end comes with the end of the stream.
      if (this.config.upstreamHalfClose) return;
      attempt.reset();
    }
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
