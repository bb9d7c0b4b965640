import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryConnection } from '../http/testing/connection.ts';
import { TestProxy, splitMessage, testRoute, testRouteEntry } from '../http/testing/proxy.ts';
import type { TestCluster } from '../http/testing/upstream.ts';
import type { ShadowPolicy } from '../../contract/route.ts';
import { findStatsSchema } from '../stats/store.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';
const MIRROR: ShadowPolicy = {
  cluster: 'mirror', clusterHeader: '', runtimeKey: '', fraction: { numerator: 100, denominator: 100 }, disableShadowHostSuffixAppend: false,
};

function start(policy: Partial<ShadowPolicy> = {}): { proxy: TestProxy; client: MemoryConnection; mirror: TestCluster } {
  const proxy = new TestProxy();
  const mirror = proxy.addCluster('mirror');
  proxy.routes.route = testRoute(testRouteEntry({ shadowPolicies: [{ ...MIRROR, ...policy }] }));
  return { proxy, client: proxy.connect(), mirror };
}

function asyncTotal(proxy: TestProxy): number {
  const schema = findStatsSchema('router');
  if (schema === undefined) throw new Error('no router family');
  return proxy.root.scope('http.async-client').block(schema).counter('rq_total').value;
}

test('a mirror gets the request with its own host, and its answer is only counted', () => {
  const { proxy, client, mirror } = start();
  client.receive('GET /a HTTP/1.1\r\nHost: a:80\r\n\r\n');
  const mirrored = splitMessage(mirror.upstream.take());
  assert.equal(mirrored.firstLine, 'GET /a HTTP/1.1');
  assert.equal(mirrored.headers.get('host'), 'a-shadow:80');
  assert.equal(mirrored.headers.get('x-envoy-internal'), 'true');
  mirror.upstream.respond(OK);
  assert.equal(client.take(), '');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  assert.deepEqual([proxy.stat('cluster.mirror.upstream_rq_200'), proxy.stat('cluster.mirror.internal.upstream_rq_200')], [1, 1]);
  assert.deepEqual([asyncTotal(proxy), proxy.http('rq_total'), proxy.asyncClients.activeStreams], [1, 1, 0]);
});

test('body and trailers stream along; the mirror outlives the request that was complete', () => {
  const { proxy, client, mirror } = start({ hostRewriteLiteral: 'other' });
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
  client.receive('3\r\ndef\r\n0\r\n\r\n');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /200 OK/);
  assert.equal(proxy.asyncClients.activeStreams, 1);
  const mirrored = splitMessage(mirror.upstream.take());
  assert.equal(mirrored.headers.get('host'), 'other');
  assert.match(mirrored.body, /abc[^]*def/);
  mirror.upstream.respond(OK);
  assert.equal(proxy.asyncClients.activeStreams, 0);
  assert.equal(mirror.upstream.reset, false);
});

test('a mirror that has not got the whole request ends with it', () => {
  const { proxy, client, mirror } = start();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 6\r\n\r\nabc');
  client.remoteClose();
  assert.equal(mirror.upstream.reset, true);
  assert.equal(proxy.asyncClients.activeStreams, 0);
});

test('a mirror without a connection holds the request back, and lets go of it when it fails', () => {
  const { proxy, client, mirror } = start();
  mirror.mode = 'later';
  const body = 'x'.repeat(5_000);
  client.receive(`POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 6000\r\n\r\n${body}`);
  assert.equal(client.pauses, 1);
  mirror.fail(2, 'delayed connect error: Connection refused');
  assert.equal(client.pauses, 0);
  assert.equal(proxy.stat('cluster.mirror.upstream_rq_503'), 1);
  client.receive('x'.repeat(1_000));
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /200 OK/);
  assert.equal(proxy.asyncClients.activeStreams, 0);
});

test('no cluster, no host, not drawn: the request goes on without', () => {
  for (const policy of [{ cluster: 'missing' }, { cluster: '', clusterHeader: 'x-none' }, { fraction: { numerator: 0, denominator: 100 } }]) {
    const { proxy, client, mirror } = start(policy);
    client.receive('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    proxy.origin.upstream.respond(OK);
    assert.match(client.take(), /200 OK/);
    assert.equal(mirror.upstreams.length, 0);
  }
  const { proxy, client, mirror } = start();
  mirror.mode = 'none';
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 2\r\n\r\nab');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /200 OK/);
  assert.equal(proxy.stat('cluster.mirror.upstream_rq_503'), 1);
});

test('the timeout of the request is the timeout of its mirror', () => {
  const { proxy, client, mirror } = start();
  client.receive('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /200 OK/);
  proxy.advance(15_001);
  assert.equal(mirror.upstream.reset, true);
  assert.equal(proxy.stat('cluster.mirror.upstream_rq_504'), 1);
  assert.equal(proxy.asyncClients.activeStreams, 0);
});
