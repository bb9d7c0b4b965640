import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { BUFFER, BUFFER_PER_ROUTE, bufferRouteSettings, bufferSettings } from './config.ts';
import { BufferFilter } from './filter.ts';

const NAME = 'envoy.filters.http.buffer';

export const bufferFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [BUFFER],
  perRouteConfigType: BUFFER_PER_ROUTE,
  status: 'works',
  terminal: false,

  create(config) {
    const settings = bufferSettings(config);
    return (callbacks) => callbacks.addStreamDecoderFilter(NAME, new BufferFilter(settings));
  },

  createPerRoute: (config) => bufferRouteSettings(config),
};
