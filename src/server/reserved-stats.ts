import type { Scope } from '../contract/stats.ts';
import { ASYNC_CLIENT_SCOPE } from '../core/http/async-client.ts';
import { RouterStats } from '../core/router/router-config.ts';

/**
 * Statistics that every Envoy lists whatever its configuration, of parts that nuncio has nothing to count in yet: dashboards and
 * alerts that name them find a zero instead of a gap.
 */
export function reserveStats(root: Scope): void {
  // Requests of the proxy's own are counted by the thread that makes them.
  new RouterStats(root.scope(ASYNC_CLIENT_SCOPE));
  root.counter('envoy.overload_actions.reset_high_memory_stream.count');
  root.scope('overload').histogram('refresh_interval_delay', 'milliseconds');
}
