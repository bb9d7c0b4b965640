import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { CONNECT_GRPC_BRIDGE, checkConnectGrpcBridgeConfig } from './config.ts';
import { ConnectGrpcBridgeFilter } from './filter.ts';

const NAME = 'envoy.filters.http.connect_grpc_bridge';

export const connectGrpcBridgeFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [CONNECT_GRPC_BRIDGE],
  status: 'works',
  terminal: false,

  create(message) {
    checkConnectGrpcBridgeConfig(message);
    return (callbacks) => callbacks.addStreamFilter(NAME, new ConnectGrpcBridgeFilter());
  },
};
