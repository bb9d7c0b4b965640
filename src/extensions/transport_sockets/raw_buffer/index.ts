import type { DownstreamTransportSocketConfigFactory, UpstreamTransportSocketConfigFactory } from '../../../contract/extension.ts';

const NAME = 'envoy.transport_sockets.raw_buffer';
const CONFIG_TYPES = ['envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'];

export const rawBufferDownstream: DownstreamTransportSocketConfigFactory = {
  name: NAME,
  category: 'envoy.transport_sockets.downstream',
  configTypes: CONFIG_TYPES,
  status: 'works',
  create: () => null,
};

export const rawBufferUpstream: UpstreamTransportSocketConfigFactory = {
  name: NAME,
  category: 'envoy.transport_sockets.upstream',
  configTypes: CONFIG_TYPES,
  status: 'works',
  create: () => null,
};
