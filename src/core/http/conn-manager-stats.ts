import type { Counter, Gauge, Histogram, Scope, StatsBlock } from '../../contract/stats.ts';
import { defineStatsSchema } from '../stats/store.ts';

const COUNTERS = [
  'downstream_cx_delayed_close_timeout', 'downstream_cx_destroy', 'downstream_cx_destroy_active_rq', 'downstream_cx_destroy_local',
  'downstream_cx_destroy_local_active_rq', 'downstream_cx_destroy_remote', 'downstream_cx_destroy_remote_active_rq',
  'downstream_cx_drain_close', 'downstream_cx_http1_total', 'downstream_cx_http2_total', 'downstream_cx_http3_total',
  'downstream_cx_idle_timeout', 'downstream_cx_max_duration_reached', 'downstream_cx_max_requests_reached',
  'downstream_cx_overload_disable_keepalive', 'downstream_cx_protocol_error', 'downstream_cx_rx_bytes_total', 'downstream_cx_ssl_total',
  'downstream_cx_total', 'downstream_cx_tx_bytes_total', 'downstream_cx_upgrades_total', 'downstream_flow_control_paused_reading_total',
  'downstream_flow_control_resumed_reading_total', 'downstream_rq_1xx', 'downstream_rq_2xx', 'downstream_rq_3xx', 'downstream_rq_4xx',
  'downstream_rq_5xx', 'downstream_rq_completed', 'downstream_rq_failed_path_normalization', 'downstream_rq_header_timeout',
  'downstream_rq_http1_total', 'downstream_rq_http2_total', 'downstream_rq_http3_total', 'downstream_rq_idle_timeout',
  'downstream_rq_max_duration_reached', 'downstream_rq_non_relative_path', 'downstream_rq_overload_close',
  'downstream_rq_redirected_with_normalized_path', 'downstream_rq_rejected_via_ip_detection',
  'downstream_rq_response_before_rq_complete', 'downstream_rq_rx_reset', 'downstream_rq_timeout', 'downstream_rq_too_large',
  'downstream_rq_too_many_premature_resets', 'downstream_rq_total', 'downstream_rq_tx_reset', 'downstream_rq_ws_on_non_ws_route',
  'rs_too_large',
] as const;
const GAUGES = [
  'downstream_cx_active', 'downstream_cx_http1_active', 'downstream_cx_http1_soft_drain', 'downstream_cx_http2_active',
  'downstream_cx_http3_active', 'downstream_cx_rx_bytes_buffered', 'downstream_cx_ssl_active', 'downstream_cx_tx_bytes_buffered',
  'downstream_cx_upgrades_active', 'downstream_rq_active',
] as const;

/** Family `http.<prefix>.` (Envoy's ALL_HTTP_CONN_MAN_STATS). */
const HCM_SCHEMA = defineStatsSchema({
  id: 'http_connection_manager',
  counters: COUNTERS,
  gauges: GAUGES,
  histograms: [['downstream_cx_length_ms', 'milliseconds'], ['downstream_rq_time', 'milliseconds']],
});
/** Family `http.<prefix>.tracing.`. */
const TRACING_SCHEMA = defineStatsSchema({
  id: 'http_connection_manager_tracing',
  counters: ['random_sampling', 'service_forced', 'client_enabled', 'not_traceable', 'health_check'],
  gauges: [],
  histograms: [],
});
/** Family `listener.<address>.http.<prefix>.`. */
const LISTENER_SCHEMA = defineStatsSchema({
  id: 'http_connection_manager_listener',
  counters: [
    'downstream_rq_1xx', 'downstream_rq_2xx', 'downstream_rq_3xx', 'downstream_rq_4xx', 'downstream_rq_5xx', 'downstream_rq_completed',
  ],
  gauges: [],
  histograms: [],
});

