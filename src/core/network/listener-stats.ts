import type { Counter, Gauge, Histogram, Scope } from '../../contract/stats.ts';

/** Statistics of `listener.<address>.`, with the thread's own two. */
export class ListenerStats {
  readonly downstreamCxDestroy: Counter;
  readonly downstreamCxOverflow: Counter;
  readonly downstreamCxTotal: Counter;
  readonly downstreamCxTransportSocketConnectTimeout: Counter;
  readonly downstreamCxOverloadReject: Counter;
  readonly downstreamGlobalCxOverflow: Counter;
  readonly downstreamPreCxTimeout: Counter;
  readonly downstreamListenerFilterRemoteClose: Counter;
  readonly downstreamListenerFilterError: Counter;
  readonly noFilterChainMatch: Counter;
  readonly downstreamCxActive: Gauge;
  readonly downstreamPreCxActive: Gauge;
  readonly downstreamCxLengthMs: Histogram;
  readonly connectionsAcceptedPerSocketEvent: Histogram;
  readonly workerCxTotal: Counter;
  readonly workerCxActive: Gauge;

  constructor(scope: Scope, workerName: string) {
    this.downstreamCxDestroy = scope.counter('downstream_cx_destroy');
    this.downstreamCxOverflow = scope.counter('downstream_cx_overflow');
    this.downstreamCxTotal = scope.counter('downstream_cx_total');
    this.downstreamCxTransportSocketConnectTimeout = scope.counter('downstream_cx_transport_socket_connect_timeout');
    this.downstreamCxOverloadReject = scope.counter('downstream_cx_overload_reject');
    this.downstreamGlobalCxOverflow = scope.counter('downstream_global_cx_overflow');
    this.downstreamPreCxTimeout = scope.counter('downstream_pre_cx_timeout');
    this.downstreamListenerFilterRemoteClose = scope.counter('downstream_listener_filter_remote_close');
    this.downstreamListenerFilterError = scope.counter('downstream_listener_filter_error');
    this.noFilterChainMatch = scope.counter('no_filter_chain_match');
    this.downstreamCxActive = scope.gauge('downstream_cx_active');
    this.downstreamPreCxActive = scope.gauge('downstream_pre_cx_active');
    this.downstreamCxLengthMs = scope.histogram('downstream_cx_length_ms', 'milliseconds');
    this.connectionsAcceptedPerSocketEvent = scope.histogram('connections_accepted_per_socket_event', 'unspecified');
    this.workerCxTotal = scope.counter(`${workerName}.downstream_cx_total`);
    this.workerCxActive = scope.gauge(`${workerName}.downstream_cx_active`);
  }
}
