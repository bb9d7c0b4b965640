import type { ProxyProtocol } from '#api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import type { ListenerFilterFactory } from '../../../../contract/listener-filter.ts';
import { expectMessage } from '../../../../contract/message.ts';
import { PROXY_PROTOCOL, proxyProtocolSettings } from './config.ts';
import { ProxyProtocolFilter } from './filter.ts';
import { ProxyProtocolStats } from './stats.ts';

export const proxyProtocolFilter: ListenerFilterFactory = {
  name: 'envoy.filters.listener.proxy_protocol',
  category: 'envoy.filters.listener',
  configTypes: [PROXY_PROTOCOL],
  status: 'works',

  create: (config, context) => {
    const settings = proxyProtocolSettings(expectMessage<ProxyProtocol>(config, PROXY_PROTOCOL));
    const stats = new ProxyProtocolStats(context.rootScope, settings.statPrefix);
    return () => new ProxyProtocolFilter(settings, stats);
  },
};
