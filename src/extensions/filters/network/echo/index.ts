import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { EchoFilter } from './filter.ts';

export const echoFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.echo',
  category: 'envoy.filters.network',
  configTypes: ['envoy.extensions.filters.network.echo.v3.Echo'],
  status: 'works',
  terminal: true,

  // The message has no fields.
  create: () => (connection) => connection.addReadFilter(new EchoFilter()),
};
