import type { RouteEntry, VirtualCluster, VirtualHost } from '../../contract/route.ts';
import type { Counter, Histogram, Scope } from '../../contract/stats.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';

/** Counters of the router below `cluster.<name>.` that the cluster's own struct does not have. */
export class RouterClusterStats {
  readonly retryBackoffExponential: Counter;
  readonly retryBackoffRatelimited: Counter;
  readonly retryOrShadowAbandoned: Counter;
  readonly internalRedirectSucceeded: Counter;
  readonly internalRedirectFailed: Counter;

  constructor(scope: Scope) {
    this.retryBackoffExponential = scope.counter('upstream_rq_retry_backoff_exponential');
    this.retryBackoffRatelimited = scope.counter('upstream_rq_retry_backoff_ratelimited');
    this.retryOrShadowAbandoned = scope.counter('retry_or_shadow_abandoned');
    this.internalRedirectSucceeded = scope.counter('upstream_internal_redirect_succeeded_total');
    this.internalRedirectFailed = scope.counter('upstream_internal_redirect_failed_total');
  }
}

const byCluster = new WeakMap<ClusterInfo, RouterClusterStats>();

export function routerClusterStats(cluster: ClusterInfo): RouterClusterStats {
  let stats = byCluster.get(cluster);
  if (stats === undefined) byCluster.set(cluster, (stats = new RouterClusterStats(cluster.stats.scope)));
  return stats;
}

/** Statistics of a virtual cluster or of a route with `stat_prefix`: `vhost.<vhost>.vcluster.<name>.` or `vhost.<vhost>.route.<prefix>.`. */
export class RetryScopeStats {
  readonly retry: Counter;
  readonly retryLimitExceeded: Counter;
  readonly retryOverflow: Counter;
  readonly retrySuccess: Counter;
  readonly timeout: Counter;
  readonly total: Counter;
  private readonly scope: Scope;
  private readonly completed: Counter;
  private readonly codes: Map<number, Counter>;
  private readonly time: Histogram;

  constructor(scope: Scope) {
    this.scope = scope;
    this.retry = scope.counter('upstream_rq_retry');
    this.retryLimitExceeded = scope.counter('upstream_rq_retry_limit_exceeded');
    this.retryOverflow = scope.counter('upstream_rq_retry_overflow');
    this.retrySuccess = scope.counter('upstream_rq_retry_success');
    this.timeout = scope.counter('upstream_rq_timeout');
    this.total = scope.counter('upstream_rq_total');
    this.completed = scope.counter('upstream_rq_completed');
    this.codes = new Map();
    this.time = scope.histogram('upstream_rq_time', 'milliseconds');
  }

  chargeResponse(status: number): void {
    this.completed.inc();
    this.code(Math.floor(status / 100), 'xx').inc();
    this.code(status, '').inc();
  }

  chargeTime(milliseconds: number): void {
    this.time.record(milliseconds);
  }

  private code(number: number, suffix: string): Counter {
    let counter = this.codes.get(number);
    if (counter === undefined) this.codes.set(number, (counter = this.scope.counter(`upstream_rq_${number}${suffix}`)));
    return counter;
  }
}

const byVirtualCluster = new WeakMap<VirtualCluster, RetryScopeStats>();
const byRoute = new WeakMap<RouteEntry, RetryScopeStats>();
const NONE: readonly RetryScopeStats[] = [];

/** The statistics that a request counts in besides its cluster's; usually none. `root` is the thread's root scope. */
export function requestScopes(root: Scope, host: VirtualHost, virtualCluster: VirtualCluster | null, route: RouteEntry): readonly RetryScopeStats[] {
  if (virtualCluster === null && route.routeStatsPrefix === '') return NONE;
  const scopes: RetryScopeStats[] = [];
  if (virtualCluster !== null) {
    let stats = byVirtualCluster.get(virtualCluster);
    if (stats === undefined) {
      stats = new RetryScopeStats(root.scope(`vhost.${host.name}.vcluster.${virtualCluster.name}`));
      byVirtualCluster.set(virtualCluster, stats);
    }
    scopes.push(stats);
  }
  if (route.routeStatsPrefix !== '') {
    let stats = byRoute.get(route);
    if (stats === undefined) {
      stats = new RetryScopeStats(root.scope(`vhost.${host.name}.route.${route.routeStatsPrefix}`));
      byRoute.set(route, stats);
    }
    scopes.push(stats);
  }
  return scopes;
}
