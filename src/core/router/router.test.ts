import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RetryPolicy, RouteEntry } from '../../contract/route.ts';
import { POOL_FAILURE_LOCAL_CONNECTION, POOL_FAILURE_OVERFLOW, POOL_FAILURE_REMOTE_CONNECTION, POOL_FAILURE_TIMEOUT } from '../../contract/upstream.ts';
import type { PoolFailureReason } from '../../contract/upstream.ts';
import type { MemoryConnection } from '../http/testing/connection.ts';
import { TestProxy, splitMessage, testRoute, testRouteEntry, testVirtualHost } from '../http/testing/proxy.ts';
import type { TestProxyOptions } from '../http/testing/proxy.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';
const ERROR = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nbad';
const BEFORE_HEADERS = 'upstream connect error or disconnect/reset before headers. ';

function retryPolicy(changes: Partial<RetryPolicy>): RetryPolicy {
  return {
    retryOn: ['5xx'], numRetries: 1, perTryTimeout: 0, perTryIdleTimeout: 0, retriableStatusCodes: [], baseInterval: 25, maxInterval: 250,
    ...changes,
  };
}

function start(entry: Partial<RouteEntry> = {}, options: TestProxyOptions = {}): { proxy: TestProxy; client: MemoryConnection } {
  const proxy = new TestProxy(options);
  proxy.routes.route = testRoute(testRouteEntry(entry));
  return { proxy, client: proxy.connect() };
}

/** Every retry breaker is given back, no timer is left, no stream is alive. */
function expectClean(proxy: TestProxy): void {
  assert.equal(proxy.origin.retries.count, 0);
  assert.equal(proxy.http('downstream_rq_active'), 0);
}

function poolFailures(): readonly { reason: PoolFailureReason; flags: string; text: string; details: string; overloaded: boolean }[] {
  const refused = 'upstream_reset_before_response_started{';
  return [
    { reason: POOL_FAILURE_OVERFLOW, flags: 'UO', text: 'overflow', details: `${refused}overflow}`, overloaded: true },
    {
      reason: POOL_FAILURE_REMOTE_CONNECTION, flags: 'UF', text: 'remote connection failure', overloaded: false,
      details: `${refused}remote_connection_failure|delayed_connect_error:_Connection_refused}`,
    },
    {
      reason: POOL_FAILURE_LOCAL_CONNECTION, flags: 'UF', text: 'local connection failure', overloaded: false,
      details: `${refused}local_connection_failure|delayed_connect_error:_Connection_refused}`,
    },
    {
      reason: POOL_FAILURE_TIMEOUT, flags: 'UF', text: 'connection timeout', overloaded: false,
      details: `${refused}connection_timeout|delayed_connect_error:_Connection_refused}`,
    },
  ];
}

for (const failure of poolFailures()) {
  test(`pool failure: ${failure.text}`, () => {
    const { proxy, client } = start();
    proxy.origin.failures = [failure.reason];
    client.receive(GET);
    const response = splitMessage(client.take());
    assert.equal(response.firstLine, 'HTTP/1.1 503 Service Unavailable');
    assert.equal(response.body, `${BEFORE_HEADERS}reset reason: ${failure.text}`);
    assert.equal(response.headers.get('x-envoy-overloaded'), failure.overloaded ? 'true' : undefined);
    assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], [failure.flags, failure.details]);
    assert.equal(proxy.stat('cluster.origin.upstream_rq_503'), 1);
    expectClean(proxy);
  });
}

test('the upstream closes before a response: UC', () => {
  const { proxy, client } = start();
  client.receive(GET);
  proxy.origin.upstream.close();
  const response = splitMessage(client.take());
  assert.equal(response.body, `${BEFORE_HEADERS}reset reason: connection termination`);
  assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['UC', 'upstream_reset_before_response_started{connection_termination}']);
});

test('the upstream closes after the headers: the client is cut off', () => {
  const { proxy, client } = start();
  client.receive(GET);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab');
  proxy.origin.upstream.close();
  assert.match(client.take(), /ab$/);
  assert.notEqual(client.closeType, -1);
  assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['UPE', 'upstream_reset_after_response_started{protocol_error}']);
  assert.equal(proxy.http('downstream_rq_tx_reset'), 1);
});

