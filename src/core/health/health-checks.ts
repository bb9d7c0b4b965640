import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import { ConfigError, ConfigErrors, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { HealthCheckConfig } from './health-check-config.ts';
import { readHealthCheck } from './health-check-config.ts';

/** `health_checks` of a cluster, mostly none or one. `speaks`: the protocols of its connections. Throws ConfigError(s). */
export function readHealthChecks(
  message: Cluster, speaks: { readonly http2: boolean; readonly asDownstream: boolean }, context: FactoryContext,
): readonly HealthCheckConfig[] {
  const checks = message.healthChecks;
  const errors = nameErrors(checks.map((check) => check.name));
  if (errors.length > 0) throw new ConfigErrors(errors);
  return checks.map((check, i) => configAt(`health_checks[${i}]`, () => readHealthCheck(check, speaks.http2 || speaks.asDownstream, context)));
}

/** Several checks are told apart by their names. */
function nameErrors(names: readonly string[]): ConfigError[] {
  if (names.length < 2) return [];
  const errors: ConfigError[] = [];
  names.forEach((name, i) => {
    const path = `health_checks[${i}].name`;
    if (name === '') {
      errors.push(new ConfigError(
        `health check at index ${i} is missing a name; all health checks must have a name when multiple health checks are configured`, { path },
      ));
    } else if (names.indexOf(name) < i) {
      errors.push(new ConfigError(`duplicate health check name '${name}' at index ${i}; all health check names must be unique within a cluster`, { path }));
    }
  });
  return errors;
}
