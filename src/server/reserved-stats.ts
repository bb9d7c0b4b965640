import type { Scope } from '../contract/stats.ts';

const ASYNC_CLIENT = [
  'no_cluster', 'no_route', 'passthrough_internal_redirect_bad_location', 'passthrough_internal_redirect_no_route',
  'passthrough_internal_redirect_predicate', 'passthrough_internal_redirect_too_many_redirects',
  'passthrough_internal_redirect_unsafe_scheme', 'rq_direct_response', 'rq_overload_local_reply', 'rq_redirect',
  'rq_reset_after_downstream_response_started', 'rq_total',
];

/**
 * Statistics that every Envoy lists whatever its configuration, of parts that nuncio has nothing to count in yet: dashboards and
 * alerts that name them find a zero instead of a gap.
 */
export function reserveStats(root: Scope): void {
  const asyncClient = root.scope('http').scope('async-client');
  for (const name of ASYNC_CLIENT) asyncClient.counter(name);
  root.counter('envoy.overload_actions.reset_high_memory_stream.count');
  root.scope('overload').histogram('refresh_interval_delay', 'milliseconds');
}