test('the upstream speaks no HTTP: 502, UPE', () => {
  const { proxy, client } = start();
  client.receive(GET);
  proxy.origin.upstream.respond('garbage\r\n\r\n');
  const response = splitMessage(client.take());
  assert.equal(response.firstLine, 'HTTP/1.1 502 Bad Gateway');
  assert.equal(response.body, `${BEFORE_HEADERS}reset reason: protocol error`);
  assert.equal(proxy.logs[0].flags, 'UPE');
});

test('no cluster, no host, maintenance', () => {
  const missing = start({ clusterName: 'other', clusterNotFoundResponseCode: 404 });
  missing.client.receive(GET);
  assert.match(missing.client.take(), /^HTTP\/1.1 404 /);
  assert.deepEqual([missing.proxy.logs[0].flags, missing.proxy.logs[0].details], ['NC', 'cluster_not_found']);
  assert.equal(missing.proxy.http('no_cluster'), 1);

  const empty = start();
  empty.proxy.origin.mode = 'none';
  empty.client.receive(GET);
  const none = splitMessage(empty.client.take());
  assert.deepEqual([none.firstLine, none.body], ['HTTP/1.1 503 Service Unavailable', 'no healthy upstream']);
  assert.deepEqual([empty.proxy.logs[0].flags, empty.proxy.logs[0].details], ['UH', 'no_healthy_upstream']);

  const closed = start();
  Object.assign(closed.proxy.origin.info, { maintenanceMode: true });
  closed.client.receive(GET);
  const maintenance = splitMessage(closed.client.take());
  assert.deepEqual([maintenance.body, maintenance.headers.get('x-envoy-overloaded')], ['maintenance mode', 'true']);
  assert.deepEqual([closed.proxy.logs[0].flags, closed.proxy.logs[0].details], ['UO', 'maintenance_mode']);
  assert.equal(closed.proxy.stat('cluster.origin.upstream_rq_maintenance_mode'), 1);
});

test('a direct response, and a redirect with its location', () => {
  const { proxy, client } = start();
  const direct = {
    status: 200, body: () => 'pong', contentType: '', newUri: () => '', isRedirect: false, finalizeRequestHeaders: () => {},
    finalizeResponseHeaders: () => {},
  };
  proxy.routes.route = testRoute(null, direct);
  client.receive(GET);
  const pong = splitMessage(client.take());
  assert.deepEqual([pong.firstLine, pong.body, pong.headers.get('content-type')], ['HTTP/1.1 200 OK', 'pong', 'text/plain']);
  assert.equal(proxy.logs[0].details, 'direct_response');
  proxy.routes.route = testRoute(null, { ...direct, status: 301, body: () => '', newUri: () => 'https://a/', isRedirect: true });
  client.receive(GET);
  const redirect = splitMessage(client.take());
  assert.deepEqual([redirect.firstLine, redirect.headers.get('location')], ['HTTP/1.1 301 Moved Permanently', 'https://a/']);
  assert.equal(proxy.http('rq_direct_response'), 2);
});

test('the route timeout: 504, UT; the clock starts with the end of the request', () => {
  const { proxy, client } = start({ timeout: 100 });
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 2\r\n\r\n1');
  proxy.advance(500);
  assert.equal(client.take(), '');
  client.receive('2');
  proxy.advance(101);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 504 Gateway Timeout', 'upstream request timeout']);
  assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['UT', 'response_timeout']);
  assert.equal(proxy.origin.upstream.reset, true);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_timeout'), 1);
  assert.equal(proxy.origin.host.stats.rqTimeout.load(), 1);
  expectClean(proxy);
});

test('x-envoy-upstream-rq-timeout-ms of a trusted caller counts, and its alternative answer', () => {
  const { proxy, client } = start({}, { manager: { useRemoteAddress: true, isInternalAddress: () => true } });
  client.receive('GET / HTTP/1.1\r\nHost: a\r\nx-envoy-upstream-rq-timeout-ms: 40\r\nx-envoy-upstream-rq-timeout-alt-response: 1\r\n\r\n');
  const request = splitMessage(proxy.origin.upstream.take());
  assert.equal(request.headers.get('x-envoy-expected-rq-timeout-ms'), '40');
  assert.equal(request.headers.has('x-envoy-upstream-rq-timeout-ms'), false);
  assert.equal(request.headers.get('x-envoy-internal'), 'true');
  proxy.advance(41);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 204 No Content', '']);
});

