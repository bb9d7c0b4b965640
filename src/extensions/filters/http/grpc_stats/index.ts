import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { GRPC_STATS_CONFIG, grpcStatsConfig } from './config.ts';
import { GrpcStatsFilter } from './filter.ts';

const NAME = 'envoy.filters.http.grpc_stats';

export const grpcStatsFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [GRPC_STATS_CONFIG],
  status: 'works',
  terminal: false,

  create(message) {
    const config = grpcStatsConfig(message);
    return (callbacks) => callbacks.addStreamFilter(NAME, new GrpcStatsFilter(config));
  },
};
