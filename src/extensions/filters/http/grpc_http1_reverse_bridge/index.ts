import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { REVERSE_BRIDGE, REVERSE_BRIDGE_PER_ROUTE, reverseBridgeConfig, reverseBridgeRoute } from './config.ts';
import { ReverseBridgeFilter } from './filter.ts';

const NAME = 'envoy.filters.http.grpc_http1_reverse_bridge';

export const grpcHttp1ReverseBridgeFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [REVERSE_BRIDGE],
  perRouteConfigType: REVERSE_BRIDGE_PER_ROUTE,
  status: 'works',
  terminal: false,

  create(message) {
    const config = reverseBridgeConfig(message);
    return (callbacks) => callbacks.addStreamFilter(NAME, new ReverseBridgeFilter(config));
  },

  createPerRoute: (message) => reverseBridgeRoute(message),
};
