import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { NETWORK_RBAC, readNetworkRbac } from './config.ts';
import { NetworkRbacFilter } from './filter.ts';

export const networkRbacFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.rbac',
  category: 'envoy.filters.network',
  configTypes: [NETWORK_RBAC],
  status: 'partly',
  statusNote: 'without matcher trees, CEL conditions and the `san_matcher` of mtls_authenticated',
  terminal: false,

  create(message, context) {
    const config = readNetworkRbac(message, context);
    return (connection) => connection.addReadFilter(new NetworkRbacFilter(config));
  },
};
