// Requests that end in the wrong moment. In C++ these were crashes; here they would be uncaught errors or requests that hang.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { answer, Blackhole, headerOf, leakCheck, sleep, statusOf, until } from '../../harness/index.ts';
import { address, filter, Stand } from '../stand.ts';

after(leakCheck());

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const ENCODER = filter('m', 'filters.http.header_mutation.v3.HeaderMutation', {
  mutations: {
    request_mutations: [{ append: { header: { key: 'x-from', value: '%REQ(:AUTHORITY)%' } } }],
    response_mutations: [{ append: { header: { key: 'x-host', value: '[%REQ(:AUTHORITY)%]' } } }],
  },
});

async function isWell(stand: Stand): Promise<void> {
  // A connection of the origin keeps to the script that it began with.
  await stand.origin.endConnections();
  await stand.statBecomes('cluster.origin.upstream_cx_active', 0);
  stand.origin.use({ replies: [answer()] });
  assert.equal((await stand.get('/')).body, 'hello');
  await stand.statBecomes('http.museum.downstream_rq_active', 0);
  await stand.statBecomes('cluster.origin.upstream_rq_active', 0);
}

describe('requests that never were', () => {
  it('CVE-2019-18838: no host, and a filter of responses', () =>
    Stand.with({ filters: [ENCODER] }, async (stand) => {
      const [response] = await stand.exchange('GET / HTTP/1.1\r\n\r\n');
      assert.equal(response === undefined ? 0 : statusOf(response), 400);
      assert.equal(stand.origin.requests().length, 0);
      assert.match((await stand.logLines(1))[0] ?? '', /^400 - missing_host_header /);
      await isWell(stand);
    }));

  it('CVE-2019-18838: no path', () =>
    Stand.with({ filters: [ENCODER] }, async (stand) => {
      for (const head of ['CONNECT a:1 HTTP/1.1\r\nhost: a:1', 'OPTIONS * HTTP/1.1\r\nhost: a', 'GET http://a HTTP/1.1\r\nhost: a', 'GET ? HTTP/1.1\r\nhost: a', 'GET x HTTP/1.1\r\nhost: a']) {
        const [response] = await stand.exchange(`${head}\r\n\r\n`);
        assert.ok(response !== undefined && statusOf(response) >= 200, head);
      }
      await isWell(stand);
    }));
});

