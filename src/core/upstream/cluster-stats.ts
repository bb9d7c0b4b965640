import type { Counter, Gauge, Histogram, Scope, StatsBlock } from '../../contract/stats.ts';
import type { ClusterStats } from '../../contract/upstream.ts';
import { defineStatsSchema } from '../stats/store.ts';

/** All that Envoy 1.40 lists for a cluster without optional features, relative to `cluster.<name>.`. */
export const CLUSTER_SCHEMA = defineStatsSchema({
  id: 'cluster',
  counters: [
    'assignment_stale', 'assignment_timeout_received', 'assignment_use_cached', 'bind_errors', 'default.total_match_count',
    'lb_healthy_panic', 'lb_local_cluster_not_ok', 'lb_recalculate_zone_structures', 'lb_subsets_created', 'lb_subsets_fallback',
    'lb_subsets_fallback_panic', 'lb_subsets_removed', 'lb_subsets_selected', 'lb_zone_cluster_too_small', 'lb_zone_no_capacity_left',
    'lb_zone_routing_all_directly', 'lb_zone_routing_cross_zone', 'lb_zone_routing_sampled', 'membership_change',
    'original_dst_host_invalid', 'retry_or_shadow_abandoned', 'update_attempt', 'update_empty', 'update_failure', 'update_no_rebuild',
    'update_success', 'upstream_cx_close_notify', 'upstream_cx_connect_attempts_exceeded', 'upstream_cx_connect_fail',
    'upstream_cx_connect_timeout', 'upstream_cx_connect_with_0_rtt', 'upstream_cx_destroy', 'upstream_cx_destroy_local',
    'upstream_cx_destroy_local_with_active_rq', 'upstream_cx_destroy_remote', 'upstream_cx_destroy_remote_with_active_rq',
    'upstream_cx_destroy_with_active_rq', 'upstream_cx_http1_total', 'upstream_cx_http2_total', 'upstream_cx_http3_total',
    'upstream_cx_idle_timeout', 'upstream_cx_max_duration_reached', 'upstream_cx_max_requests', 'upstream_cx_none_healthy',
    'upstream_cx_overflow', 'upstream_cx_pool_overflow', 'upstream_cx_preconnect_skipped', 'upstream_cx_protocol_error',
    'upstream_cx_rx_bytes_total', 'upstream_cx_total', 'upstream_cx_tx_bytes_total', 'upstream_flow_control_backed_up_total',
    'upstream_flow_control_drained_total', 'upstream_flow_control_paused_reading_total', 'upstream_flow_control_resumed_reading_total',
    'upstream_http3_broken', 'upstream_internal_redirect_failed_total', 'upstream_internal_redirect_succeeded_total',
    'upstream_rq_0rtt', 'upstream_rq_active_overflow', 'upstream_rq_cancelled', 'upstream_rq_completed',
    'upstream_rq_maintenance_mode', 'upstream_rq_max_duration_reached', 'upstream_rq_pending_failure_eject',
    'upstream_rq_pending_overflow', 'upstream_rq_pending_total', 'upstream_rq_per_try_idle_timeout', 'upstream_rq_per_try_timeout',
    'upstream_rq_retry', 'upstream_rq_retry_backoff_exponential', 'upstream_rq_retry_backoff_ratelimited',
    'upstream_rq_retry_limit_exceeded', 'upstream_rq_retry_overflow', 'upstream_rq_retry_success', 'upstream_rq_rx_reset',
    'upstream_rq_rx_reset_no_error', 'upstream_rq_timeout', 'upstream_rq_total', 'upstream_rq_tx_reset',
  ],
  gauges: [
    'lb_subsets_active', 'max_host_weight', 'membership_degraded', 'membership_excluded', 'membership_healthy', 'membership_total',
    'upstream_cx_active', 'upstream_cx_rx_bytes_buffered', 'upstream_cx_tx_bytes_buffered', 'upstream_queue_overloaded',
    'upstream_rq_active', 'upstream_rq_pending_active', 'version', 'warming_state',
  ],
  histograms: [
    ['upstream_cx_connect_ms', 'milliseconds'],
    ['upstream_cx_length_ms', 'milliseconds'],
    ['upstream_rq_per_cx', 'unspecified'],
  ],
});

