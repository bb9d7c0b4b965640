import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { HEADER_MUTATION, HEADER_MUTATION_PER_ROUTE, headerMutationConfig, headerMutationPerRoute } from './config.ts';
import { HeaderMutationFilter } from './filter.ts';

const NAME = 'envoy.filters.http.header_mutation';

export const headerMutationFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [HEADER_MUTATION],
  perRouteConfigType: HEADER_MUTATION_PER_ROUTE,
  status: 'works',
  terminal: false,

  create(config) {
    const settings = headerMutationConfig(config);
    return (callbacks) => callbacks.addStreamFilter(NAME, new HeaderMutationFilter(settings));
  },

  createPerRoute: (config) => headerMutationPerRoute(config),
};
