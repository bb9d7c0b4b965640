import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { LOCAL_RATE_LIMIT, readLocalRateLimit } from './config.ts';
import { LocalRateLimitFilter } from './filter.ts';

export const localRateLimitFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.local_ratelimit',
  category: 'envoy.filters.network',
  configTypes: [LOCAL_RATE_LIMIT],
  status: 'works',
  terminal: false,

  create(message, context) {
    const config = readLocalRateLimit(message, context);
    return (connection) => connection.addReadFilter(new LocalRateLimitFilter(config));
  },
};
