import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteConfiguration } from '#api/envoy/config/route/v3/route_pb.js';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../common/testing/messages.ts';
import { testRequest, testStreamInfo } from '../../../common/testing/stream.ts';
import type { RouteEntry } from '../../../contract/route.ts';
import type { MemoryConnection } from '../../http/testing/connection.ts';
import { TestProxy, splitMessage, testRoute, testRouteEntry } from '../../http/testing/proxy.ts';
import { buildRouteConfig } from './build-route-config.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';
const ERROR = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nbad';

/** What a route action with these fields makes of policies. */
function policies(yaml: string): Pick<RouteEntry, 'retryPolicy' | 'shadowPolicies'> {
  const message = fromYaml<RouteConfiguration>(
    'envoy.config.route.v3.RouteConfiguration',
    `{name: t, virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: c, ${yaml}}}]}]}`,
  );
  const entry = buildRouteConfig(message, fakeContext(), { validateClusters: false, eager: true })
    .route(testRequest('/'), testStreamInfo(), 0)?.routeEntry;
  if (entry === null || entry === undefined) return assert.fail('no route');
  return { retryPolicy: entry.retryPolicy, shadowPolicies: entry.shadowPolicies };
}

function start(yaml: string): { proxy: TestProxy; client: MemoryConnection } {
  const proxy = new TestProxy();
  proxy.routes.route = testRoute(testRouteEntry(policies(yaml)));
  return { proxy, client: proxy.connect() };
}

test('retriable_headers: a 200 that carries one is tried again', () => {
  const { proxy, client } = start('retry_policy: {retry_on: retriable-headers, retriable_headers: [{name: X-Again, string_match: {exact: "yes"}}]}');
  client.receive(GET);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\nx-again: yes\r\ncontent-length: 0\r\n\r\n');
  assert.equal(client.take(), '');
  proxy.advance(30);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\nx-again: no\r\ncontent-length: 2\r\n\r\nhi');
  assert.match(client.take(), /^HTTP\/1.1 200 OK\r\nx-again: no/);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_retry'), 1);
});

test('retriable_request_headers: only requests that match are tried again', () => {
  const yaml = 'retry_policy: {retry_on: 5xx, retriable_request_headers: [{name: idempotent, present_match: true}]}';
  const refused = start(yaml);
  refused.client.receive(GET);
  refused.proxy.origin.upstream.respond(ERROR);
  assert.match(refused.client.take(), /^HTTP\/1.1 503 /);
  const { proxy, client } = start(yaml);
  client.receive('GET / HTTP/1.1\r\nHost: a\r\nIdempotent: 1\r\n\r\n');
  proxy.origin.upstream.respond(ERROR);
  proxy.advance(30);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 /);
});

test('rate_limited_retry_back_off: the answer says how long to wait, at most the maximum', () => {
  const yaml = (maximum: string): string =>
    `retry_policy: {retry_on: 5xx, rate_limited_retry_back_off: {reset_headers: [{name: Retry-After, format: SECONDS}]${maximum}}}`;
  const limited = 'HTTP/1.1 503 No\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n';
  const { proxy, client } = start(yaml(''));
  client.receive(GET);
  proxy.origin.upstream.respond(limited);
  proxy.advance(1_999);
  assert.equal(proxy.origin.upstreams.length, 1);
  proxy.advance(1_001);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_retry_backoff_ratelimited'), 1);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 /);
  const short = start(yaml(', max_interval: 1s'));
  short.client.receive(GET);
  short.proxy.origin.upstream.respond(limited);
  short.proxy.advance(30);
  assert.equal(short.proxy.stat('cluster.origin.upstream_rq_retry_backoff_exponential'), 1);
});

test('reset headers: names in lower case, formats, the default maximum', () => {
  const { retryPolicy } = policies('retry_policy: {rate_limited_retry_back_off: {reset_headers: [{name: X-Reset, format: UNIX_TIMESTAMP}]}}');
  assert.deepEqual(retryPolicy?.rateLimitedBackOff, { resetHeaders: [{ name: 'x-reset', format: 'UNIX_TIMESTAMP' }], maxInterval: 300_000 });
});

test('without retry_back_off the base interval is upstream.base_retry_backoff_ms of the runtime', () => {
  const { proxy, client } = start('retry_policy: {retry_on: 5xx, num_retries: 2}');
  proxy.runtime.values.set('upstream.base_retry_backoff_ms', 10_000);
  client.receive(GET);
  proxy.origin.upstream.respond(ERROR);
  proxy.advance(250);
  assert.equal(proxy.origin.upstreams.length, 1, 'waits longer than the default would');
  proxy.advance(10_000);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 /);
});

test('retry_back_off: a maximum of ten times the base, never below it', () => {
  const { retryPolicy } = policies('retry_policy: {retry_back_off: {base_interval: 0.1s}}');
  assert.deepEqual([retryPolicy?.baseInterval, retryPolicy?.maxInterval], [100, 1_000]);
  assert.throws(() => policies('retry_policy: {retry_back_off: {base_interval: 2s, max_interval: 1s}}'), /max_interval must greater than or equal/);
});

test('a mirror with a host and headers of its own', () => {
  const { proxy, client } = start(`request_mirror_policies: [{cluster: mirror, host_rewrite_literal: other:1, request_headers_mutations: [
    {append: {header: {key: X-Mirror, value: "of %REQ(:method)%"}}}, {remove: secret}]}]`);
  const mirror = proxy.addCluster('mirror');
  client.receive('GET / HTTP/1.1\r\nHost: a\r\nSecret: s\r\n\r\n');
  const copy = splitMessage(mirror.upstream.take()).headers;
  assert.deepEqual([copy.get('host'), copy.get('x-mirror'), copy.get('secret')], ['other:1', 'of GET', undefined]);
  const own = splitMessage(proxy.origin.upstream.take()).headers;
  assert.deepEqual([own.get('host'), own.get('x-mirror'), own.get('secret')], ['a', undefined, 's']);
});
