import {
  HOST_ACTIVE_HC_TIMEOUT, HOST_DEGRADED_ACTIVE_HC, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL, HOST_FAILED_ACTIVE_HC, HOST_PENDING_ACTIVE_HC,
} from '../../contract/upstream.ts';
import type { Gauge, Scope } from '../../contract/stats.ts';
import { defineStatsSchema } from '../stats/store.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { clearFlag, hasFlag, setFlag } from './health-flags.ts';
import type { HealthSession } from './health-session.ts';

/** Flags that any one check of several puts on a host. */
const ANY = [HOST_FAILED_ACTIVE_HC, HOST_DEGRADED_ACTIVE_HC, HOST_ACTIVE_HC_TIMEOUT];
/** Flags by which host sets are sorted. */
const SORTING = HOST_FAILED_ACTIVE_HC | HOST_DEGRADED_ACTIVE_HC | HOST_PENDING_ACTIVE_HC;

/** Puts together what several checks think of a host: one that fails is enough. Returns whether the host sets must be sorted anew. */
export function combineFlags(host: UpstreamHost, sessions: readonly HealthSession[]): boolean {
  const { healthFlags } = host;
  const before = healthFlags.load();
  for (const flag of ANY) {
    if (sessions.some((session) => hasFlag(session.flags, flag))) setFlag(healthFlags, flag);
    else clearFlag(healthFlags, flag);
  }
  if (!sessions.some((session) => session.firstCheck)) clearFlag(healthFlags, HOST_PENDING_ACTIVE_HC);
  if (!hasFlag(healthFlags, HOST_FAILED_ACTIVE_HC)) clearFlag(healthFlags, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
  return ((before ^ healthFlags.load()) & SORTING) !== 0;
}

const SCHEMA = defineStatsSchema({ id: 'health_checks', counters: [], gauges: ['degraded', 'healthy'], histograms: [] });

/** `cluster.<name>.health_check.{healthy,degraded}` of clusters with several checks: hosts by all of them together. */
export class CombinedHealthStats {
  private readonly degraded: Gauge;
  private readonly healthy: Gauge;

  constructor(cluster: Scope) {
    const block = cluster.scope('health_check').block(SCHEMA);
    this.degraded = block.gauge('degraded');
    this.healthy = block.gauge('healthy');
  }

  update(hosts: readonly UpstreamHost[]): void {
    const checked = hosts.filter((host) => !host.healthCheckDisabled);
    this.healthy.set(checked.filter((host) => !hasFlag(host.healthFlags, HOST_FAILED_ACTIVE_HC)).length);
    this.degraded.set(checked.filter((host) => hasFlag(host.healthFlags, HOST_DEGRADED_ACTIVE_HC)).length);
  }
}
