import type { ListenerFilterFactory } from '../../../../contract/listener-filter.ts';
import { HttpInspectorFilter } from './filter.ts';
import { HttpInspectorStats } from './stats.ts';

export const httpInspector: ListenerFilterFactory = {
  name: 'envoy.filters.listener.http_inspector',
  category: 'envoy.filters.listener',
  configTypes: ['envoy.extensions.filters.listener.http_inspector.v3.HttpInspector'],
  status: 'works',

  // The message has no fields.
  create: (_config, context) => {
    const stats = new HttpInspectorStats(context.rootScope);
    return () => new HttpInspectorFilter(stats);
  },
};
