import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { CONNECTION_LIMIT, readConnectionLimit } from './config.ts';
import { ConnectionLimitFilter } from './filter.ts';

export const connectionLimitFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.connection_limit',
  category: 'envoy.filters.network',
  configTypes: [CONNECTION_LIMIT],
  status: 'works',
  terminal: false,

  create(message, context) {
    const config = readConnectionLimit(message, context);
    return (connection) => connection.addReadFilter(new ConnectionLimitFilter(config));
  },
};
