import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { GRPC_JSON_TRANSCODER, transcoderSettings } from './config.ts';
import { JsonTranscoderFilter } from './filter.ts';
import { transcoderStats } from './stats.ts';

const NAME = 'envoy.filters.http.grpc_json_transcoder';

export const grpcJsonTranscoderFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [GRPC_JSON_TRANSCODER],
  perRouteConfigType: GRPC_JSON_TRANSCODER,
  status: 'works',
  terminal: false,

  create(config, statPrefix, context) {
    const settings = transcoderSettings(config);
    const stats = transcoderStats(context.rootScope, statPrefix);
    return (callbacks) => callbacks.addStreamFilter(NAME, new JsonTranscoderFilter(settings, stats));
  },

  createPerRoute: (config) => transcoderSettings(config),
};
