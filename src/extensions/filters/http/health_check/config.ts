import type { Message } from '@bufbuild/protobuf';
import type { HealthCheck } from '#api/envoy/extensions/filters/http/health_check/v3/health_check_pb.js';
import { buildHeaderMatchers } from '../../../../common/matchers/header-matcher.ts';
import type { HeaderMatcher } from '../../../../common/matchers/header-matcher.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';

export const HEALTH_CHECK = 'envoy.extensions.filters.http.health_check.v3.HealthCheck';

export interface HealthCheckConfig {
  readonly passThrough: boolean;
  /** Milliseconds, 0 = no cache. */
  readonly cacheTime: number;
  readonly headers: readonly HeaderMatcher[];
  /** Whole percentages by cluster, or null when clusters do not matter. */
  readonly minHealthy: readonly { readonly cluster: string; readonly percent: number }[] | null;
}

export function healthCheckConfig(config: Message): HealthCheckConfig {
  const message = expectMessage<HealthCheck>(config, HEALTH_CHECK);
  if (message.passThroughMode === undefined) throw new ConfigError('value is required', { path: 'pass_through_mode' });
  const passThrough = message.passThroughMode;
  const cacheTime = Math.trunc(durationMs(message.cacheTime, 0));
  if (!passThrough && cacheTime !== 0) {
    throw new ConfigError('cache_time_ms must not be set when path_through_mode is disabled', { path: 'cache_time' });
  }
  const percentages = Object.entries(message.clusterMinHealthyPercentages).map(([cluster, percent]) => {
    if (Number.isNaN(percent.value)) {
      throw new ConfigError(`cluster_min_healthy_percentages contains a NaN value for cluster: ${cluster}`, {
        path: `cluster_min_healthy_percentages[${JSON.stringify(cluster)}]`,
      });
    }
    return Object.freeze({ cluster, percent: Math.trunc(percent.value) });
  });
  return Object.freeze({
    passThrough,
    cacheTime,
    headers: buildHeaderMatchers(message.headers, 'headers'),
    minHealthy: passThrough || percentages.length === 0 ? null : percentages,
  });
}
