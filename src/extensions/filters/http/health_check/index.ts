import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { HealthCheckCache } from './cache.ts';
import { HEALTH_CHECK, healthCheckConfig } from './config.ts';
import { HealthCheckFilter, HealthCheckStats } from './filter.ts';
import type { HealthCheckShared } from './filter.ts';

const NAME = 'envoy.filters.http.health_check';

export const healthCheckFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [HEALTH_CHECK],
  status: 'works',
  terminal: false,

  create(message, statPrefix, context) {
    const config = healthCheckConfig(message);
    const scope = context.rootScope.scope(`${statPrefix}health_check`);
    const cache = config.cacheTime > 0 ? new HealthCheckCache(context.dispatcher.clock, config.cacheTime) : null;
    const shared: HealthCheckShared = { config, cache, stats: new HealthCheckStats(scope), context };
    return (callbacks) => callbacks.addStreamFilter(NAME, new HealthCheckFilter(shared));
  },
};