describe('CVE-2026-26311: after a reset nothing goes on', () => {
  it('the client goes while a filter holds its body', () =>
    Stand.with({ filters: [filter('b', 'filters.http.buffer.v3.Buffer', { max_request_bytes: 100_000 })] }, async (stand) => {
      const client = await stand.connect();
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc');
      await stand.statBecomes('http.museum.downstream_rq_active', 1);
      await client.reset();
      await stand.statBecomes('http.museum.downstream_rq_active', 0);
      assert.equal(stand.origin.requests().length, 0);
      await isWell(stand);
    }));

  it('the client goes while its request waits for a retry', () =>
    Stand.with({
      routes: [{ match: { prefix: '/' }, route: { cluster: 'origin', retry_policy: { retry_on: '5xx', num_retries: 5, retry_back_off: { base_interval: '0.2s', max_interval: '0.2s' } } } }],
      origin: { replies: [answer({ status: 503 })] },
    }, async (stand) => {
      const client = await stand.connect();
      client.send(GET);
      await until('the first attempt', () => stand.origin.requests().length > 0);
      await client.reset();
      await stand.statBecomes('http.museum.downstream_rq_active', 0);
      const attempts = stand.origin.requests().length;
      await sleep(300);
      assert.equal(stand.origin.requests().length, attempts, 'a retry for nobody');
      await isWell(stand);
    }));

  it('the client goes between the pieces of an answer', () =>
    Stand.with({ origin: { replies: [{ steps: [{ send: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc' }, { pauseMs: 100 }, { send: 'defghij' }] }] } }, async (stand) => {
      const client = await stand.connect();
      client.send(GET);
      await client.readUntil('abc');
      await client.reset();
      await until('the origin to be told', () => stand.origin.connections[0]?.ended !== 'open');
      assert.match((await stand.logLines(1))[0] ?? '', /^200 DC /);
      await isWell(stand);
    }));

  it('the origin resets after its head, with more on the way', () =>
    Stand.with({ filters: [ENCODER], origin: { replies: [{ steps: [{ send: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n' }, { pauseMs: 20 }, { end: 'rst' }] }] } }, async (stand) => {
      const client = await stand.connect();
      client.send(GET + GET);
      assert.notEqual(await client.readUntilClose(), 'open', 'half an answer is not taken for a whole one');
      assert.equal(client.responses()[0]?.complete, false);
      assert.equal(client.responses().length, 1);
      await client.close();
      await isWell(stand);
    }));
});

describe('timers that end together', () => {
  const policy = { retry_on: '5xx,reset,connect-failure', num_retries: 3, per_try_timeout: '0.1s', per_try_idle_timeout: '0.1s', retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' } };

  it('CVE-2024-23322: idle, per-try and back-off timers', () =>
    Stand.with({ routes: [{ match: { prefix: '/' }, route: { cluster: 'origin', idle_timeout: '0.1s', retry_policy: policy } }], origin: { replies: [] } }, async (stand) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => stand.exchange(GET)));
      for (const [response] of responses) assert.ok(response !== undefined && [408, 504].includes(statusOf(response)), response?.head);
      assert.equal((await stand.logLines(20)).length, 20, 'one line a request');
      await isWell(stand);
    }));

  it('CVE-2024-23322: the global timeout and the last attempt', () =>
    Stand.with({ routes: [{ match: { prefix: '/' }, route: { cluster: 'origin', timeout: '0.1s', retry_policy: { ...policy, per_try_timeout: '0.05s' } } }], origin: { replies: [] } }, async (stand) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => stand.exchange(GET)));
      for (const [response] of responses) assert.equal(response === undefined ? 0 : statusOf(response), 504);
      await isWell(stand);
    }));

  it('CVE-2024-23322: an answer that comes with the timeout', () =>
    Stand.with({ routes: [{ match: { prefix: '/' }, route: { cluster: 'origin', timeout: '0.1s' } }], origin: { replies: [{ steps: [{ pauseMs: 100 }, { send: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' }] }] } }, async (stand) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => stand.exchange(GET)));
      for (const messages of responses) {
        assert.equal(messages.length, 1);
        assert.ok(messages[0] !== undefined && [200, 504].includes(statusOf(messages[0])));
      }
      await isWell(stand);
    }));
});

describe('informational responses', () => {
  const REPEATED = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(10);

  for (const proxy100Continue of [false, true]) {
    it(`CVE-2024-53271: repeated 100, ${proxy100Continue ? 'passed on' : 'answered here'}`, () =>
      Stand.with({ filters: [ENCODER], manager: { proxy_100_continue: proxy100Continue }, origin: { replies: [answer(`${REPEATED}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello`)] } }, async (stand) => {
        const [...messages] = await stand.exchange('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\nabc');
        assert.equal(messages.at(-1)?.body, 'hello');
        assert.equal(messages.filter((each) => statusOf(each) === 200).length, 1);
        assert.ok(messages.length <= 11);
        await isWell(stand);
      }));
  }

  it('CVE-2024-53271: 1xx behind which the origin resets, and 1xx behind the answer', () =>
    Stand.with({ origin: { replies: [{ steps: [{ send: 'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'.repeat(3) }, { end: 'rst' }] }] } }, async (stand) => {
      const first = await stand.get('/');
      assert.ok(statusOf(first) === 503 || statusOf(first) === 103, first.head);
      stand.origin.use({ replies: [answer(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${REPEATED}`)] });
      assert.equal((await stand.get('/')).body, 'ok');
      await isWell(stand);
    }));
});

describe('upgrades', () => {
  const UPGRADE = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n';

  it('CVE-2024-23326, desync-7: nobody switches protocols who is not allowed to', () =>
    Stand.with({}, async (stand) => {
      const client = await stand.connect();
      client.send(`${UPGRADE}GET /evil HTTP/1.1\r\nhost: e\r\n\r\n`);
      const [response] = await client.readResponses(1);
      assert.equal(response === undefined ? 0 : statusOf(response), 403);
      assert.notEqual(await client.readUntilClose(), 'open');
      assert.equal(stand.origin.requests().length, 0);
      await client.close();
      await isWell(stand);
    }));

  const allowed = { upgrade_configs: [{ upgrade_type: 'websocket' }] };

  it('CVE-2024-23326: 200 is no 101', () =>
    Stand.with({ manager: allowed, origin: { replies: [answer('HTTP/1.1 200 OK\r\nconnection: Upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nno')] } }, async (stand) => {
      const client = await stand.connect();
      client.send(UPGRADE);
      const [response] = await client.readResponses(1);
      assert.equal(response === undefined ? 0 : statusOf(response), 200);
      client.send('GET /evil HTTP/1.1\r\nhost: e\r\n\r\n');
      assert.notEqual(await client.readUntilClose(), 'open');
      assert.ok(!stand.origin.connections.some((each) => each.received.includes('/evil')), 'a tunnel through an answer that was no 101');
      await client.close();
      await isWell(stand);
    }));

  it('CVE-2026-73548: what comes before the 101 stays here, and goes nowhere when there is none', () =>
    Stand.with({ manager: allowed, origin: { replies: [{ at: 'head', steps: [{ pauseMs: 100 }, { send: 'HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n' }] }] } }, async (stand) => {
      const client = await stand.connect();
      client.send(`${UPGRADE}GET /evil HTTP/1.1\r\nhost: e\r\n\r\n`);
      const [response] = await client.readResponses(1);
      assert.equal(response === undefined ? 0 : statusOf(response), 403);
      await until('the connection to the origin to be closed', () => stand.origin.connections[0]?.ended !== 'open');
      assert.ok(!stand.origin.connections.some((each) => each.received.includes('/evil')));
      await client.close();
      await isWell(stand);
    }));

  it('CVE-2026-73548: what came early reaches the origin behind its 101', () =>
    Stand.with({ manager: allowed, origin: { replies: [{ at: 'head', steps: [{ send: 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n' }, { echo: true }] }] } }, async (stand) => {
      const client = await stand.connect();
      client.send(`${UPGRADE}early`);
      assert.ok(await client.readUntil('early'));
      await client.close();
      await stand.statBecomes('http.museum.downstream_rq_active', 0);
    }));
});

describe('the connection to the origin', () => {
  it('CVE-2021-43826: a TCP client goes while its upstream is being connected', async () => {
    const hole = await Blackhole.start();
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(hole.port) } }] }];
    const tcp = filter('tcp', 'filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: 'tcp', cluster: 'hole' });
    const clusters = [{ name: 'hole', type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: 'hole', endpoints } }];
    try {
      await Stand.with({ listener: { filter_chains: [{ filters: [tcp] }] }, clusters }, async (stand) => {
        const client = await stand.connect();
        client.send('early');
        await stand.statBecomes('cluster.hole.upstream_cx_total', 1);
        await client.reset();
        await stand.statBecomes('cluster.hole.upstream_cx_active', 0);
        await stand.statBecomes('tcp.tcp.downstream_cx_rx_bytes_buffered', 0);
      });
    } finally {
      await hole.stop();
    }
  });

  it('CVE-2026-48931: a byte on an idle connection is nobody\'s answer', () =>
    Stand.with({}, async (stand) => {
      const poison = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison';
      assert.equal((await stand.get('/')).body, 'hello');
      stand.origin.connections[0]?.socket.write(poison);
      await until('the connection to be closed', () => stand.origin.connections[0]?.ended !== 'open');
      for (let i = 0; i < 3; i++) assert.equal((await stand.get('/')).body, 'hello');
      assert.equal(stand.origin.connections.length, 2);
    }));

  it('CVE-2026-48931: a second answer in the same bytes is nobody\'s, either', () =>
    Stand.with({ origin: { replies: [answer('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'), answer()] } }, async (stand) => {
      assert.equal((await stand.get('/')).body, 'ok');
      assert.equal((await stand.get('/')).body, 'hello');
      assert.equal(stand.origin.connections.length, 2);
    }));

  it('undici CVE-2026-1525: two lengths in one answer, by case', () =>
    Stand.with({ origin: { replies: [answer('HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\nhello!')] } }, async (stand) => {
      const response = await stand.get('/');
      assert.equal(statusOf(response), 502);
      assert.equal(headerOf(response, 'content-length'), String(response.body.length));
      await isWell(stand);
    }));

  it('Pingora CVE-2025-4366: an answer before the body was sent is not followed by another on that connection', () =>
    Stand.with({ origin: { replies: [{ at: 'head', steps: [{ send: 'HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno' }] }] } }, async (stand) => {
      const client = await stand.connect();
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n');
      const [response] = await client.readResponses(1);
      assert.equal(response === undefined ? 0 : statusOf(response), 413);
      client.send(GET);
      assert.notEqual(await client.readUntilClose(), 'open');
      assert.equal(client.responses().length, 1);
      await until('the connection to the origin to be closed', () => stand.origin.connections[0]?.ended !== 'open');
      await client.close();
      await isWell(stand);
    }));
});
