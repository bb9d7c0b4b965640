import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { SniClusterFilter } from './filter.ts';

export const sniClusterFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.sni_cluster',
  category: 'envoy.filters.network',
  configTypes: ['envoy.extensions.filters.network.sni_cluster.v3.SniCluster'],
  status: 'works',
  terminal: false,

  // The message has no fields.
  create: () => (connection) => connection.addReadFilter(new SniClusterFilter()),
};