/** Gauges of `cluster.<name>.circuit_breakers.<priority>.`. */
export const CIRCUIT_BREAKER_SCHEMA = defineStatsSchema({
  id: 'circuit_breakers',
  counters: [],
  gauges: ['cx_open', 'cx_pool_open', 'rq_open', 'rq_pending_open', 'rq_retry_open'],
  histograms: [],
  // One thread shows "open", another may take it back: what a dead one has shown must stay in the sum.
  gaugesOutliveThreads: true,
});

/** With `track_remaining`. */
export const REMAINING_SCHEMA = defineStatsSchema({
  id: 'circuit_breakers_remaining',
  counters: [],
  gauges: ['remaining_cx', 'remaining_cx_pools', 'remaining_pending', 'remaining_retries', 'remaining_rq'],
  histograms: [],
});

/** Handles of a cluster that is in use: made at its first request, not when it is loaded. */
export class BoundClusterStats implements ClusterStats {
  readonly scope: Scope;
  readonly upstreamCxTotal: Counter;
  readonly upstreamCxHttp1Total: Counter;
  readonly upstreamCxHttp2Total: Counter;
  readonly upstreamCxActive: Gauge;
  readonly upstreamCxConnectFail: Counter;
  readonly upstreamCxConnectTimeout: Counter;
  readonly upstreamCxConnectAttemptsExceeded: Counter;
  readonly upstreamCxIdleTimeout: Counter;
  readonly upstreamCxMaxDurationReached: Counter;
  readonly upstreamCxOverflow: Counter;
  readonly upstreamCxDestroy: Counter;
  readonly upstreamCxDestroyLocal: Counter;
  readonly upstreamCxDestroyRemote: Counter;
  readonly upstreamCxDestroyWithActiveRq: Counter;
  readonly upstreamCxDestroyLocalWithActiveRq: Counter;
  readonly upstreamCxDestroyRemoteWithActiveRq: Counter;
  readonly upstreamCxCloseNotify: Counter;
  readonly upstreamCxRxBytesTotal: Counter;
  readonly upstreamCxRxBytesBuffered: Gauge;
  readonly upstreamCxTxBytesTotal: Counter;
  readonly upstreamCxTxBytesBuffered: Gauge;
  readonly upstreamCxProtocolError: Counter;
  readonly upstreamCxMaxRequests: Counter;
  readonly upstreamCxNoneHealthy: Counter;
  readonly upstreamCxConnectMs: Histogram;
  readonly upstreamCxLengthMs: Histogram;
  readonly upstreamRqPerCx: Histogram;
  readonly upstreamRqTotal: Counter;
  readonly upstreamRqActive: Gauge;
  readonly upstreamRqPendingTotal: Counter;
  readonly upstreamRqPendingOverflow: Counter;
  readonly upstreamRqActiveOverflow: Counter;
  readonly upstreamRqPendingFailureEject: Counter;
  readonly upstreamRqPendingActive: Gauge;
  readonly upstreamRqCancelled: Counter;
  readonly upstreamRqMaintenanceMode: Counter;
  readonly upstreamRqTimeout: Counter;
  readonly upstreamRqMaxDurationReached: Counter;
  readonly upstreamRqPerTryTimeout: Counter;
  readonly upstreamRqPerTryIdleTimeout: Counter;
  readonly upstreamRqRxReset: Counter;
  readonly upstreamRqTxReset: Counter;
  readonly upstreamRqRetry: Counter;
  readonly upstreamRqRetrySuccess: Counter;
  readonly upstreamRqRetryOverflow: Counter;
  readonly upstreamRqRetryLimitExceeded: Counter;
  readonly upstreamRqCompleted: Counter;
  readonly upstreamFlowControlPausedReadingTotal: Counter;
  readonly upstreamFlowControlResumedReadingTotal: Counter;
  readonly upstreamFlowControlBackedUpTotal: Counter;
  readonly upstreamFlowControlDrainedTotal: Counter;
  readonly bindErrors: Counter;
  readonly lbHealthyPanic: Counter;
  private readonly own: ResponseCodeStats;
  private others: Map<string, ResponseCodeStats> | null;