test('a retried 503 becomes the 200 of the second attempt', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({}) });
  proxy.routes.route = testRoute(testRouteEntry({ retryPolicy: retryPolicy({}) }), null, {
    virtualHost: testVirtualHost({ includeRequestAttemptCount: true, includeAttemptCountInResponse: true }),
  });
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\nhello');
  const first = proxy.origin.upstream;
  assert.equal(splitMessage(first.take()).headers.get('x-envoy-attempt-count'), '1');
  first.respond(ERROR);
  assert.equal(client.take(), '');
  assert.equal(proxy.origin.retries.count, 1);
  proxy.advance(30);
  assert.equal(proxy.origin.upstreams.length, 2);
  const second = splitMessage(proxy.origin.upstream.take());
  assert.deepEqual([second.headers.get('x-envoy-attempt-count'), second.body], ['2', 'hello']);
  proxy.origin.upstream.respond(OK);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.headers.get('x-envoy-attempt-count')], ['HTTP/1.1 200 OK', '2']);
  assert.deepEqual([proxy.logs[0].attempts, proxy.logs[0].flags], [2, '-']);
  assert.deepEqual(
    ['upstream_rq_retry', 'upstream_rq_retry_success', 'retry.upstream_rq_503', 'upstream_rq_retry_backoff_exponential']
      .map((name) => proxy.stat(`cluster.origin.${name}`)),
    [1, 1, 1, 1],
  );
  expectClean(proxy);
});

test('retries run out: the last answer and URX', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({ numRetries: 1 }) });
  client.receive(GET);
  proxy.origin.upstream.respond(ERROR);
  proxy.advance(30);
  proxy.origin.upstream.respond(ERROR);
  assert.match(client.take(), /^HTTP\/1.1 503 [^]*bad$/);
  assert.equal(proxy.logs[0].flags, 'URX');
  assert.equal(proxy.stat('cluster.origin.upstream_rq_retry_limit_exceeded'), 1);
  expectClean(proxy);
});

test('a retried connection failure says so when it fails again', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({ retryOn: ['connect-failure'] }) });
  proxy.origin.failures = [POOL_FAILURE_REMOTE_CONNECTION, POOL_FAILURE_REMOTE_CONNECTION];
  client.receive(GET);
  proxy.advance(30);
  const response = splitMessage(client.take());
  assert.equal(response.body, `${BEFORE_HEADERS}retried and the latest reset reason: remote connection failure`);
  assert.equal(proxy.logs[0].flags, 'UF,URX');
  expectClean(proxy);
});

test('the retry breaker is open: the first answer goes out with UO', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({}) });
  proxy.origin.retries.max = 0;
  client.receive(GET);
  proxy.origin.upstream.respond(ERROR);
  assert.match(client.take(), /^HTTP\/1.1 503 /);
  assert.equal(proxy.logs[0].flags, 'UO');
  assert.equal(proxy.stat('cluster.origin.upstream_rq_retry_overflow'), 1);
});

test('the client goes while a retry waits: nothing is left', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({}) });
  client.receive(GET);
  proxy.origin.upstream.respond(ERROR);
  client.remoteClose();
  proxy.advance(1_000);
  assert.equal(proxy.origin.upstreams.length, 1);
  assert.equal(proxy.dispatcher.armedTimers, 0);
  expectClean(proxy);
});

test('the cluster disappears while a retry waits: a clean 503', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({}) });
  client.receive(GET);
  proxy.origin.upstream.respond(ERROR);
  proxy.clusters.clusters.delete('origin');
  proxy.advance(1_000);
  assert.equal(splitMessage(client.take()).body, 'no healthy upstream');
  assert.equal(proxy.logs[0].flags, 'UH');
  client.remoteClose();
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

interface Condition {
  readonly on: string;
  readonly answer: string;
  readonly policy?: Partial<RetryPolicy>;
  readonly retried: boolean;
}

function answer(status: number, header = ''): string {
  return `HTTP/1.1 ${status} X\r\n${header}content-length: 0\r\n\r\n`;
}

const conditions: readonly Condition[] = [
  { on: '5xx', answer: answer(500), retried: true },
  { on: '5xx', answer: answer(404), retried: false },
  { on: '5xx', answer: answer(503, 'x-envoy-ratelimited: true\r\n'), retried: false },
  { on: 'envoy-ratelimited', answer: answer(429, 'x-envoy-ratelimited: true\r\n'), retried: true },
  { on: 'gateway-error', answer: answer(502), retried: true },
  { on: 'gateway-error', answer: answer(500), retried: false },
  { on: 'retriable-4xx', answer: answer(409), retried: true },
  { on: 'retriable-4xx', answer: answer(400), retried: false },
  { on: 'retriable-status-codes', policy: { retriableStatusCodes: [418] }, answer: answer(418), retried: true },
  { on: 'retriable-status-codes', policy: { retriableStatusCodes: [418] }, answer: answer(419), retried: false },
  {
    on: 'retriable-headers', policy: { retriableHeaders: [{ matches: (headers) => headers.has('x-again') }] },
    answer: answer(200, 'x-again: 1\r\n'), retried: true,
  },
  { on: 'unavailable', answer: answer(200, 'grpc-status: 14\r\n'), retried: true },
  { on: 'unavailable', answer: answer(200, 'grpc-status: 13\r\n'), retried: false },
  { on: 'reset', answer: answer(503), retried: false },
];

