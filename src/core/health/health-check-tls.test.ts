import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamTransportSocketConfigFactory } from '../../contract/extension.ts';
import type { UpstreamSocketOptions } from '../../contract/transport-socket.ts';
import { CheckedCluster } from './testing.ts';

const HTTP2 = 'typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": ' +
  'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}';
const TLS = 'transport_socket: {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}';

for (const check of ['http_health_check: {path: /}', 'tcp_health_check: {}', 'grpc_health_check: {}']) {
  for (const [options, alpn] of [['', null], [', tls_options: {}', null], [', tls_options: {alpn_protocols: [h2, x]}', ['h2', 'x']]] as const) {
    test(`transport socket of ${check}${options}`, () => {
      const seen: (UpstreamSocketOptions | null)[] = [];
      const factory: UpstreamTransportSocketConfigFactory = {
        name: 'tls', category: 'envoy.transport_sockets.upstream', configTypes: [], status: 'works',
        create: () => ({
          secure: true,
          supportsAlpn: true,
          wrap: (transport, connecting) => {
            seen.push(connecting.options);
            return transport;
          },
        }),
      };
      const cluster = new CheckedCluster(`${check}${options}`, { extra: `, ${HTTP2}, ${TLS}`, thread: { upstreamTransportSocket: () => factory } });
      try {
        assert.deepEqual(seen.map((each) => each?.alpnOverride ?? null), [alpn]);
      } finally {
        cluster.dispose();
      }
    });
  }
}

test('a transport socket that cannot be made now is a failed check', () => {
  const factory: UpstreamTransportSocketConfigFactory = {
    name: 'tls', category: 'envoy.transport_sockets.upstream', configTypes: [], status: 'works',
    create: () => ({ secure: true, supportsAlpn: true, wrap: () => null }),
  };
  const cluster = new CheckedCluster('tcp_health_check: {}', { extra: `, ${TLS}`, thread: { upstreamTransportSocket: () => factory } });
  cluster.thread.dispatcher.runPosted();
  assert.deepEqual([cluster.ready, cluster.counts], [true, [1, 0, 1, 1, 0, 0]]);
  cluster.dispose();
});
