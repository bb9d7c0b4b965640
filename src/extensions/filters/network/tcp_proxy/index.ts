import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { readTcpProxy, TCP_PROXY } from './config.ts';
import { TcpProxyFilter } from './filter.ts';

export const tcpProxyFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.tcp_proxy',
  category: 'envoy.filters.network',
  configTypes: [TCP_PROXY],
  status: 'partly',
  statusNote: 'without on-demand discovery and PROXY protocol TLVs',
  terminal: true,

  create(message, context) {
    const config = readTcpProxy(message, context);
    return (connection) => connection.addReadFilter(new TcpProxyFilter(config));
  },
};
