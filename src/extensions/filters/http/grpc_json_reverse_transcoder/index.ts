import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { GRPC_JSON_REVERSE_TRANSCODER, reverseTranscoderSettings } from './config.ts';
import { JsonReverseTranscoderFilter } from './filter.ts';

const NAME = 'envoy.filters.http.grpc_json_reverse_transcoder';

export const grpcJsonReverseTranscoderFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [GRPC_JSON_REVERSE_TRANSCODER],
  perRouteConfigType: GRPC_JSON_REVERSE_TRANSCODER,
  status: 'works',
  terminal: false,

  create(config) {
    const settings = reverseTranscoderSettings(config);
    return (callbacks) => callbacks.addStreamFilter(NAME, new JsonReverseTranscoderFilter(settings));
  },

  createPerRoute: (config) => reverseTranscoderSettings(config),
};
