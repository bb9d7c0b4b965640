import { fromByteString } from '../../../../common/byte-string.ts';
import { TCP_PROXY_CLUSTER, TCP_PROXY_IDLE_TIMEOUT } from '../../../../common/filter-state/factories.ts';
import { NumberObject, TextObject } from '../../../../common/filter-state/objects.ts';
import type { Timer } from '../../../../base/timer-wheel.ts';
import type { AccessLogType } from '../../../../contract/access-log.ts';
import type { Connection } from '../../../../contract/network.ts';
import { CLOSE_NO_FLUSH } from '../../../../contract/network.ts';
import { FLAG_DURATION_TIMEOUT } from '../../../../contract/response-flags.ts';
import { UpstreamInfo } from '../../../../contract/stream-info.ts';
import type { ClusterInfo, Host, LoadBalancerContext } from '../../../../contract/upstream.ts';
import type { TcpProxyConfig, TcpRoute } from './config.ts';
import { EarlyData } from './early-data.ts';
import type { UpstreamLink } from './upstream-link.ts';

/** What is known of one session, its timers and its lines in the access log. What happens in it is in filter.ts. */
export abstract class Session implements LoadBalancerContext {
  readonly downstreamHeaders: null;
  readonly hostSelectionRetryCount: number;
  protected readonly config: TcpProxyConfig;
  protected downstream: Connection | null;
  protected upstream: UpstreamLink | null;
  protected readonly upstreamInfo: UpstreamInfo;
  protected cluster: ClusterInfo | null;
  protected route: TcpRoute | null;
  protected attempts: number;
  /** Null when the client is not read before there is an upstream. */
  protected early: EarlyData | null;
  private retryTimer: Timer | null;
  protected idleTimer: Timer | null;
  private durationTimer: Timer | null;
  private logTimer: Timer | null;
  /** Milliseconds, 0 = off; the connection's own where filter state has one. */
  private idleTimeout: number;
  private lastActivity: number;
  private lastPending: number;

  constructor(config: TcpProxyConfig) {
    this.downstreamHeaders = null;
    this.hostSelectionRetryCount = 0;
    this.config = config;
    this.downstream = null;
    this.upstream = null;
    this.upstreamInfo = new UpstreamInfo();
    this.cluster = null;
    this.route = null;
    this.attempts = 0;
    this.early = config.maxEarlyDataBytes < 0 ? null : new EarlyData(config.maxEarlyDataBytes);
    this.retryTimer = null;
    this.idleTimer = null;
    this.durationTimer = null;
    this.logTimer = null;
    this.idleTimeout = config.idleTimeout;
    this.lastActivity = 0;
    this.lastPending = 0;
  }

  /** Looks for an upstream, for the first time or after a failure. */
  protected abstract establish(): void;

  // Load balancing.

  get downstreamConnection(): Connection | null {
    return this.downstream;
  }

  get metadataMatch(): Readonly<Record<string, unknown>> | null {
    return this.route?.metadataMatch ?? null;
  }

  hashKey(): bigint | null {
    return this.downstream === null ? null : (this.config.hashPolicy?.hash(this.downstream.streamInfo) ?? null);
  }

  shouldSelectAnotherHost(): boolean {
    return false;
  }

  protected pickRoute(): TcpRoute {
    const { routes, totalWeight, context, metadataMatch } = this.config;
    const named = this.downstream?.streamInfo.filterState?.get(TCP_PROXY_CLUSTER);
    if (named instanceof TextObject) return { cluster: fromByteString(named.text), weight: 1, metadataMatch };
    if (routes.length === 1) return routes[0];
    let draw = context.dispatcher.random.uint32() % totalWeight;
    for (const route of routes) {
      if (draw < route.weight) return route;
      draw -= route.weight;
    }
    return routes[routes.length - 1];
  }

  protected noteHost(host: Host): void {
    this.upstreamInfo.host = host;
    this.upstreamInfo.attemptedHosts.push(host);
  }

  // Timers.

  protected startTimers(): void {
    const { config } = this;
    if (config.maxDuration >= 0) this.durationTimer = this.startTimer(this.maxDuration(), () => this.onMaxDuration());
    if (config.logInterval > 0) this.logTimer = this.startTimer(config.logInterval, () => this.onLogInterval());
    const own = this.downstream?.streamInfo.filterState?.get(TCP_PROXY_IDLE_TIMEOUT);
    if (own instanceof NumberObject) this.idleTimeout = own.value;
    if (this.idleTimeout <= 0) return;
    this.touch();
    this.idleTimer = this.startTimer(this.idleTimeout, () => this.onIdleTimer());
  }

  protected stopTimers(): void {
    this.retryTimer?.disable();
    this.idleTimer?.disable();
    this.durationTimer?.disable();
    this.logTimer?.disable();
  }

  private startTimer(delay: number, run: () => void): Timer {
    const timer = this.config.context.dispatcher.createTimer(run);
    timer.enable(delay);
    return timer;
  }

  protected retryLater(): void {
    this.retryTimer ??= this.config.context.dispatcher.createTimer(() => this.establish());
    this.retryTimer.enable(this.backOff());
  }

  private backOff(): number {
    const { backOff, context } = this.config;
    if (backOff === null) return 0;
    const ceiling = Math.min(backOff.max, backOff.base * (2 ** Math.min(this.attempts, 31) - 1));
    return Math.max(1, context.dispatcher.random.float() * ceiling);
  }

  private maxDuration(): number {
    const { maxDuration, maxDurationJitter, context } = this.config;
    const most = Math.ceil((maxDuration * maxDurationJitter) / 100);
    return most === 0 ? maxDuration : maxDuration + context.dispatcher.random.below(most);
  }

  protected touch(): void {
    this.lastActivity = this.config.context.dispatcher.now();
  }

  /** The timer is armed once a timeout, not once a packet; bytes that trickle out count as activity too. */
  private onIdleTimer(): void {
    const { idleTimeout } = this;
    const { stats } = this.config;
    const { downstream } = this;
    if (downstream === null || this.idleTimer === null) return;
    const unsent = downstream.pendingWriteBytes + (this.upstream?.pendingWriteBytes ?? 0);
    if (unsent !== this.lastPending) {
      this.lastPending = unsent;
      this.touch();
    }
    const left = idleTimeout - (downstream.dispatcher.now() - this.lastActivity);
    if (left > 0) {
      this.idleTimer.enable(left);
      return;
    }
    stats.idleTimeout.inc();
    downstream.close(CLOSE_NO_FLUSH, 'tcp_session_idle_timeout');
  }

  private onMaxDuration(): void {
    const { downstream } = this;
    if (downstream === null) return;
    downstream.streamInfo.setResponseFlag(FLAG_DURATION_TIMEOUT);
    this.config.stats.maxDownstreamConnectionDuration.inc();
    downstream.close(CLOSE_NO_FLUSH, 'max_connection_duration_reached');
  }

  // Access logs.

  private onLogInterval(): void {
    this.logAccess('TcpPeriodic');
    this.logTimer?.enable(this.config.logInterval);
  }

  protected logAccess(type: AccessLogType): void {
    const { downstream, config } = this;
    if (downstream === null || config.accessLogs.length === 0) return;
    const { streamInfo } = downstream;
    const now = downstream.dispatcher.now();
    if (type === 'TcpConnectionEnd') {
      streamInfo.requestComplete = now;
      streamInfo.connectionTerminationDetails ||= '';
    }
    const context = { requestHeaders: null, responseHeaders: null, responseTrailers: null, streamInfo, localReplyBody: '', type, now };
    for (const log of config.accessLogs) log.log(context);
  }
}
