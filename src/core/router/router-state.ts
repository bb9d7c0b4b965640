import { HeaderMap } from '../../contract/header-map.ts';
import type { DownstreamWatermarkCallbacks, StreamDecoderFilterCallbacks } from '../../contract/http-filter.ts';
import type { Connection } from '../../contract/network.ts';
import type { Route, RouteEntry } from '../../contract/route.ts';
import type { ClusterInfo, Host, LoadBalancerContext } from '../../contract/upstream.ts';
import type { RetryScopeStats } from './code-stats.ts';
import type { RetryState } from './retry-state.ts';
import type { RouterConfig } from './router-config.ts';
import type { Shadows } from './shadow.ts';
import { Timeouts } from './timeouts.ts';
import type { PooledTimer, PooledTimerOwner } from './timer-pool.ts';
import type { UpstreamRequest } from './upstream-request.ts';

const NO_HEADERS = new HeaderMap();
const NO_SCOPES: readonly RetryScopeStats[] = [];
const NO_TIMEOUTS = new Timeouts(0, 0, 0);

/**
 * What the router knows of one request: the route and cluster that it chose, its attempts, timers and pauses. The steps are in the
 * classes that extend it, one on the other, for a request at the router is one object: router.ts tells which is where.
 */
export abstract class RouterState implements LoadBalancerContext, PooledTimerOwner, DownstreamWatermarkCallbacks {
  readonly config: RouterConfig;
  protected callbacksOrNull: StreamDecoderFilterCallbacks | null;
  headers: HeaderMap;
  protected trailers: HeaderMap | null;
  protected route: Route | null;
  protected entryOrNull: RouteEntry | null;
  protected clusterOrNull: ClusterInfo | null;
  protected scopes: readonly RetryScopeStats[];
  /** Attempts under way; the newest last. More than one only while hedging. */
  protected readonly attempts: UpstreamRequest[];
  protected retryState: RetryState | null;
  timeouts: Timeouts;
  protected responseTimer: PooledTimer | null;
  protected shadows: Shadows | null;
  protected attemptCount: number;
  protected pendingRetries: number;
  protected hedging: boolean;
  protected isGrpc: boolean;
  protected isRetry: boolean;
  protected nextRetryIsTimeout: boolean;
  protected timeoutStatus: number;
  /** Statistics of a caller's choice (`x-envoy-upstream-alt-stat-name`), or empty. */
  protected altStatName: string;
  dynamicMaxStreamDuration: number;
  /** The whole request has been seen. */
  requestEnded: boolean;
  protected requestCompleteTime: number;
  responseStarted: boolean;
  protected upstreamRequestStarted: boolean;
  protected bufferOverflowed: boolean;
  protected watermarksRegistered: boolean;
  protected backups: number;
  protected destroyed: boolean;

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
    this.watermarksRegistered = false;
    this.backups = 0;
    this.destroyed = false;
  }

  get callbacks(): StreamDecoderFilterCallbacks {
    if (this.callbacksOrNull === null) throw new Error('router used before it was given its callbacks');
    return this.callbacksOrNull;
  }

  get cluster(): ClusterInfo {
    if (this.clusterOrNull === null) throw new Error('router has no cluster yet');
    return this.clusterOrNull;
  }

  protected get entry(): RouteEntry {
    if (this.entryOrNull === null) throw new Error('router has no route entry yet');
    return this.entryOrNull;
  }

  // Attempts.

  protected get awaiting(): number {
    let count = 0;
    for (const attempt of this.attempts) if (attempt.awaitingHeaders) count++;
    return count;
  }

  protected remove(attempt: UpstreamRequest): void {
    const at = this.attempts.indexOf(attempt);
    if (at >= 0) this.attempts.splice(at, 1);
    attempt.cleanUp();
  }

  protected resetAll(): void {
    for (let attempt = this.attempts.pop(); attempt !== undefined; attempt = this.attempts.pop()) {
      attempt.reset();
      attempt.cleanUp();
    }
  }

  protected resetOthers(winner: UpstreamRequest): void {
    for (let i = this.attempts.length - 1; i >= 0; i--) {
      const attempt = this.attempts[i];
      if (attempt === winner) continue;
      this.attempts.splice(i, 1);
      attempt.reset();
      attempt.cleanUp();
    }
  }

  // Timers.

  protected startResponseTimer(): void {
    if (this.timeouts.global > 0 && this.responseTimer === null) this.responseTimer = this.config.timers.borrow(this, this.timeouts.global);
  }

  protected stopResponseTimer(): void {
    if (this.responseTimer === null) return;
    this.config.timers.giveBack(this.responseTimer);
    this.responseTimer = null;
  }

  /** The response timer has run out. */
  abstract onPooledTimer(): void;

  protected cleanup(): void {
    this.dropRetryState();
    this.stopResponseTimer();
  }

  protected dropRetryState(): void {
    this.retryState?.dispose();
    this.retryState = null;
  }

  // Load balancing: what a policy may ask about the request.

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
}