  constructor(scope: Scope, block: StatsBlock) {
    const c = (name: string): Counter => block.counter(name);
    const g = (name: string): Gauge => block.gauge(name);
    this.scope = scope;
    this.upstreamCxTotal = c('upstream_cx_total');
    this.upstreamCxHttp1Total = c('upstream_cx_http1_total');
    this.upstreamCxHttp2Total = c('upstream_cx_http2_total');
    this.upstreamCxActive = g('upstream_cx_active');
    this.upstreamCxConnectFail = c('upstream_cx_connect_fail');
    this.upstreamCxConnectTimeout = c('upstream_cx_connect_timeout');
    this.upstreamCxConnectAttemptsExceeded = c('upstream_cx_connect_attempts_exceeded');
    this.upstreamCxIdleTimeout = c('upstream_cx_idle_timeout');
    this.upstreamCxMaxDurationReached = c('upstream_cx_max_duration_reached');
    this.upstreamCxOverflow = c('upstream_cx_overflow');
    this.upstreamCxDestroy = c('upstream_cx_destroy');
    this.upstreamCxDestroyLocal = c('upstream_cx_destroy_local');
    this.upstreamCxDestroyRemote = c('upstream_cx_destroy_remote');
    this.upstreamCxDestroyWithActiveRq = c('upstream_cx_destroy_with_active_rq');
    this.upstreamCxDestroyLocalWithActiveRq = c('upstream_cx_destroy_local_with_active_rq');
    this.upstreamCxDestroyRemoteWithActiveRq = c('upstream_cx_destroy_remote_with_active_rq');
    this.upstreamCxCloseNotify = c('upstream_cx_close_notify');
    this.upstreamCxRxBytesTotal = c('upstream_cx_rx_bytes_total');
    this.upstreamCxRxBytesBuffered = g('upstream_cx_rx_bytes_buffered');
    this.upstreamCxTxBytesTotal = c('upstream_cx_tx_bytes_total');
    this.upstreamCxTxBytesBuffered = g('upstream_cx_tx_bytes_buffered');
    this.upstreamCxProtocolError = c('upstream_cx_protocol_error');
    this.upstreamCxMaxRequests = c('upstream_cx_max_requests');
    this.upstreamCxNoneHealthy = c('upstream_cx_none_healthy');
    this.upstreamCxConnectMs = block.histogram('upstream_cx_connect_ms');
    this.upstreamCxLengthMs = block.histogram('upstream_cx_length_ms');
    this.upstreamRqPerCx = block.histogram('upstream_rq_per_cx');
    this.upstreamRqTotal = c('upstream_rq_total');
    this.upstreamRqActive = g('upstream_rq_active');
    this.upstreamRqPendingTotal = c('upstream_rq_pending_total');
    this.upstreamRqPendingOverflow = c('upstream_rq_pending_overflow');
    this.upstreamRqActiveOverflow = c('upstream_rq_active_overflow');
    this.upstreamRqPendingFailureEject = c('upstream_rq_pending_failure_eject');
    this.upstreamRqPendingActive = g('upstream_rq_pending_active');
    this.upstreamRqCancelled = c('upstream_rq_cancelled');
    this.upstreamRqMaintenanceMode = c('upstream_rq_maintenance_mode');
    this.upstreamRqTimeout = c('upstream_rq_timeout');
    this.upstreamRqMaxDurationReached = c('upstream_rq_max_duration_reached');
    this.upstreamRqPerTryTimeout = c('upstream_rq_per_try_timeout');
    this.upstreamRqPerTryIdleTimeout = c('upstream_rq_per_try_idle_timeout');
    this.upstreamRqRxReset = c('upstream_rq_rx_reset');
    this.upstreamRqTxReset = c('upstream_rq_tx_reset');
    this.upstreamRqRetry = c('upstream_rq_retry');
    this.upstreamRqRetrySuccess = c('upstream_rq_retry_success');
    this.upstreamRqRetryOverflow = c('upstream_rq_retry_overflow');
    this.upstreamRqRetryLimitExceeded = c('upstream_rq_retry_limit_exceeded');
    this.upstreamRqCompleted = c('upstream_rq_completed');
    this.upstreamFlowControlPausedReadingTotal = c('upstream_flow_control_paused_reading_total');
    this.upstreamFlowControlResumedReadingTotal = c('upstream_flow_control_resumed_reading_total');
    this.upstreamFlowControlBackedUpTotal = c('upstream_flow_control_backed_up_total');
    this.upstreamFlowControlDrainedTotal = c('upstream_flow_control_drained_total');
    this.bindErrors = c('bind_errors');
    this.lbHealthyPanic = c('lb_healthy_panic');
    this.own = new ResponseCodeStats(scope, '', this.upstreamRqCompleted);
    this.others = null;
  }

