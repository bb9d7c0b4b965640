// Whatever a peer feeds has an end. Nothing here measures time: a case counts what the proxy took, or shows that the input is bounded.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { answer, headerOf, leakCheck, ScriptedOrigin, sleep, statusOf, until } from '../../harness/index.ts';
import type { OriginScript } from '../../harness/index.ts';
import { address, filter, isEnvoy, Stand } from '../stand.ts';

after(leakCheck());

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

describe('heads', () => {
  it('CVE-2019-15226: the number of lines is bounded, and the count is that of the lines that came', () =>
    Stand.with({}, async (stand) => {
      const lines = (count: number): string[] => Array.from({ length: count }, (_, i) => `x-${i}: y`);
      assert.equal(statusOf(await stand.get('/', lines(99))), 200);
      assert.equal(statusOf(await stand.get('/', lines(100))), 431);
      assert.equal(statusOf(await stand.get('/', Array.from({ length: 100 }, () => 'x: y'))), 431);
      assert.equal(statusOf(await stand.get('/', Array.from({ length: 100 }, () => 'cookie: a=b'))), 431);
      assert.equal(stand.origin.requests().length, 1);
    }));

  it('CVE-2019-15226: a thousand headers are passed on as they are when that is allowed', () => {
    // The origin answers with as many: both directions and both limits.
    const headers = Array.from({ length: 1_000 }, (_, i) => `x-${i}: ${i}`);
    const protocol = filter('p', 'upstreams.http.v3.HttpProtocolOptions', { explicit_http_config: { http_protocol_options: {} }, common_http_protocol_options: { max_headers_count: 1_100 } }) as { typed_config: object };
    const cluster = { typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': protocol.typed_config } };
    return Stand.with({ manager: { common_http_protocol_options: { max_headers_count: 1_100 } }, cluster, origin: { replies: [answer({ headers })] } }, async (stand) => {
      const response = await stand.get('/', headers);
      const mine = (list: readonly (readonly [string, string])[] = []): string[] => list.filter(([name]) => /^x-\d/.test(name)).map(([name, value]) => `${name}: ${value}`);
      assert.deepEqual(mine(stand.origin.requests()[0]?.headers), headers);
      assert.deepEqual(mine(response.headers), headers);
    });
  });

  it('CVE-2020-12605: names, values and target count together', () =>
    Stand.with({ manager: { max_request_headers_kb: 2 } }, async (stand) => {
      assert.equal(statusOf(await stand.get(`/${'x'.repeat(2_100)}`)), 431);
      assert.equal(statusOf(await stand.get('/', [`${'x'.repeat(2_100)}: 1`])), 431);
      assert.equal(statusOf(await stand.get(`/${'x'.repeat(700)}`, [`${'x'.repeat(700)}: ${'y'.repeat(700)}`])), 431);
      assert.equal(statusOf(await stand.get('/', [`x: ${'y'.repeat(1_500)}`])), 200);
    }));

  it('CVE-2018-12122: a head that does not come to an end is not waited for', () =>
    Stand.with({ manager: { request_headers_timeout: '0.1s' } }, async (stand) => {
      const client = await stand.connect();
      client.send('GET / HTTP/1.1\r\nhost: a\r\nx: ');
      const [response] = await client.readResponses(1);
      assert.equal(response === undefined ? 0 : statusOf(response), 408);
      assert.equal(await client.readUntilClose(), 'fin');
      await client.close();
    }));

  it('CVE-2019-5739: a connection without a request is not kept for ever', () =>
    Stand.with({ manager: { common_http_protocol_options: { idle_timeout: '0.1s' } } }, async (stand) => {
      const client = await stand.connect();
      assert.notEqual(await client.readUntilClose(), 'open');
      await client.close();
    }));

  it('CVE-2020-8251: a body that does not come to an end is not waited for', () =>
    Stand.with({ manager: { request_timeout: '0.1s' } }, async (stand) => {
      const client = await stand.connect();
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc');
      const [response] = await client.readResponses(1);
      assert.equal(response === undefined ? 0 : statusOf(response), 408);
      await client.close();
    }));
});

describe('bodies', () => {
  it('CVE-2020-8659: chunks of one byte do not leave as chunks of one byte', () => {
    const chunks = Array.from({ length: 5_000 }, () => 'x');
    return Stand.with({ origin: { replies: [answer({ chunks })] } }, async (stand) => {
      const client = await stand.connect();
      client.send(GET);
      const [response] = await client.readResponses(1);
      assert.equal(response?.body, 'x'.repeat(5_000));
      // 6 bytes a chunk came; what goes out is a handful of chunks.
      assert.ok(client.receivedBytes < 10_000, `${client.receivedBytes} bytes`);
      client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`);
      await client.readResponses(2);
      assert.equal(stand.origin.requests()[1]?.body, 'x'.repeat(5_000));
      assert.ok(stand.origin.connections.reduce((sum, each) => sum + each.receivedBytes, 0) < 10_000);
      await client.close();
    });
  });

  const MIRRORED = [{ match: { prefix: '/' }, route: { cluster: 'origin', request_mirror_policies: [{ cluster: 'mirror' }] } }];

  async function withMirror(script: OriginScript, body: (stand: Stand, mirror: ScriptedOrigin) => Promise<void>): Promise<void> {
    const mirror = await ScriptedOrigin.start(script);
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(mirror.port) } }] }];
    const clusters = [{ name: 'mirror', type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: 'mirror', endpoints } }];
    try {
      await Stand.with({ routes: MIRRORED, clusters, listener: { per_connection_buffer_limit_bytes: 65_536 } }, (stand) => body(stand, mirror));
    } finally {
      await mirror.stop();
    }
  }

  it('CVE-2024-34364: the answer of a mirror is not kept, however large', () => {
    const size = 64 * 1_048_576;
    const script = { replies: [{ steps: [{ send: `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n` }, { fill: size }] }] };
    return withMirror(script, async (stand) => {
      const before = process.memoryUsage().rss;
      assert.equal((await stand.get('/')).body, 'hello');
      await stand.statBecomes('cluster.mirror.upstream_rq_active', 0);
      const grown = process.memoryUsage().rss - before;
      if (!isEnvoy) assert.ok(grown < size, `${grown} bytes more`);
    });
  });

  it('CVE-2024-34364: a mirror that does not read pauses the client and fills no memory', () =>
    withMirror({ plainTcp: true, startPaused: true }, async (stand, mirror) => {
      const size = 32 * 1_048_576;
      stand.origin.keepBytes = false;
      stand.origin.use({ plainTcp: true });
      const client = await stand.connect();
      client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`);
      await until('the mirror to be connected', () => mirror.connections.length > 0);
      await stand.statBecomes('cluster.mirror.upstream_rq_active', 1);
      client.send(Buffer.alloc(size, 'x'));
      let seen = -1;
      await until('the upload to stand still', async () => {
        const now = stand.origin.connections[0]?.receivedBytes ?? 0;
        const still = now > 0 && now === seen;
        seen = now;
        await sleep(150);
        return still;
      });
      assert.ok(seen < size, `${seen} bytes went through`);
      await mirror.endConnections();
      await until('the whole upload', () => (stand.origin.connections[0]?.receivedBytes ?? 0) > size);
      await client.close();
    }));

  it('CVE-2021-43825: a response larger than the buffers of filters is refused, not kept', () =>
    Stand.with({
      listener: { per_connection_buffer_limit_bytes: 1_024 },
      filters: [filter('b', 'filters.http.buffer.v3.Buffer', { max_request_bytes: 1_024 })],
    }, async (stand) => {
      const [response] = await stand.exchange(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4096\r\n\r\n${'x'.repeat(4_096)}`);
      assert.equal(response === undefined ? 0 : statusOf(response), 413);
      assert.equal(stand.origin.requests().length, 0);
      assert.equal(statusOf(await stand.get('/')), 200);
    }));
});

describe('connections', () => {
  it('CVE-2020-8661: a client that pipelines and does not read is not read from', () =>
    Stand.with({ routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'x'.repeat(4_000) } } }] }, async (stand) => {
      const count = 50_000;
      const client = await stand.connect();
      client.pause();
      client.send(GET.repeat(count));
      let seen = -1;
      // The count stands still long before all are answered: what is not read is not answered, and what is not answered is not parsed.
      await until('the proxy to stop reading', async () => {
        const now = (await stand.stat('http.museum.downstream_rq_total')) ?? 0;
        const still = now > 0 && now === seen;
        seen = now;
        await sleep(100);
        return still;
      }, { timeoutMs: 20_000 });
      assert.ok(seen < count / 2, `${seen} of ${count} requests were answered`);
      await client.reset();
      await stand.statBecomes('http.museum.downstream_cx_active', 0);
    }));

  it('CVE-2020-8663: a listener has a limit of connections', () =>
    Stand.with({ runtime: { 'envoy.resource_limits.listener.in.connection_limit': 2 } }, async (stand) => {
      const clients = [await stand.connect(), await stand.connect()];
      for (const client of clients) {
        client.send(GET);
        await client.readResponses(1);
      }
      const third = await stand.connect();
      assert.notEqual(await third.readUntilClose(), 'open');
      assert.equal(third.receivedBytes, 0);
      await third.close();
      await clients[0]?.close();
      await stand.statBecomes('http.museum.downstream_cx_active', 1);
      assert.equal(statusOf(await stand.get('/')), 200);
      await clients[1]?.close();
    }));

  it('CVE-2020-8663: as has the whole process', () =>
    Stand.with({ runtime: { 'overload.global_downstream_max_connections': 1 } }, async (stand) => {
      const client = await stand.connect();
      client.send(GET);
      await client.readResponses(1);
      const second = await stand.connect();
      assert.notEqual(await second.readUntilClose(), 'open');
      await second.close();
      await client.close();
    }));
});

describe('numbers', () => {
  const VALUES = ['99999999H', '999999999H', '18446744073709551616H', `${'9'.repeat(400)}S`, '-1S', '1', 'S', '', '1X', '0x1S', '1e9S', 'NaNS', '00000000n', '2562047H', '1n'];

  it('CVE-2021-28682: grpc-timeout in all sizes', () =>
    Stand.with({
      routes: [
        { match: { prefix: '/old' }, route: { cluster: 'origin', max_grpc_timeout: '0s', grpc_timeout_offset: '0.001s' } },
        { match: { prefix: '/' }, route: { cluster: 'origin', max_stream_duration: { grpc_timeout_header_max: '0s', grpc_timeout_header_offset: '0.001s' } } },
      ],
    }, async (stand) => {
      for (const path of ['/old', '/new']) {
        for (const value of VALUES) {
          const response = await stand.get(path, ['content-type: application/grpc', `grpc-timeout: ${value}`], 'POST');
          // A nanosecond may be over: then it is a deadline, in gRPC's words.
          const isOver = headerOf(response, 'grpc-status') === '4' || headerOf(response, 'grpc-status') === '14';
          assert.ok(statusOf(response) === 200 && (isOver ? /^(?:\d?n|00000000n|1n)$/.test(value) : response.body === 'hello'), `${path} ${value}: ${response.head}`);
        }
      }
    }));

  it('CVE-2021-28682: the timeouts of x-envoy headers', () =>
    Stand.with({}, async (stand) => {
      for (const name of ['x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms', 'x-envoy-max-retries', 'x-envoy-expected-rq-timeout-ms']) {
        for (const value of ['99999999999999999999', '9223372036854775807', '4294967296000', '-1', '', '1e3', 'x', '0x10', ' 5000']) {
          assert.equal(statusOf(await stand.get('/', [`${name}: ${value}`])), 200, `${name}: ${value}`);
        }
      }
    }));
});

describe('CVE-2026-48042: configuration that nests without end is refused in words', () => {
  const deep = 20_000;
  const minimal = (metadata: string): string => `{"node": {"id": "a", "cluster": "b", "metadata": ${metadata}}}\n`;
  const texts: Readonly<Record<string, string>> = {
    'JSON objects': minimal('{"a":'.repeat(deep) + '1' + '}'.repeat(deep)),
    'JSON lists': minimal(`{"a": ${'['.repeat(deep)}1${']'.repeat(deep)}}`),
    'JSON that does not end': minimal('{"a":'.repeat(deep)),
    'YAML flow lists': `node:\n  id: a\n  cluster: b\n  metadata: {a: ${'['.repeat(deep)}1${']'.repeat(deep)}}\n`,
    'YAML block lists': `node:\n  id: a\n  cluster: b\n  metadata:\n    a:\n      ${'- '.repeat(deep)}1\n`,
    'YAML aliases that multiply': `node:\n  id: a\n  cluster: b\n  metadata:\n    a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefghi'.split('').map((c, i) => `    ${c}: &${c} [${Array.from({ length: 10 }, () => `*${'abcdefgh'[i]}`).join(', ')}]`).join('\n')}\n`,
  };
  for (const [name, text] of Object.entries(texts)) {
    it(name, { skip: isEnvoy ? 'not about Envoy' : false }, async () => {
      const { startProxy, StartupError } = await import('../../../src/index.ts');
      await assert.rejects(startProxy({ config: text, logLevel: 'off' }), (error) => {
        assert.ok(error instanceof StartupError, String(error));
        assert.ok(error.message.length < 2_000 && !/call stack/i.test(error.message), error.message.slice(0, 200));
        return true;
      });
    });
  }

  it('a moderate depth is no attack', async () => {
    const { startProxy } = await import('../../../src/index.ts');
    const proxy = await startProxy({ config: minimal('{"a":'.repeat(20) + '1' + '}'.repeat(20)), logLevel: 'off' });
    await proxy.stop();
  });
});
