// CONNECT-UDP that ends at the proxy, with a real socket behind it. With NUNCIO_MUSEUM_PROXY=envoy the same runs against Envoy.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, describe, it } from 'node:test';
import { leakCheck } from '../../harness/index.ts';
import { address, Stand } from '../../museum/stand.ts';

after(leakCheck());

const manager = { upgrade_configs: [{ upgrade_type: 'connect-udp' }], http2_protocol_options: { allow_connect: true } };
const routes = [{ match: { connect_matcher: {} }, route: { cluster: 'udp', upgrade_configs: [{ upgrade_type: 'CONNECT-UDP', connect_config: {} }] } }];
const PATH = '/.well-known/masque/udp/target.example.com/53/';
/** A UDP packet as DATAGRAM capsule: type, length, context, payload. */
const capsule = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length + 1, 0]), Buffer.from(text)]);

async function withUdpEcho(body: (stand: Stand) => Promise<void>): Promise<void> {
  const server: Socket = createSocket('udp4');
  server.on('message', (packet, peer) => server.send(`${packet.toString()}!`, peer.port, peer.address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(server.address().port) } }] }];
  const clusters = [{ name: 'udp', type: 'STATIC', load_assignment: { cluster_name: 'udp', endpoints } }];
  try {
    await Stand.with({ manager, routes, clusters }, body);
  } finally {
    server.close();
  }
}

describe('CONNECT-UDP', () => {
  it('over HTTP/1: packets go and come as capsules', () =>
    withUdpEcho(async (stand) => {
      const client = await stand.connect();
      client.send(`GET ${PATH} HTTP/1.1\r\nhost: proxy\r\nconnection: Upgrade\r\nupgrade: connect-udp\r\ncapsule-protocol: ?1\r\n\r\n`);
      assert.ok(await client.readUntil('\r\n\r\n'));
      client.send(capsule('one'));
      assert.ok(await client.readUntil(capsule('one!').toString('latin1')));
      client.send(Buffer.concat([Buffer.from([0x29, 2, 7, 7]), capsule('two')]));
      assert.ok(await client.readUntil(capsule('two!').toString('latin1')));
      assert.match(client.received.toString('latin1'), /capsule-protocol: \?1\r\n/);
      await client.close();
      await stand.statBecomes('http.museum.downstream_cx_upgrades_active', 0);
      await stand.statBecomes('http.museum.downstream_rq_active', 0);
    }));

  it('over HTTP/2: extended CONNECT', () =>
    withUdpEcho(async (stand) => {
      const client = http2.connect(`http://127.0.0.1:${stand.port}`);
      try {
        await once(client, 'remoteSettings');
        const stream = client.request({ ':method': 'CONNECT', ':protocol': 'connect-udp', ':scheme': 'http', ':authority': 'proxy', ':path': PATH, 'capsule-protocol': '?1' });
        const [response] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
        assert.deepEqual([response[':status'], response['capsule-protocol']], [200, '?1']);
        stream.write(capsule('one'));
        const [data] = (await once(stream, 'data')) as [Buffer];
        assert.equal(data.toString('hex'), capsule('one!').toString('hex'));
        stream.close();
        await once(stream, 'close');
        await stand.statBecomes('http.museum.downstream_rq_active', 0);
      } finally {
        client.destroy();
      }
    }));
});
