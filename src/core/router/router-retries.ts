import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { FLAG_UPSTREAM_OVERFLOW, FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED } from '../../contract/response-flags.ts';
import type { RouteEntry } from '../../contract/route.ts';
import type { HttpConnectionPool, ThreadLocalCluster } from '../../contract/upstream.ts';
import { routerClusterStats } from './code-stats.ts';
import { RESCUE } from './rescue.ts';
import type { Rescue } from './rescue.ts';
import { RETRY_NO_LIMIT_EXCEEDED, RETRY_NO_OVERFLOW, RETRY_YES } from './retry-state.ts';
import type { RetryOwner, RetryStatus } from './retry-state.ts';
import { RouterReplies } from './router-replies.ts';
import { setTimeoutHeaders } from './timeouts.ts';
import { upstreamPool } from './upstream-pool.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/**
 * Whether an attempt that went wrong, or takes too long, is followed by another. How often and how soon is RetryState's knowledge; when
 * nothing follows, the request ends with a local answer.
 */
export abstract class RouterRetries extends RouterReplies implements RetryOwner {
  /** One more attempt, the newest in the list; nothing is sent yet. */
  protected abstract newAttempt(pool: HttpConnectionPool): UpstreamRequest;

  // After a response or a reset.

  /** Whether the response is not the one for the client: a retry follows, or another attempt goes on. */
  protected retryOnHeaders(status: number, headers: HeaderMap, attempt: UpstreamRequest, endStream: boolean): boolean {
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

  protected retryAfterReset(reason: StreamResetReason, attempt: UpstreamRequest, timedOut: boolean): boolean {
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

  protected flagRefusedRetry(status: RetryStatus): boolean {
    const info = this.callbacks.streamInfo;
    if (status === RETRY_NO_OVERFLOW) info.setResponseFlag(FLAG_UPSTREAM_OVERFLOW);
    else if (status === RETRY_NO_LIMIT_EXCEEDED) info.setResponseFlag(FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED);
    else return false;
    return true;
  }

  /** The body has grown over what may be kept: it cannot be sent again. False when that ends the request (an attempt had failed already). */
  protected giveUpRetries(): boolean {
    routerClusterStats(this.cluster).retryOrShadowAbandoned.inc();
    this.dropRetryState();
    if (this.attempts.length > 0) return true;
    this.bufferOverflowed = true;
    this.cleanup();
    this.replyWith(RESCUE.retryBufferExceeded, RESCUE.retryBufferExceeded.status);
    return false;
  }

  // After a timeout.

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

  protected giveUpAttempt(attempt: UpstreamRequest, rescue: Rescue): void {
    attempt.host?.stats.rqTimeout.add(1);
    attempt.reset();
    if (this.retryAfterReset(RESET_LOCAL_RESET, attempt, true)) return;
    this.chargeAbort(this.timeoutStatus, attempt);
    this.remove(attempt);
    this.abort(this.timeoutRescue(rescue), false);
  }

  /** A slow attempt goes on while another is made; the first good answer wins. */
  protected hedge(attempt: UpstreamRequest): void {
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
    this.replyWith(rescue, status);
  }

  // The next attempt.

  onRetryDue(): void {
    if (this.destroyed) return;
    this.isRetry = true;
    this.attemptCount++;
    this.callbacks.streamInfo.attemptCount = this.attemptCount;
    this.pendingRetries--;
    const entry = this.entry;
    // The cluster may have been removed while the retry waited.
    const cluster: ThreadLocalCluster | null = this.config.clusterManager.getThreadLocalCluster(entry.clusterName);
    const { config, callbacks } = this;
    const pool = cluster === null
      ? null
      : upstreamPool(config, cluster, entry, this.headers, callbacks.streamInfo.protocol, callbacks.connection, this);
    if (pool === null) {
      this.chargeCode(503, null, null);
      this.resetAll();
      this.cleanup();
      this.refuse(RESCUE.noHealthyUpstream, 0);
      return;
    }
    this.updateRetryHeaders(entry);
    const attempt = this.newAttempt(pool);
    const body = this.callbacks.decodingBuffer();
    attempt.sendHeaders(body === null && this.trailers === null && this.requestEnded);
    if (this.attempts.at(-1) !== attempt) return;
    if (body !== null) attempt.sendData(body, this.trailers === null && this.requestEnded);
    if (this.trailers !== null) attempt.sendTrailers(this.trailers);
  }

  protected updateRetryHeaders(entry: RouteEntry): void {
    const { headers, config } = this;
    const host = this.route?.virtualHost;
    if (host?.includeRequestAttemptCount === true) headers.set('x-envoy-attempt-count', String(this.attemptCount));
    if (host?.includeIsTimeoutRetryHeader === true) headers.set('x-envoy-is-timeout-retry', this.nextRetryIsTimeout ? 'true' : 'false');
    const elapsed = Number.isNaN(this.requestCompleteTime) ? 0 : config.dispatcher.now() - this.requestCompleteTime;
    setTimeoutHeaders(elapsed, this.timeouts, entry, headers, !config.suppressEnvoyHeaders, this.isGrpc, this.hedging);
  }
}
