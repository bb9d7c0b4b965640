import type { DownstreamTlsContext, UpstreamTlsContext } from '#api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { DownstreamTransportSocketConfigFactory, UpstreamTransportSocketConfigFactory } from '../../../contract/extension.ts';
import { expectMessage } from '../../../contract/message.ts';
import { DownstreamTlsFactory } from '../../../core/tls/downstream-factory.ts';
import { UpstreamTlsFactory } from '../../../core/tls/upstream-factory.ts';

const NAME = 'envoy.transport_sockets.tls';
const DOWNSTREAM = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const UPSTREAM = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const NOTE = 'without SDS (static secrets work), OCSP stapling, SPIFFE';

export const tlsDownstream: DownstreamTransportSocketConfigFactory = {
  name: NAME,
  category: 'envoy.transport_sockets.downstream',
  configTypes: [DOWNSTREAM],
  status: 'partly',
  statusNote: NOTE,
  create: (config, serverNames, context) => new DownstreamTlsFactory(expectMessage<DownstreamTlsContext>(config, DOWNSTREAM), serverNames, context),
};

export const tlsUpstream: UpstreamTransportSocketConfigFactory = {
  name: NAME,
  category: 'envoy.transport_sockets.upstream',
  configTypes: [UPSTREAM],
  status: 'partly',
  statusNote: NOTE,
  create: (config, scope, context) => new UpstreamTlsFactory(expectMessage<UpstreamTlsContext>(config, UPSTREAM), scope, context),
};
