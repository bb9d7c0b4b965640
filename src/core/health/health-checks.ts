import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import { notYet } from '../../common/not-yet.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { HealthCheckConfig } from './health-check-config.ts';
import { readHealthCheck } from './health-check-config.ts';

/** `health_checks` of a cluster, or null when there are none. `speaks`: the protocols of its connections. Throws ConfigError(s). */
export function readHealthChecks(
  message: Cluster, speaks: { readonly http2: boolean; readonly asDownstream: boolean }, context: FactoryContext,
): HealthCheckConfig | null {
  const checks = message.healthChecks;
  if (checks.length === 0) return null;
  if (checks.length > 1) {
    const nameless = checks.findIndex((check) => check.name === '');
    if (nameless >= 0) {
      throw new ConfigError(
        `health check at index ${nameless} is missing a name; all health checks must have a name when multiple health checks are configured`,
        { path: `health_checks[${nameless}].name` },
      );
    }
    throw notYet('several health checks of one cluster', 'health_checks[1]', 'one check a cluster');
  }
  return configAt('health_checks[0]', () => readHealthCheck(checks[0], speaks.http2 || speaks.asDownstream, context));
}