for (const condition of conditions) {
  test(`retry_on ${condition.on} with ${condition.answer.split('\r\n').slice(0, 2).join(' ')}: ${condition.retried ? 'again' : 'no'}`, () => {
    const { proxy, client } = start({ retryPolicy: retryPolicy({ retryOn: [condition.on], ...condition.policy }) });
    client.receive(GET);
    proxy.origin.upstream.respond(condition.answer);
    proxy.advance(300);
    assert.equal(proxy.origin.upstreams.length, condition.retried ? 2 : 1);
    client.remoteClose();
    expectClean(proxy);
  });
}

test('a body over the limit is not kept for retries', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({}), requestBodyBufferLimit: 4 });
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 10\r\n\r\n123');
  client.receive('4567890');
  assert.equal(splitMessage(proxy.origin.upstream.take()).body, '1234567890');
  proxy.origin.upstream.respond(ERROR);
  assert.match(client.take(), /^HTTP\/1.1 503 /);
  assert.equal(proxy.stat('cluster.origin.retry_or_shadow_abandoned'), 1);
  expectClean(proxy);
});

test('over the limit with no attempt under way: 507', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({ baseInterval: 1_000, maxInterval: 1_000 }), requestBodyBufferLimit: 4 });
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 10\r\n\r\n123');
  proxy.origin.upstream.close();
  client.receive('4567890');
  const response = splitMessage(client.take());
  assert.equal(response.firstLine, 'HTTP/1.1 507 Insufficient Storage');
  assert.equal(response.body, 'exceeded request buffer limit while retrying upstream');
  assert.equal(proxy.logs[0].details, 'request_payload_exceeded_retry_buffer_limit');
  expectClean(proxy);
});

test('a per-try timeout is retried, then answered', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({ perTryTimeout: 50 }) });
  client.receive(GET);
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.get('x-envoy-expected-rq-timeout-ms'), '50');
  proxy.advance(51);
  proxy.advance(30);
  assert.equal(proxy.origin.upstreams.length, 2);
  proxy.advance(51);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 504 Gateway Timeout', 'upstream request timeout']);
  assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['UT,URX', 'upstream_per_try_timeout']);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_per_try_timeout'), 2);
  expectClean(proxy);
});

test('hedging: the slow attempt goes on, the first answer wins', () => {
  const { proxy, client } = start({ retryPolicy: retryPolicy({ perTryTimeout: 50 }), hedgePolicy: { hedgeOnPerTryTimeout: true } });
  client.receive(GET);
  proxy.advance(51);
  proxy.advance(30);
  const [slow, quick] = proxy.origin.upstreams;
  assert.equal(slow.reset, false);
  quick.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  assert.equal(slow.reset, true);
  expectClean(proxy);
});

test('idle and per-try timeouts at the same moment do no harm', () => {
  const { proxy, client } = start({ timeout: 0, retryPolicy: retryPolicy({ numRetries: 0, perTryTimeout: 100, perTryIdleTimeout: 100 }), idleTimeout: 100 });
  client.receive(GET);
  proxy.advance(101);
  assert.match(client.take(), /^HTTP\/1.1 504 /);
  assert.equal(proxy.logs.length, 1);
  expectClean(proxy);
});

test('the cluster limits the duration of a stream', () => {
  const { proxy, client } = start({ timeout: 0 });
  Object.assign(proxy.origin.info, { maxStreamDuration: 30 });
  client.receive(GET);
  proxy.advance(31);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 504 Gateway Timeout', 'upstream max stream duration reached']);
  assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['UMSDR', 'upstream_max_stream_duration_reached']);
});

