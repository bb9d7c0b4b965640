import type { Timer } from '../../base/timer-wheel.ts';
import { parseUint } from '../../common/byte-string.ts';
import {
  GRPC_CANCELLED, GRPC_DEADLINE_EXCEEDED, GRPC_INTERNAL, GRPC_MAXIMUM_KNOWN, GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE, grpcStatusIn,
} from '../../common/grpc/status.ts';
import {
  RESET_CONNECTION_TIMEOUT, RESET_LOCAL_CONNECTION_FAILURE, RESET_OVERFLOW, RESET_REMOTE_CONNECTION_FAILURE, RESET_REMOTE_REFUSED_STREAM,
} from '../../contract/codec.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { HeaderCondition, ResourcePriority, RetryPolicy } from '../../contract/route.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import { responseStatus } from '../http/local-reply.ts';
import type { RetryScopeStats, RouterClusterStats } from './code-stats.ts';
import {
  RETRY_5XX, RETRY_CONNECT_FAILURE, RETRY_ENVOY_RATELIMITED, RETRY_GATEWAY_ERROR, RETRY_GRPC_CANCELLED, RETRY_GRPC_DEADLINE_EXCEEDED,
  RETRY_GRPC_INTERNAL, RETRY_GRPC_RESOURCE_EXHAUSTED, RETRY_GRPC_UNAVAILABLE, RETRY_REFUSED_STREAM, RETRY_RESET,
  RETRY_RESET_BEFORE_REQUEST, RETRY_RETRIABLE_4XX, RETRY_RETRIABLE_HEADERS, RETRY_RETRIABLE_STATUS_CODES, parseRetryGrpcOn, parseRetryOn,
  policyRetryOn,
} from './retry-conditions.ts';
import type { RouterConfig } from './router-config.ts';

/** What became of the wish to retry. */
export const RETRY_NO = 0;
export const RETRY_YES = 1;
/** The retry circuit breaker is open. */
export const RETRY_NO_OVERFLOW = 2;
export const RETRY_NO_LIMIT_EXCEEDED = 3;
export type RetryStatus = 0 | 1 | 2 | 3;

/** Who is told when a retry's back-off is over. */
export interface RetryOwner {
  onRetryDue(): void;
}

/** Base of the back-off where no policy sets one, ms. */
const BASE_INTERVAL_KEY = 'upstream.base_retry_backoff_ms';
const BASE_INTERVAL_MS = 25;

const NO_RETRY_POLICY: RetryPolicy = {
  retryOn: [], numRetries: 1, perTryTimeout: 0, perTryIdleTimeout: 0, retriableStatusCodes: [], baseInterval: -1, maxInterval: -1,
};
const RETRY_HEADERS = [
  'x-envoy-retry-on', 'x-envoy-retry-grpc-on', 'x-envoy-max-retries', 'x-envoy-hedge-on-per-try-timeout', 'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes', 'x-envoy-upstream-rq-per-try-timeout-ms',
];
const RETRY_HEADER_SET: ReadonlySet<string> = new Set(RETRY_HEADERS);

const GRPC_BITS: readonly number[] = grpcBits();

/** Index = gRPC status: the condition that it meets, 0 = none. */
function grpcBits(): number[] {
  const bits = new Array<number>(GRPC_MAXIMUM_KNOWN + 1).fill(0);
  bits[GRPC_CANCELLED] = RETRY_GRPC_CANCELLED;
  bits[GRPC_DEADLINE_EXCEEDED] = RETRY_GRPC_DEADLINE_EXCEEDED;
  bits[GRPC_RESOURCE_EXHAUSTED] = RETRY_GRPC_RESOURCE_EXHAUSTED;
  bits[GRPC_INTERNAL] = RETRY_GRPC_INTERNAL;
  bits[GRPC_UNAVAILABLE] = RETRY_GRPC_UNAVAILABLE;
  return bits;
}

/** Whether and when a request is tried again. Exists only for requests that some policy or header lets be retried. */
export class RetryState {
  private readonly config: RouterConfig;
  private readonly owner: RetryOwner;
  private readonly cluster: ClusterInfo;
  private readonly clusterStats: RouterClusterStats;
  /** Virtual cluster and route, as far as they count. */
  private readonly scopes: readonly RetryScopeStats[];
  private readonly priority: ResourcePriority;
  private readonly policy: RetryPolicy;
  private retryOn: number;
  private remaining: number;
  private attempt: number;
  private retriableStatusCodes: readonly number[];
  private retriableHeaders: readonly HeaderCondition[];
  private readonly baseInterval: number;
  private readonly maxInterval: number;
  private timer: Timer | null;
  /** A retry is under way or waits: it holds a place in the circuit breaker. */
  private holdsResource: boolean;
  /** Least wait that a rate limited response asked for, 0 = none. */
  private rateLimitedWait: number;

