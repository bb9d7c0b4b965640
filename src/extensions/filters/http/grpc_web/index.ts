import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { GRPC_WEB, checkGrpcWebConfig } from './config.ts';
import { GrpcWebFilter } from './filter.ts';

const NAME = 'envoy.filters.http.grpc_web';

export const grpcWebFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [GRPC_WEB],
  status: 'works',
  terminal: false,

  create(config) {
    checkGrpcWebConfig(config);
    return (callbacks) => callbacks.addStreamFilter(NAME, new GrpcWebFilter());
  },
};
