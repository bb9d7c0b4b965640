import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { DIRECT_RESPONSE, readDirectResponse } from './config.ts';
import { DirectResponseFilter } from './filter.ts';

export const directResponseFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.direct_response',
  category: 'envoy.filters.network',
  configTypes: [DIRECT_RESPONSE],
  status: 'works',
  terminal: true,

  create(message) {
    const response = readDirectResponse(message);
    return (connection) => connection.addReadFilter(new DirectResponseFilter(response));
  },
};