  private constructor(
    config: RouterConfig, owner: RetryOwner, policy: RetryPolicy, headers: HeaderMap, cluster: ClusterInfo, clusterStats: RouterClusterStats,
    scopes: readonly RetryScopeStats[], priority: ResourcePriority,
  ) {
    this.config = config;
    this.owner = owner;
    this.cluster = cluster;
    this.clusterStats = clusterStats;
    this.scopes = scopes;
    this.priority = priority;
    this.policy = policy;
    this.retryOn = policyRetryOn(policy.retryOn);
    this.remaining = policy.numRetries;
    this.attempt = 1;
    this.retriableStatusCodes = policy.retriableStatusCodes;
    this.retriableHeaders = policy.retriableHeaders ?? [];
    this.baseInterval = policy.baseInterval >= 0 ? policy.baseInterval : config.runtime.snapshot().getInteger(BASE_INTERVAL_KEY, BASE_INTERVAL_MS);
    this.maxInterval = policy.maxInterval >= 0 ? policy.maxInterval : this.baseInterval * 10;
    this.timer = null;
    this.holdsResource = false;
    this.rateLimitedWait = 0;
    this.readHeaders(headers);
  }

  /** Null when nothing lets the request be retried. Takes the retry headers out of the request in any case. */
  static create(
    config: RouterConfig, owner: RetryOwner, policy: RetryPolicy | null, headers: HeaderMap, cluster: ClusterInfo,
    clusterStats: RouterClusterStats, scopes: readonly RetryScopeStats[], priority: ResourcePriority,
  ): RetryState | null {
    const byHeaders = hasRetryHeader(headers);
    let state: RetryState | null = null;
    const byPolicy = policy !== null && policyRetryOn(policy.retryOn) !== 0;
    if (byPolicy || (byHeaders && (headers.has('x-envoy-retry-on') || headers.has('x-envoy-retry-grpc-on')))) {
      state = new RetryState(config, owner, policy ?? NO_RETRY_POLICY, headers, cluster, clusterStats, scopes, priority);
    }
    if (byHeaders) for (const name of RETRY_HEADERS) headers.remove(name);
    return state;
  }

  private readHeaders(headers: HeaderMap): void {
    const on = headers.get('x-envoy-retry-on');
    if (on !== undefined) this.retryOn |= parseRetryOn(on).bits;
    const grpcOn = headers.get('x-envoy-retry-grpc-on');
    if (grpcOn !== undefined) this.retryOn |= parseRetryGrpcOn(grpcOn).bits;
    const onlyFor = this.policy.retriableRequestHeaders ?? [];
    if (onlyFor.length > 0 && !onlyFor.some((condition) => condition.matches(headers))) this.retryOn = 0;
    const max = headers.get('x-envoy-max-retries');
    if (this.retryOn !== 0 && max !== undefined && parseUint(max) >= 0) this.remaining = parseUint(max);
    const codes = headers.get('x-envoy-retriable-status-codes');
    if (codes !== undefined) {
      this.retriableStatusCodes = [...this.retriableStatusCodes, ...codes.split(',').map(parseUint).filter((code) => code >= 0)];
    }
    const names = headers.get('x-envoy-retriable-header-names');
    if (names !== undefined) {
      const present = names.split(',').map((name) => new HeaderPresent(name.trim().toLowerCase()));
      this.retriableHeaders = [...this.retriableHeaders, ...present];
    }
  }

  get enabled(): boolean {
    return this.retryOn !== 0;
  }

  shouldRetryHeaders(response: HeaderMap): RetryStatus {
    const would = this.wouldRetryFromHeaders(response);
    if (would && this.policy.rateLimitedBackOff !== undefined) this.rateLimitedWait = this.resetInterval(response);
    return this.shouldRetry(would);
  }

  shouldRetryReset(reason: StreamResetReason, requestStarted: boolean): RetryStatus {
    return this.shouldRetry(this.wouldRetryFromReset(reason, requestStarted));
  }

  /** A hedged request's timeout: another attempt beside the first. */
  shouldHedge(): RetryStatus {
    return this.shouldRetry(true);
  }

  wouldRetryFromHeaders(response: HeaderMap): boolean {
    const on = this.retryOn;
    if (response.has('x-envoy-ratelimited')) return (on & RETRY_ENVOY_RATELIMITED) !== 0;
    const status = responseStatus(response);
    if ((on & RETRY_5XX) !== 0 && status >= 500 && status < 600) return true;
    if ((on & RETRY_GATEWAY_ERROR) !== 0 && status >= 502 && status <= 504) return true;
    if ((on & RETRY_RETRIABLE_4XX) !== 0 && status === 409) return true;
    if ((on & RETRY_RETRIABLE_STATUS_CODES) !== 0 && this.retriableStatusCodes.includes(status)) return true;
    if ((on & RETRY_RETRIABLE_HEADERS) !== 0 && this.retriableHeaders.some((condition) => condition.matches(response))) return true;
    return this.wouldRetryGrpc(response);
  }

