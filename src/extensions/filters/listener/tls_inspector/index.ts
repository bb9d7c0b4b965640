import type { TlsInspector } from '#api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import type { ListenerFilterFactory } from '../../../../contract/listener-filter.ts';
import { expectMessage } from '../../../../contract/message.ts';
import { TLS_INSPECTOR, tlsInspectorSettings } from './config.ts';
import { TlsInspectorFilter } from './filter.ts';
import { TlsInspectorStats } from './stats.ts';

export const tlsInspector: ListenerFilterFactory = {
  name: 'envoy.filters.listener.tls_inspector',
  category: 'envoy.filters.listener',
  configTypes: [TLS_INSPECTOR],
  status: 'works',

  create: (config, context) => {
    const settings = tlsInspectorSettings(expectMessage<TlsInspector>(config, TLS_INSPECTOR));
    const stats = new TlsInspectorStats(context.rootScope);
    return () => new TlsInspectorFilter(settings, stats);
  },
};