/** Handles of `http.<prefix>.` and its listener's share, bound once a configuration. Camel case of Envoy's names. */
export class ConnectionManagerStats {
  /** `http.<prefix>.`; filters and user agents hang theirs below. */
  readonly scope: Scope;
  readonly cxDelayedCloseTimeout: Counter;
  readonly cxDestroy: Counter;
  readonly cxDestroyActiveRq: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyLocalActiveRq: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyRemoteActiveRq: Counter;
  readonly cxDrainClose: Counter;
  readonly cxHttp1Total: Counter;
  readonly cxHttp2Total: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxMaxRequestsReached: Counter;
  readonly cxProtocolError: Counter;
  readonly cxRxBytesTotal: Counter;
  readonly cxSslTotal: Counter;
  readonly cxTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  readonly cxUpgradesTotal: Counter;
  readonly flowControlPausedReadingTotal: Counter;
  readonly flowControlResumedReadingTotal: Counter;
  readonly rqCompleted: Counter;
  readonly rqFailedPathNormalization: Counter;
  readonly rqHeaderTimeout: Counter;
  readonly rqHttp1Total: Counter;
  readonly rqHttp2Total: Counter;
  readonly rqIdleTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly rqNonRelativePath: Counter;
  readonly rqRedirectedWithNormalizedPath: Counter;
  readonly rqResponseBeforeRqComplete: Counter;
  readonly rqRxReset: Counter;
  readonly rqTimeout: Counter;
  readonly rqTooLarge: Counter;
  readonly rqTooManyPrematureResets: Counter;
  readonly rqTotal: Counter;
  readonly rqTxReset: Counter;
  readonly rqWsOnNonWsRoute: Counter;
  readonly rsTooLarge: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Active: Gauge;
  readonly cxHttp2Active: Gauge;
  readonly cxHttp1SoftDrain: Gauge;
  readonly cxRxBytesBuffered: Gauge;
  readonly cxSslActive: Gauge;
  readonly cxTxBytesBuffered: Gauge;
  readonly cxUpgradesActive: Gauge;
  readonly rqActive: Gauge;
  readonly cxLengthMs: Histogram;
  readonly rqTime: Histogram;
  readonly tracingHealthCheck: Counter | null;
  readonly listenerRqCompleted: Counter;
  /** Index = hundreds of the status; 0 and those above 5 are not counted. */
  readonly rqByClass: readonly (Counter | null)[];
  readonly listenerRqByClass: readonly (Counter | null)[];