  private wouldRetryGrpc(response: HeaderMap): boolean {
    const status = grpcStatusIn(response);
    return status > 0 && (this.retryOn & GRPC_BITS[status]) !== 0;
  }

  private wouldRetryFromReset(reason: StreamResetReason, requestStarted: boolean): boolean {
    // Trying again would only make the overflow worse.
    if (reason === RESET_OVERFLOW) return false;
    const on = this.retryOn;
    const connect = reason === RESET_LOCAL_CONNECTION_FAILURE || reason === RESET_REMOTE_CONNECTION_FAILURE || reason === RESET_CONNECTION_TIMEOUT;
    if (connect && (on & RETRY_CONNECT_FAILURE) !== 0) return true;
    if ((on & RETRY_RESET_BEFORE_REQUEST) !== 0 && !requestStarted) return true;
    if ((on & (RETRY_RESET | RETRY_5XX | RETRY_GATEWAY_ERROR)) !== 0) return true;
    return (on & RETRY_REFUSED_STREAM) !== 0 && reason === RESET_REMOTE_REFUSED_STREAM;
  }

  private shouldRetry(would: boolean): RetryStatus {
    if (this.holdsResource && !would) {
      this.cluster.stats.upstreamRqRetrySuccess.inc();
      for (const scope of this.scopes) scope.retrySuccess.inc();
    }
    this.release();
    if (!would) return RETRY_NO;
    if (this.remaining === 0) {
      this.cluster.stats.upstreamRqRetryLimitExceeded.inc();
      for (const scope of this.scopes) scope.retryLimitExceeded.inc();
      return RETRY_NO_LIMIT_EXCEEDED;
    }
    this.remaining--;
    const retries = this.cluster.resourceManager(this.priority).retries;
    if (!retries.canCreate()) {
      this.cluster.stats.upstreamRqRetryOverflow.inc();
      for (const scope of this.scopes) scope.retryOverflow.inc();
      return RETRY_NO_OVERFLOW;
    }
    if (!this.config.runtime.snapshot().featureEnabled('upstream.use_retry', ALWAYS, this.config.dispatcher.random.uint32())) return RETRY_NO;
    retries.inc();
    this.holdsResource = true;
    this.cluster.stats.upstreamRqRetry.inc();
    for (const scope of this.scopes) scope.retry.inc();
    this.startBackOff();
    return RETRY_YES;
  }

  private startBackOff(): void {
    const { dispatcher } = this.config;
    this.timer ??= dispatcher.createTimer(() => this.owner.onRetryDue());
    if (this.rateLimitedWait > 0) {
      // Jitter upwards by up to a half, so that those who were told the same moment do not come at once.
      this.timer.enable(this.rateLimitedWait + Math.floor(dispatcher.random.float() * (this.rateLimitedWait / 2)));
      this.rateLimitedWait = 0;
      this.clusterStats.retryBackoffRatelimited.inc();
    } else {
      this.timer.enable(this.nextBackOff());
      this.clusterStats.retryBackoffExponential.inc();
    }
  }

  /** Fully jittered exponential back-off: uniform in [0, (2^N - 1) base), at most the maximum. */
  private nextBackOff(): number {
    const ceiling = Math.min((2 ** this.attempt - 1) * this.baseInterval, this.maxInterval);
    this.attempt++;
    return Math.floor(this.config.dispatcher.random.float() * ceiling);
  }

  /** Milliseconds that a response asks to wait, 0 = it does not say, or too much. */
  private resetInterval(response: HeaderMap): number {
    const backOff = this.policy.rateLimitedBackOff;
    if (backOff === undefined) return 0;
    for (const header of backOff.resetHeaders) {
      const value = parseUint(response.get(header.name) ?? '');
      if (value < 0) continue;
      const now = Math.floor(this.config.dispatcher.clock.wall() / 1_000);
      const interval = (header.format === 'SECONDS' ? value : value - now) * 1_000;
      if (interval > 1 && interval <= backOff.maxInterval) return interval;
    }
    return 0;
  }

  private release(): void {
    if (!this.holdsResource) return;
    this.holdsResource = false;
    this.cluster.resourceManager(this.priority).retries.dec();
  }

  dispose(): void {
    this.timer?.disable();
    this.release();
  }
}

const ALWAYS = { numerator: 100, denominator: 100 };

function hasRetryHeader(headers: HeaderMap): boolean {
  for (let i = 0; i < headers.size; i++) if (RETRY_HEADER_SET.has(headers.nameAt(i))) return true;
  return false;
}

/** `x-envoy-retriable-header-names`: a header that is there, with whatever value. */
class HeaderPresent implements HeaderCondition {
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  matches(headers: HeaderMap): boolean {
    return headers.has(this.name);
  }
}
