// The catalogue through the whole proxy, with an origin that only records: what leaves the proxy is what is judged.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { freePorts, ProxyProcess, RawClient } from '../../harness/index.ts';
import { REQUEST_CASES } from './catalogue.ts';
import type { RequestCase } from './catalogue.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Keeps every byte and answers once it has as many as the test expects. */
class RecordingOrigin {
  port = 0;
  received = '';
  expected = Infinity;
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (data) => {
      this.received += data.toString('latin1').replace(/x-forwarded-proto: http\r\n/g, '');
      if (this.received.length >= this.expected) socket.write(ANSWER);
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as net.AddressInfo).port;
  }

  begin(expected: number): void {
    this.received = '';
    this.expected = expected;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

function configFor(port: number, originPort: number, adminPort: number): string {
  const address = (at: number): object => ({ socket_address: { address: '127.0.0.1', port_value: at } });
  const type = 'type.googleapis.com/envoy.extensions.filters';
  const router = { '@type': `${type}.http.router.v3.Router`, suppress_envoy_headers: true };
  const manager = {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'museum',
    generate_request_id: false,
    delayed_close_timeout: '0.1s',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'origin' } }] }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(originPort) } }] }];
  return JSON.stringify({
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: [{ name: 'in', address: address(port), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
      clusters: [{ name: 'origin', type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: 'origin', endpoints } }],
    },
  });
}

describe('the desync catalogue through the proxy', () => {
  const origin = new RecordingOrigin();
  let proxy: ProxyProcess;
  let port = 0;

  before(async () => {
    await origin.start();
    const [adminPort, listenerPort] = await freePorts(2);
    port = listenerPort;
    proxy = await ProxyProcess.start({ kind: 'nuncio', configFormat: 'json', adminPort, config: configFor(port, origin.port, adminPort) });
  });

  after(async () => {
    await proxy.stop();
    await origin.stop();
  });

  for (const one of REQUEST_CASES) it(`${one.id}: ${one.name}`, () => run(one));

  async function run(one: RequestCase): Promise<void> {
    origin.begin(one.origin?.length ?? Infinity);
    const client = await RawClient.connect({ port });
    try {
      client.send(one.send);
      const [response] = await client.readResponses(1, 5_000);
      if (one.origin !== undefined) {
        assert.equal(response?.startLine, 'HTTP/1.1 200 OK');
        assert.equal(origin.received, one.origin);
        return;
      }
      assert.equal(response?.startLine.split(' ')[1], one.refused?.slice(0, 3));
      assert.notEqual(await client.readUntilClose(5_000), 'open', 'the connection is closed after a refusal');
      assert.ok(!origin.received.includes('/evil'), origin.received);
    } finally {
      await client.close();
    }
  }
});
