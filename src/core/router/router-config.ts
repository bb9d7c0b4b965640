import type { AccessLog } from '../../contract/access-log.ts';
import type { AsyncClients } from '../../contract/async-client.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { Logger } from '../../contract/logger.ts';
import type { Runtime } from '../../contract/runtime.ts';
import type { Counter, Scope } from '../../contract/stats.ts';
import type { ClusterManager } from '../../contract/upstream.ts';
import { defineStatsSchema } from '../stats/store.ts';
import type { TimerPool } from './timer-pool.ts';

/** Family `http.<prefix>.`, the router's part (Envoy's ALL_ROUTER_STATS). */
const ROUTER_SCHEMA = defineStatsSchema({
  id: 'router',
  counters: [
    'no_cluster', 'no_route', 'passthrough_internal_redirect_bad_location', 'passthrough_internal_redirect_no_route',
    'passthrough_internal_redirect_predicate', 'passthrough_internal_redirect_too_many_redirects',
    'passthrough_internal_redirect_unsafe_scheme', 'rq_direct_response', 'rq_overload_local_reply', 'rq_redirect',
    'rq_reset_after_downstream_response_started', 'rq_total',
  ],
  gauges: [],
  histograms: [],
});

export class RouterStats {
  readonly noCluster: Counter;
  readonly noRoute: Counter;
  readonly rqDirectResponse: Counter;
  readonly rqResetAfterDownstreamResponseStarted: Counter;
  readonly rqTotal: Counter;

  /** `scope` is `http.<prefix>.`. */
  constructor(scope: Scope) {
    const block = scope.block(ROUTER_SCHEMA);
    this.noCluster = block.counter('no_cluster');
    this.noRoute = block.counter('no_route');
    this.rqDirectResponse = block.counter('rq_direct_response');
    this.rqResetAfterDownstreamResponseStarted = block.counter('rq_reset_after_downstream_response_started');
    this.rqTotal = block.counter('rq_total');
  }
}

/** A Router message, every default resolved; one for all streams of a filter chain. */
export interface RouterConfig {
  readonly dispatcher: Dispatcher;
  readonly clusterManager: ClusterManager;
  /** Carries the mirrors. */
  readonly asyncClients: AsyncClients;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly rootScope: Scope;
  readonly stats: RouterStats;
  readonly timers: TimerPool;
  /** Zone of this proxy, for `zone.` statistics; empty = unknown. */
  readonly zone: string;
  readonly dynamicStats: boolean;
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedRqTimeout: boolean;
  readonly suppressGrpcRequestFailureCodeStats: boolean;
  /** Lower-case names of headers that are checked; empty = none. */
  readonly strictCheckHeaders: readonly string[];
  readonly upstreamLogs: readonly AccessLog[];
  readonly flushUpstreamLogOnUpstreamStream: boolean;
  /** Milliseconds, 0 = off. */
  readonly upstreamLogFlushInterval: number;
  /** Body of a CONNECT before its 2xx is refused with 400 instead of held. */
  readonly rejectEarlyConnectData: boolean;
  /** `allow_multiplexed_upstream_half_close`: a response may end before its request. */
  readonly upstreamHalfClose: boolean;
}