test('strict header checks', () => {
  const { proxy, client } = start({}, {
    manager: { useRemoteAddress: true, isInternalAddress: () => true }, router: { strictCheckHeaders: ['x-envoy-max-retries'] },
  });
  client.receive('GET / HTTP/1.1\r\nHost: a\r\nx-envoy-max-retries: many\r\n\r\n');
  const response = splitMessage(client.take());
  assert.equal(response.body, "invalid header 'x-envoy-max-retries' with value 'many'");
  assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['IH', 'request_headers_failed_strict_check{x-envoy-max-retries}']);
});

test('auto_host_rewrite takes the name of the host', () => {
  const { proxy, client } = start({ autoHostRewrite: true, appendXForwardedHost: true });
  client.receive(GET);
  const headers = splitMessage(proxy.origin.upstream.take()).headers;
  assert.deepEqual(
    ['host', 'x-envoy-original-host', 'x-forwarded-host'].map((name) => headers.get(name)),
    ['origin.test', 'a', 'a'],
  );
});

test('suppress_envoy_headers keeps the x-envoy headers in', () => {
  const { proxy, client } = start({}, { router: { suppressEnvoyHeaders: true } });
  client.receive(GET);
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.has('x-envoy-expected-rq-timeout-ms'), false);
  proxy.origin.upstream.respond(OK);
  assert.equal(splitMessage(client.take()).headers.has('x-envoy-upstream-service-time'), false);
});

test('a mirror gets the request, and its answer reaches nobody', () => {
  const { proxy, client } = start({
    shadowPolicies: [{
      cluster: 'mirror', clusterHeader: '', runtimeKey: '', fraction: { numerator: 100, denominator: 100 }, disableShadowHostSuffixAppend: false,
    }],
  });
  const mirror = proxy.addCluster('mirror');
  client.receive('POST / HTTP/1.1\r\nHost: a:81\r\ncontent-length: 4\r\n\r\nbo');
  client.receive('dy');
  const copy = splitMessage(mirror.upstream.take());
  assert.deepEqual([copy.headers.get('host'), copy.body], ['a-shadow:81', 'body']);
  mirror.upstream.respond('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n');
  assert.equal(client.take(), '');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  assert.equal(proxy.stat('cluster.mirror.upstream_rq_500'), 1);
  client.remoteClose();
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

test('a slow mirror holds the request back only while it lives', () => {
  const { proxy, client } = start({
    shadowPolicies: [{
      cluster: 'mirror', clusterHeader: '', runtimeKey: '', fraction: { numerator: 100, denominator: 100 }, disableShadowHostSuffixAppend: false,
    }],
  });
  const mirror = proxy.addCluster('mirror');
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\n\r\nbo');
  mirror.upstream.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  assert.equal(client.pauses, 1);
  mirror.upstream.close();
  assert.equal(client.pauses, 0);
  client.receive('dy');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  client.remoteClose();
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

test('a mirror that outlives its request does not touch the next one', () => {
  const { proxy, client } = start({
    shadowPolicies: [{
      cluster: 'mirror', clusterHeader: '', runtimeKey: '', fraction: { numerator: 100, denominator: 100 }, disableShadowHostSuffixAppend: false,
    }],
  });
  const mirror = proxy.addCluster('mirror');
  client.receive(GET);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  mirror.upstream.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  assert.equal(client.pauses, 0);
  assert.ok(proxy.http('downstream_flow_control_paused_reading_total') === 0);
  mirror.upstream.respond(OK);
  assert.equal(proxy.stat('cluster.mirror.upstream_rq_200'), 1);
  client.remoteClose();
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

test('only 101 switches protocols; the payload waits for it', () => {
  const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
  const accepted = start({}, { upgrades: ['websocket'] });
  accepted.client.receive(`${upgrade}early`);
  const upstream = accepted.proxy.origin.upstream;
  assert.equal(splitMessage(upstream.take()).body, '');
  upstream.respond('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  assert.equal(upstream.take(), 'early');
  const switched = splitMessage(accepted.client.take());
  assert.deepEqual([switched.firstLine, switched.headers.get('upgrade')], ['HTTP/1.1 101 Switching Protocols', 'websocket']);
  upstream.respond('frame');
  assert.equal(accepted.client.take(), 'frame');
  accepted.client.receive('more');
  assert.equal(upstream.take(), 'more');
  assert.equal(accepted.proxy.http('downstream_cx_upgrades_total'), 1);

  const refused = start({}, { upgrades: ['websocket'] });
  refused.client.receive(`${upgrade}early`);
  refused.proxy.origin.upstream.respond(OK);
  assert.equal(refused.proxy.origin.upstream.take().includes('early'), false);
});
