import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { GRPC_HTTP1_BRIDGE, grpcHttp1BridgeConfig } from './config.ts';
import { GrpcHttp1BridgeFilter } from './filter.ts';

const NAME = 'envoy.filters.http.grpc_http1_bridge';

export const grpcHttp1BridgeFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [GRPC_HTTP1_BRIDGE],
  status: 'works',
  terminal: false,

  create(message) {
    const config = grpcHttp1BridgeConfig(message);
    return (callbacks) => callbacks.addStreamFilter(NAME, new GrpcHttp1BridgeFilter(config));
  },
};