  /** Made at the first response, as in Envoy. */
  get upstreamRqTime(): Histogram {
    return this.own.time;
  }

  chargeResponse(prefix: string, status: number): void {
    this.codes(prefix).charge(status);
  }

  chargeResponseTime(prefix: string, milliseconds: number): void {
    this.codes(prefix).time.record(milliseconds);
  }

  private codes(prefix: string): ResponseCodeStats {
    if (prefix === '') return this.own;
    this.others ??= new Map();
    let codes = this.others.get(prefix);
    if (codes === undefined) {
      codes = new ResponseCodeStats(this.scope, prefix, null);
      this.others.set(prefix, codes);
    }
    return codes;
  }
}

/** Statuses that get a counter of their own. */
const MAX_STATUS = 600;

/** `<prefix>upstream_rq_<code>`, `_<n>xx`, `_completed`, `_time`: made when first charged. `prefix` ends with a dot or is empty. */
class ResponseCodeStats {
  private readonly scope: Scope;
  private readonly prefix: string;
  private readonly byStatus: (Counter | undefined)[];
  private readonly byClass: (Counter | undefined)[];
  private completed: Counter | null;
  private unknown: Counter | null;
  private timeHistogram: Histogram | null;

  /** `completed`: the counter of that name where it exists already (the cluster's own is in its block), else null. */
  constructor(scope: Scope, prefix: string, completed: Counter | null) {
    this.scope = scope;
    this.prefix = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
    this.byStatus = [];
    this.byClass = [];
    this.completed = completed;
    this.unknown = null;
    this.timeHistogram = null;
  }

  charge(status: number): void {
    (this.completed ??= this.scope.counter(`${this.prefix}upstream_rq_completed`)).inc();
    if (status < 100 || status >= MAX_STATUS) {
      (this.unknown ??= this.scope.counter(`${this.prefix}upstream_rq_unknown`)).inc();
      return;
    }
    const index = status - 100;
    (this.byStatus[index] ??= this.scope.counter(`${this.prefix}upstream_rq_${status}`)).inc();
    const group = Math.floor(status / 100);
    (this.byClass[group] ??= this.scope.counter(`${this.prefix}upstream_rq_${group}xx`)).inc();
  }

  get time(): Histogram {
    return (this.timeHistogram ??= this.scope.histogram(`${this.prefix}upstream_rq_time`, 'milliseconds'));
  }
}
