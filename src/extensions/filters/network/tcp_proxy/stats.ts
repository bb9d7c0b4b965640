import type { ConnectionStats } from '../../../../contract/network.ts';
import type { Counter, Gauge, Scope } from '../../../../contract/stats.ts';

/** Statistics of `tcp.<stat_prefix>.`. */
export class TcpProxyStats {
  readonly downstreamCxTotal: Counter;
  readonly downstreamCxNoRoute: Counter;
  readonly pausedReading: Counter;
  readonly resumedReading: Counter;
  readonly idleTimeout: Counter;
  readonly maxDownstreamConnectionDuration: Counter;
  readonly earlyDataReceivedCountTotal: Counter;
  readonly downstreamCxDrainClose: Counter;
  readonly upstreamFlushTotal: Counter;
  readonly upstreamFlushActive: Gauge;
  /** Bytes of the downstream connections. */
  readonly connection: ConnectionStats;

  constructor(scope: Scope) {
    this.downstreamCxTotal = scope.counter('downstream_cx_total');
    this.downstreamCxNoRoute = scope.counter('downstream_cx_no_route');
    this.pausedReading = scope.counter('downstream_flow_control_paused_reading_total');
    this.resumedReading = scope.counter('downstream_flow_control_resumed_reading_total');
    this.idleTimeout = scope.counter('idle_timeout');
    this.maxDownstreamConnectionDuration = scope.counter('max_downstream_connection_duration');
    this.upstreamFlushTotal = scope.counter('upstream_flush_total');
    this.upstreamFlushActive = scope.gauge('upstream_flush_active');
    this.earlyDataReceivedCountTotal = scope.counter('early_data_received_count_total');
    this.downstreamCxDrainClose = scope.counter('downstream_cx_drain_close');
    // Listed by Envoy; nothing here ever counts in them (no overload manager, no delayed routes).
    for (const name of ['downstream_cx_overload_close', 'route_delayed_total']) {
      scope.counter(name);
    }
    this.connection = {
      readTotal: scope.counter('downstream_cx_rx_bytes_total'),
      readCurrent: scope.gauge('downstream_cx_rx_bytes_buffered'),
      writeTotal: scope.counter('downstream_cx_tx_bytes_total'),
      writeCurrent: scope.gauge('downstream_cx_tx_bytes_buffered'),
      bindErrors: null,
      delayedCloseTimeouts: null,
    };
  }
}
