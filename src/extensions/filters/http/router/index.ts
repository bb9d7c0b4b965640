import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { RouterFilter } from '../../../../core/router/router.ts';
import { ROUTER, routerConfig } from './config.ts';

const NAME = 'envoy.filters.http.router';

export const routerFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [ROUTER],
  status: 'partly',
  statusNote: 'no internal redirects, no upstream HTTP filters, no outlier detection',
  terminal: true,

  create(message, statPrefix, context) {
    const config = routerConfig(message, statPrefix, context);
    return (callbacks) => callbacks.addStreamDecoderFilter(NAME, new RouterFilter(config));
  },
};