  /**
   * `rootScope` holds `http.<prefix>.`, `listenerScope` is `listener.<address>.`. Without `tracing` the family `tracing.` is not listed, as Envoy's
   * admin interface has none.
   */
  constructor(rootScope: Scope, listenerScope: Scope, statPrefix: string, tracing = true) {
    this.scope = rootScope.scope(`http.${statPrefix}`);
    const block = this.scope.block(HCM_SCHEMA);
    const counter = (name: (typeof COUNTERS)[number]): Counter => block.counter(name);
    const gauge = (name: (typeof GAUGES)[number]): Gauge => block.gauge(name);
    this.cxDelayedCloseTimeout = counter('downstream_cx_delayed_close_timeout');
    this.cxDestroy = counter('downstream_cx_destroy');
    this.cxDestroyActiveRq = counter('downstream_cx_destroy_active_rq');
    this.cxDestroyLocal = counter('downstream_cx_destroy_local');
    this.cxDestroyLocalActiveRq = counter('downstream_cx_destroy_local_active_rq');
    this.cxDestroyRemote = counter('downstream_cx_destroy_remote');
    this.cxDestroyRemoteActiveRq = counter('downstream_cx_destroy_remote_active_rq');
    this.cxDrainClose = counter('downstream_cx_drain_close');
    this.cxHttp1Total = counter('downstream_cx_http1_total');
    this.cxHttp2Total = counter('downstream_cx_http2_total');
    this.cxIdleTimeout = counter('downstream_cx_idle_timeout');
    this.cxMaxDurationReached = counter('downstream_cx_max_duration_reached');
    this.cxMaxRequestsReached = counter('downstream_cx_max_requests_reached');
    this.cxProtocolError = counter('downstream_cx_protocol_error');
    this.cxRxBytesTotal = counter('downstream_cx_rx_bytes_total');
    this.cxSslTotal = counter('downstream_cx_ssl_total');
    this.cxTotal = counter('downstream_cx_total');
    this.cxTxBytesTotal = counter('downstream_cx_tx_bytes_total');
    this.cxUpgradesTotal = counter('downstream_cx_upgrades_total');
    this.flowControlPausedReadingTotal = counter('downstream_flow_control_paused_reading_total');
    this.flowControlResumedReadingTotal = counter('downstream_flow_control_resumed_reading_total');
    this.rqCompleted = counter('downstream_rq_completed');
    this.rqFailedPathNormalization = counter('downstream_rq_failed_path_normalization');
    this.rqHeaderTimeout = counter('downstream_rq_header_timeout');
    this.rqHttp1Total = counter('downstream_rq_http1_total');
    this.rqHttp2Total = counter('downstream_rq_http2_total');
    this.rqIdleTimeout = counter('downstream_rq_idle_timeout');
    this.rqMaxDurationReached = counter('downstream_rq_max_duration_reached');
    this.rqNonRelativePath = counter('downstream_rq_non_relative_path');
    this.rqRedirectedWithNormalizedPath = counter('downstream_rq_redirected_with_normalized_path');
    this.rqResponseBeforeRqComplete = counter('downstream_rq_response_before_rq_complete');
    this.rqRxReset = counter('downstream_rq_rx_reset');
    this.rqTimeout = counter('downstream_rq_timeout');
    this.rqTooLarge = counter('downstream_rq_too_large');
    this.rqTooManyPrematureResets = counter('downstream_rq_too_many_premature_resets');
    this.rqTotal = counter('downstream_rq_total');
    this.rqTxReset = counter('downstream_rq_tx_reset');
    this.rqWsOnNonWsRoute = counter('downstream_rq_ws_on_non_ws_route');
    this.rsTooLarge = counter('rs_too_large');
    this.cxActive = gauge('downstream_cx_active');
    this.cxHttp1Active = gauge('downstream_cx_http1_active');
    this.cxHttp2Active = gauge('downstream_cx_http2_active');
    this.cxHttp1SoftDrain = gauge('downstream_cx_http1_soft_drain');
    this.cxRxBytesBuffered = gauge('downstream_cx_rx_bytes_buffered');
    this.cxSslActive = gauge('downstream_cx_ssl_active');
    this.cxTxBytesBuffered = gauge('downstream_cx_tx_bytes_buffered');
    this.cxUpgradesActive = gauge('downstream_cx_upgrades_active');
    this.rqActive = gauge('downstream_rq_active');
    this.cxLengthMs = block.histogram('downstream_cx_length_ms');
    this.rqTime = block.histogram('downstream_rq_time');
    this.tracingHealthCheck = tracing ? this.scope.scope('tracing').block(TRACING_SCHEMA).counter('health_check') : null;
    const listener = listenerScope.scope(`http.${statPrefix}`).block(LISTENER_SCHEMA);
    this.listenerRqCompleted = listener.counter('downstream_rq_completed');
    this.rqByClass = byClass(block);
    this.listenerRqByClass = byClass(listener);
  }

  /** Counts a response that was sent. */
  chargeResponse(status: number): void {
    this.rqCompleted.inc();
    this.listenerRqCompleted.inc();
    const index = (status / 100) | 0;
    this.rqByClass[index]?.inc();
    this.listenerRqByClass[index]?.inc();
  }
}

function byClass(block: StatsBlock): readonly (Counter | null)[] {
  return [null, 1, 2, 3, 4, 5].map((hundreds) => (hundreds === null ? null : block.counter(`downstream_rq_${hundreds}xx`)));
}
