import type { Timer } from '../../base/timer-wheel.ts';
import type { LogContext, AccessLogType } from '../../contract/access-log.ts';
import type { RequestEncoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { StreamInfo, UpstreamInfo } from '../../contract/stream-info.ts';
import type { Cancellable, Host, HttpConnectionPool } from '../../contract/upstream.ts';
import type { RouterFilter } from './router.ts';

/**
 * What an attempt knows, and its access logs. The steps are in the classes that extend it, one on the other, for an attempt is one object:
 * upstream-request.ts tells which is where.
 */
export abstract class UpstreamRequestState {
  protected readonly parent: RouterFilter;
  protected readonly pool: HttpConnectionPool;
  readonly info: UpstreamInfo;
  /** Host of the attempt; null when the pool could name none. */
  host: Host | null;
  protected pending: Cancellable | null;
  protected encoder: RequestEncoder | null;
  protected headersSent: boolean;
  protected inNewStream: boolean;
  protected endWithHeaders: boolean;
  /** A tunnel is asked for and not answered: payload waits (incidents.md 1.C), but for `bodyAllowance` bytes. */
  paused: boolean;
  protected bodyAllowance: number;
  /** Body that may not go yet, for want of a stream or of an answer; its pieces are copies. */
  protected waitingBody: Buffer[] | null;
  protected waitingBytes: number;
  protected waitingTrailers: HeaderMap | null;
  /** Bounded by the codec that it came from. */
  protected waitingMetadata: ReadonlyMap<string, string>[] | null;
  /** What waits is more than the buffer limit: the downstream was paused once for it. */
  protected waitingPaused: boolean;
  protected sentEnd: boolean;
  awaitingHeaders: boolean;
  retried: boolean;
  protected cleaned: boolean;
  protected seen1xx: boolean;
  grpcSuccessDeferred: boolean;
  canary: boolean;
  protected createPerTryOnComplete: boolean;
  protected perTryTimer: Timer | null;
  protected perTryIdleTimer: Timer | null;
  protected durationTimer: Timer | null;
  protected logTimer: Timer | null;
  /** How often this attempt has paused the downstream, to be undone at its end. */
  protected downstreamPauses: number;
  /** Pauses of the upstream that wait for the response to begin. */
  protected deferredReadDisables: number;
  protected logInfo: StreamInfo | null;
  protected logHeaders: HeaderMap | null;
  protected logTrailers: HeaderMap | null;
  protected readonly startTime: number;

  constructor(parent: RouterFilter, pool: HttpConnectionPool) {
    this.parent = parent;
    this.pool = pool;
    this.info = new UpstreamInfo();
    this.host = pool.host;
    this.pending = null;
    this.encoder = null;
    this.headersSent = false;
    this.inNewStream = false;
    this.endWithHeaders = false;
    this.paused = false;
    this.bodyAllowance = 0;
    this.waitingBody = null;
    this.waitingBytes = 0;
    this.waitingTrailers = null;
    this.waitingMetadata = null;
    this.waitingPaused = false;
    this.sentEnd = false;
    this.awaitingHeaders = true;
    this.retried = false;
    this.cleaned = false;
    this.seen1xx = false;
    this.grpcSuccessDeferred = false;
    this.canary = false;
    this.createPerTryOnComplete = false;
    this.perTryTimer = null;
    this.perTryIdleTimer = null;
    this.durationTimer = null;
    this.logTimer = null;
    this.downstreamPauses = 0;
    this.deferredReadDisables = 0;
    this.logHeaders = null;
    this.logTrailers = null;
    const streamInfo = parent.callbacks.streamInfo;
    this.startTime = parent.config.dispatcher.now();
    this.info.timing.poolRequested = this.startTime;
    this.info.host = pool.host;
    const before = streamInfo.upstream;
    if (before !== null) for (const host of before.attemptedHosts) this.info.attemptedHosts.push(host);
    streamInfo.upstream = this.info;
    this.logInfo = parent.config.upstreamLogs.length === 0 ? null : this.makeLogInfo(streamInfo);
  }

  protected now(): number {
    return this.parent.config.dispatcher.now();
  }

  get encodeComplete(): boolean {
    return !Number.isNaN(this.info.timing.lastTxByteSent);
  }

  get requestStarted(): boolean {
    return !Number.isNaN(this.info.timing.firstTxByteSent);
  }

  // Upstream access logs.

  protected startLogTimer(): void {
    const interval = this.parent.config.upstreamLogFlushInterval;
    if (interval <= 0 || this.logInfo === null) return;
    this.logTimer = this.parent.config.dispatcher.createTimer(() => {
      this.log('UpstreamPeriodic');
      this.logTimer?.enable(interval);
    });
    this.logTimer.enable(interval);
  }

  private makeLogInfo(from: StreamInfo): StreamInfo {
    const wall = this.parent.config.dispatcher.clock.wall();
    const info = new StreamInfo(from.protocol, wall, this.startTime, from.downstreamRemoteAddress, from.downstreamLocalAddress);
    info.upstream = this.info;
    info.upstreamCluster = from.upstreamCluster;
    info.route = from.route;
    info.routeName = from.routeName;
    info.healthCheck = from.healthCheck;
    info.requestHeaders = from.requestHeaders;
    info.attemptCount = from.attemptCount;
    return info;
  }

  protected log(type: AccessLogType): void {
    const info = this.logInfo;
    if (info === null) return;
    const now = this.now();
    if (type === 'UpstreamEnd') info.requestComplete = now;
    const context: LogContext = {
      requestHeaders: this.parent.headers,
      responseHeaders: this.logHeaders,
      responseTrailers: this.logTrailers,
      streamInfo: info,
      localReplyBody: '',
      type,
      now,
    };
    for (const log of this.parent.config.upstreamLogs) log.log(context);
  }
}
