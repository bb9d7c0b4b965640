import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderMap } from '../../contract/header-map.ts';
import { CLOSE_FLUSH_WRITE, CLOSE_FLUSH_WRITE_AND_DELAY } from '../../contract/network.ts';
import { LocalReply } from './local-reply.ts';
import { PATH_REJECT_REQUEST, PATH_UNESCAPE_AND_REDIRECT } from './path-util.ts';
import type { MemoryConnection } from './testing/connection.ts';
import { TestProxy, splitMessage, testRoute, testRouteEntry } from './testing/proxy.ts';
import type { TestProxyOptions } from './testing/proxy.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';

/** Nothing of a connection may outlive it. */
function expectNothingLeft(proxy: TestProxy, client: MemoryConnection): void {
  client.remoteClose();
  assert.equal(proxy.http('downstream_cx_active'), 0);
  assert.equal(proxy.http('downstream_rq_active'), 0);
  assert.equal(proxy.dispatcher.armedTimers, 0);
}

test('a request goes to the origin and its response comes back', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('GET /hello?a=1 HTTP/1.1\r\nHost: example.com\r\nx-envoy-retry-on: 5xx\r\n\r\n');
  const request = splitMessage(proxy.origin.upstream.take());
  assert.equal(request.firstLine, 'GET /hello?a=1 HTTP/1.1');
  assert.equal(request.headers.get('host'), 'example.com');
  assert.equal(request.headers.get('x-forwarded-proto'), 'http');
  assert.equal(request.headers.get('x-envoy-expected-rq-timeout-ms'), '15000');
  assert.match(request.headers.get('x-request-id') ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
  assert.equal(request.headers.has('x-envoy-retry-on'), false);
  proxy.advance(7);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nserver: origin\r\nkeep-alive: 5\r\n\r\nhello');
  const response = splitMessage(client.take());
  assert.equal(response.firstLine, 'HTTP/1.1 200 OK');
  assert.equal(response.headers.get('server'), 'envoy');
  assert.equal(response.headers.get('x-envoy-upstream-service-time'), '7');
  assert.equal(response.headers.has('keep-alive'), false);
  assert.ok(response.headers.has('date'));
  assert.equal(response.body, 'hello');
  assert.deepEqual(proxy.logs, [
    { type: 'DownstreamEnd', code: 200, details: 'via_upstream', flags: '-', received: 0, sent: 5, attempts: 1 },
  ]);
  assert.equal(proxy.http('downstream_rq_2xx'), 1);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_200'), 1);
  assert.equal(proxy.stat('cluster.origin.external.upstream_rq_2xx'), 1);
  expectNothingLeft(proxy, client);
  assert.equal(proxy.http('downstream_cx_destroy_remote'), 1);
});

test('a QUERY with a content-type goes to the origin', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('QUERY / HTTP/1.1\r\nHost: a\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi');
  const request = splitMessage(proxy.origin.upstream.take());
  assert.deepEqual([request.firstLine, request.body], ['QUERY / HTTP/1.1', 'hi']);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  expectNothingLeft(proxy, client);
});

test('pipelined requests are answered in order', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(proxy.origin.upstreams.length, 1);
  proxy.origin.upstream.respond(OK);
  assert.equal(proxy.origin.upstreams.length, 2);
  assert.match(proxy.origin.upstream.take(), /^GET \/2 /);
  proxy.origin.upstream.respond('HTTP/1.1 204 No Content\r\n\r\n');
  assert.match(client.take(), /^HTTP\/1.1 200 OK[^]*hiHTTP\/1.1 204 No Content/);
  expectNothingLeft(proxy, client);
});

interface Refusal {
  readonly name: string;
  readonly send: string;
  readonly options?: TestProxyOptions;
  readonly status: string;
  readonly details: string;
  readonly stat?: string;
  readonly closes?: boolean;
  readonly header?: readonly [string, string];
}

const refusals: readonly Refusal[] = [
  { name: 'no host', send: 'GET / HTTP/1.1\r\n\r\n', status: '400 Bad Request', details: 'missing_host_header', closes: true },
  {
    name: 'QUERY without content-type', send: 'QUERY / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n', status: '400 Bad Request',
    details: 'query_missing_content_type', closes: true,
  },
  {
    name: 'QUERY with an empty content-type', send: 'QUERY / HTTP/1.1\r\nHost: a\r\ncontent-type:\r\n\r\n', status: '400 Bad Request',
    details: 'query_missing_content_type', closes: true,
  },
  { name: 'QUERY without host', send: 'QUERY / HTTP/1.1\r\n\r\n', status: '400 Bad Request', details: 'missing_host_header', closes: true },
  {
    name: 'asterisk path', send: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', status: '404 Not Found', details: 'absolute_path_rejected',
    stat: 'downstream_rq_non_relative_path',
  },
  {
    name: 'fragment', send: 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', status: '400 Bad Request', details: 'path_normalization_failed',
    stat: 'downstream_rq_failed_path_normalization', closes: true,
  },
  {
    name: 'escaped slash rejected', send: 'GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n', status: '400 Bad Request', details: 'path_normalization_failed',
    options: { manager: { path: { normalizePath: false, mergeSlashes: false, escapedSlashes: PATH_REJECT_REQUEST, rejectFragment: true } } },
    closes: true,
  },
  {
    name: 'escaped slash redirected', send: 'GET /a%2Fb?x=%2F HTTP/1.1\r\nHost: a\r\n\r\n', status: '307 Temporary Redirect',
    details: 'path_normalization_failed', stat: 'downstream_rq_redirected_with_normalized_path', header: ['location', '/a/b?x=%2F'],
    options: { manager: { path: { normalizePath: false, mergeSlashes: false, escapedSlashes: PATH_UNESCAPE_AND_REDIRECT, rejectFragment: true } } },
  },
  {
    name: 'upgrade that is not configured', send: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    status: '403 Forbidden', details: 'upgrade_failed', stat: 'downstream_rq_ws_on_non_ws_route', closes: true,
  },
  { name: 'old version', send: 'GET / HTTP/1.0\r\n\r\n', status: '426 Upgrade Required', details: 'low_version', closes: true },
];

for (const refusal of refusals) {
  test(`refused: ${refusal.name}`, () => {
    const proxy = new TestProxy(refusal.options);
    const client = proxy.connect();
    client.receive(refusal.send);
    const response = splitMessage(client.take());
    assert.equal(response.firstLine, `HTTP/1.1 ${refusal.status}`);
    assert.equal(proxy.logs[0].details, refusal.details);
    if (refusal.header !== undefined) assert.equal(response.headers.get(refusal.header[0]), refusal.header[1]);
    if (refusal.stat !== undefined) assert.equal(proxy.http(refusal.stat), 1);
    assert.equal(response.headers.get('connection'), refusal.closes === true ? 'close' : undefined);
    assert.equal(client.closeType !== -1, refusal.closes ?? false);
    assert.equal(proxy.origin.upstreams.length, 0);
    expectNothingLeft(proxy, client);
  });
}

test('a refused request is logged with the id that it brought', () => {
  const ids: string[] = [];
  const proxy = new TestProxy({ manager: { accessLogs: [{ log: (context) => ids.push(context.streamInfo.requestId) }] } });
  const client = proxy.connect();
  client.receive('OPTIONS * HTTP/1.1\r\nHost: a\r\nx-request-id: abc\r\n\r\n');
  assert.deepEqual(ids, ['abc']);
  expectNothingLeft(proxy, client);
});

test('no route is 404 with the flag NR, also when an upgrade was asked for', () => {
  for (const extra of ['', 'Connection: upgrade\r\nUpgrade: websocket\r\n']) {
    const proxy = new TestProxy();
    proxy.routes.route = null;
    const client = proxy.connect();
    client.receive(`GET / HTTP/1.1\r\nHost: a\r\n${extra}\r\n`);
    assert.match(client.take(), /^HTTP\/1.1 404 Not Found/);
    assert.deepEqual([proxy.logs[0].flags, proxy.logs[0].details], ['NR', 'route_not_found']);
    assert.equal(proxy.http('no_route'), 1);
    expectNothingLeft(proxy, client);
  }
});

test('bytes that are no HTTP: 400, codec error counted, closed after the reply', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('NOT-HTTP\r\n\r\n');
  assert.match(client.take(), /^HTTP\/1.1 400 Bad Request/);
  assert.equal(client.closeType, CLOSE_FLUSH_WRITE_AND_DELAY);
  assert.equal(proxy.http('downstream_cx_protocol_error'), 1);
  assert.equal(proxy.logs[0].flags, 'DPE');
});

test('Connection: close closes without delay when the request was whole', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.has('connection'), false);
  proxy.origin.upstream.respond(OK);
  assert.equal(splitMessage(client.take()).headers.get('connection'), 'close');
  assert.equal(client.closeType, CLOSE_FLUSH_WRITE);
  assert.equal(client.localCloseReason, 'deferred_close_on_drained_connection');
});

test('a response before the request is complete ends the connection and the upload', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 10\r\n\r\n12345');
  const upstream = proxy.origin.upstream;
  upstream.respond('HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\nno');
  const response = splitMessage(client.take());
  assert.equal(response.firstLine, 'HTTP/1.1 413 Payload Too Large');
  assert.equal(response.headers.get('connection'), 'close');
  assert.equal(client.closeType, CLOSE_FLUSH_WRITE_AND_DELAY);
  assert.equal(upstream.reset, true);
  assert.equal(proxy.http('downstream_rq_response_before_rq_complete'), 1);
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

test('the client goes away: DC, the upstream stream is reset', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive(GET);
  const upstream = proxy.origin.upstream;
  client.remoteClose();
  assert.equal(upstream.reset, true);
  assert.deepEqual(proxy.logs, [
    { type: 'DownstreamEnd', code: 0, details: 'downstream_remote_disconnect', flags: 'DC', received: 0, sent: 0, attempts: 1 },
  ]);
  assert.equal(proxy.http('downstream_cx_destroy_remote_active_rq'), 1);
  assert.equal(proxy.http('downstream_rq_rx_reset'), 1);
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

test('HTTP/1.0: keep-alive is answered in kind, no length means close', () => {
  const proxy = new TestProxy({ codec: { acceptHttp10: true, defaultHostForHttp10: 'old' } });
  const client = proxy.connect();
  client.receive('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.get('host'), 'old');
  proxy.origin.upstream.respond(OK);
  assert.equal(splitMessage(client.take()).headers.get('connection'), 'keep-alive');
  assert.equal(client.closeType, -1);
  client.receive('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n');
  const second = splitMessage(client.take());
  assert.equal(second.headers.get('connection'), 'close');
  assert.equal(second.headers.has('transfer-encoding'), false);
  assert.equal(second.body, 'hi');
  assert.equal(client.closeType, CLOSE_FLUSH_WRITE);
});

test('Expect: 100-continue is answered by the proxy', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\ncontent-length: 2\r\n\r\n');
  assert.equal(client.take(), 'HTTP/1.1 100 Continue\r\n\r\n');
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.has('expect'), false);
  client.receive('ok');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  assert.equal(proxy.http('downstream_rq_1xx'), 1);
  assert.equal(proxy.http('downstream_rq_completed'), 2);
  expectNothingLeft(proxy, client);
});

test('Expect: 100-continue is proxied when configured', () => {
  const proxy = new TestProxy({ manager: { proxy100Continue: true } });
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
  assert.equal(client.take(), '');
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.get('expect'), '100-continue');
  proxy.origin.upstream.respond('HTTP/1.1 100 Continue\r\n\r\n');
  assert.equal(client.take(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.receive('ok');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200 OK/);
  expectNothingLeft(proxy, client);
});

interface Timeout {
  readonly name: string;
  readonly options: TestProxyOptions;
  readonly send: string;
  readonly wait: number;
  readonly status: string;
  readonly body: string;
  readonly details: string;
  readonly flags: string;
  readonly stat: string;
}

const noRouteTimeout = { timeout: 0 };
const timeouts: readonly Timeout[] = [
  {
    name: 'stream idle, request incomplete', options: { manager: { streamIdleTimeout: 100 } },
    send: 'POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 9\r\n\r\n', wait: 101, status: '408 Request Timeout', body: 'stream timeout',
    details: 'stream_idle_timeout', flags: 'SI', stat: 'downstream_rq_idle_timeout',
  },
  {
    name: 'stream idle, waiting for the upstream', options: { manager: { streamIdleTimeout: 100 } }, send: GET, wait: 101,
    status: '504 Gateway Timeout', body: 'stream timeout', details: 'stream_idle_timeout', flags: 'SI', stat: 'downstream_rq_idle_timeout',
  },
  {
    name: 'request', options: { manager: { requestTimeout: 50 } }, send: 'POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 9\r\n\r\n', wait: 51,
    status: '408 Request Timeout', body: 'request timeout', details: 'request_overall_timeout', flags: '-', stat: 'downstream_rq_timeout',
  },
  {
    name: 'request headers', options: { manager: { requestHeadersTimeout: 50 } }, send: 'GET / HTTP/1.1\r\nHost:', wait: 51,
    status: '408 Request Timeout', body: 'request header timeout', details: 'request_header_timeout', flags: '-',
    stat: 'downstream_rq_header_timeout',
  },
  {
    name: 'max stream duration', options: { manager: { maxStreamDuration: 50 } }, send: GET, wait: 51, status: '504 Gateway Timeout',
    body: 'downstream duration timeout', details: 'max_duration_timeout', flags: '-', stat: 'downstream_rq_max_duration_reached',
  },
];

for (const timeout of timeouts) {
  test(`timeout: ${timeout.name}`, () => {
    const proxy = new TestProxy(timeout.options);
    proxy.routes.route = testRoute(testRouteEntry(noRouteTimeout));
    const client = proxy.connect();
    client.receive(timeout.send);
    proxy.advance(timeout.wait);
    const response = splitMessage(client.take());
    assert.equal(response.firstLine, `HTTP/1.1 ${timeout.status}`);
    assert.equal(response.body, timeout.body);
    assert.deepEqual([proxy.logs[0].details, proxy.logs[0].flags], [timeout.details, timeout.flags]);
    assert.equal(proxy.http(timeout.stat), 1);
    expectNothingLeft(proxy, client);
  });
}

test('activity moves the stream idle timeout', () => {
  const proxy = new TestProxy({ manager: { streamIdleTimeout: 100 } });
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n\r\n');
  for (const byte of ['a', 'b']) {
    proxy.advance(80);
    client.receive(byte);
  }
  proxy.advance(99);
  assert.equal(client.take(), '');
  proxy.advance(2);
  assert.match(client.take(), /^HTTP\/1.1 408/);
});

test('a route sets its own idle timeout, or none', () => {
  const proxy = new TestProxy({ manager: { streamIdleTimeout: 100 } });
  proxy.routes.route = testRoute(testRouteEntry({ idleTimeout: 0, timeout: 0 }));
  const client = proxy.connect();
  client.receive(GET);
  proxy.advance(10_000);
  assert.equal(client.take(), '');
  proxy.origin.upstream.respond(OK);
  client.take();
  proxy.routes.route = testRoute(testRouteEntry({ idleTimeout: 20, timeout: 0 }));
  client.receive(GET);
  proxy.advance(21);
  assert.match(client.take(), /^HTTP\/1.1 504/);
});

test('an idle connection closes, at once without a request, drained after one', () => {
  const proxy = new TestProxy({ manager: { idleTimeout: 1_000 } });
  const fresh = proxy.connect();
  proxy.advance(1_001);
  assert.equal(fresh.closeType, CLOSE_FLUSH_WRITE);
  assert.equal(fresh.localCloseReason, 'on_idle_timeout');
  const used = proxy.connect();
  used.receive(GET);
  proxy.origin.upstream.respond(OK);
  proxy.advance(1_001);
  assert.equal(used.closeType, -1);
  proxy.advance(5_001);
  assert.equal(used.closeType, CLOSE_FLUSH_WRITE_AND_DELAY);
  assert.equal(proxy.http('downstream_cx_idle_timeout'), 2);
  assert.equal(proxy.dispatcher.armedTimers, 0);
});

test('a drain closes after the response', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive(GET);
  proxy.drain = true;
  proxy.origin.upstream.respond(OK);
  assert.equal(splitMessage(client.take()).headers.get('connection'), 'close');
  assert.equal(client.closeType, -1);
  proxy.advance(5_001);
  assert.equal(client.closeType, CLOSE_FLUSH_WRITE_AND_DELAY);
  assert.equal(proxy.http('downstream_cx_drain_close'), 1);
});

test('max_requests_per_connection and max_connection_duration close with the response', () => {
  const counted = new TestProxy({ manager: { maxRequestsPerConnection: 2 } });
  const client = counted.connect();
  client.receive(GET);
  counted.origin.upstream.respond(OK);
  assert.equal(splitMessage(client.take()).headers.has('connection'), false);
  client.receive(GET);
  counted.origin.upstream.respond(OK);
  assert.equal(splitMessage(client.take()).headers.get('connection'), 'close');
  assert.equal(client.closeType, CLOSE_FLUSH_WRITE);
  assert.equal(counted.http('downstream_cx_max_requests_reached'), 1);

  const timed = new TestProxy({ manager: { maxConnectionDuration: 1_000, http1SafeMaxConnectionDuration: true } });
  const slow = timed.connect();
  slow.receive(GET);
  timed.advance(1_001);
  timed.origin.upstream.respond(OK);
  assert.equal(splitMessage(slow.take()).headers.has('connection'), false);
  timed.advance(60_000);
  assert.equal(slow.closeType, -1);
  slow.receive(GET);
  timed.origin.upstream.respond(OK);
  assert.equal(splitMessage(slow.take()).headers.get('connection'), 'close');
});

test('a local reply is rewritten by the first mapper that matches, then formatted', () => {
  const format = { formatter: { format: (context: { localReplyBody: string }) => `<${context.localReplyBody}>` }, contentType: 'text/html' };
  const mappers = [
    { filter: { evaluate: () => false }, status: 418, body: 'never', format: null, headers: null },
    {
      filter: { evaluate: () => true }, status: 502, body: 'mapped', format: null,
      headers: { apply: (headers: HeaderMap) => headers.add('x-mapped', '1') },
    },
  ];
  const proxy = new TestProxy({ manager: { localReply: new LocalReply(mappers, format) } });
  proxy.routes.route = null;
  const client = proxy.connect();
  client.receive(GET);
  const response = splitMessage(client.take());
  assert.equal(response.firstLine, 'HTTP/1.1 502 Bad Gateway');
  assert.deepEqual(['content-type', 'x-mapped', 'content-length'].map((name) => response.headers.get(name)), ['text/html', '1', '8']);
  assert.equal(response.body, '<mapped>');
  assert.equal(proxy.logs[0].code, 502);
});

test('a gRPC request gets its refusal as gRPC, HEAD without a body', () => {
  const proxy = new TestProxy();
  proxy.origin.mode = 'none';
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n');
  const grpc = splitMessage(client.take());
  assert.equal(grpc.firstLine, 'HTTP/1.1 200 OK');
  assert.deepEqual([grpc.headers.get('grpc-status'), grpc.headers.get('grpc-message')], ['14', 'no healthy upstream']);
  client.receive('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  const head = splitMessage(client.take());
  assert.deepEqual([head.firstLine, head.headers.get('content-length'), head.body], ['HTTP/1.1 503 Service Unavailable', '19', '']);
});

test('the client is slow: the upstream pauses, and goes on', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive(GET);
  const upstream = proxy.origin.upstream;
  client.setBackedUp(true);
  assert.equal(upstream.connection.pauses, 0, 'not before there is a response');
  upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab');
  assert.equal(upstream.connection.pauses, 1);
  client.setBackedUp(false);
  assert.equal(upstream.connection.pauses, 0);
  upstream.respond('cd');
  assert.match(client.take(), /abcd$/);
  assert.equal(proxy.stat('cluster.origin.upstream_flow_control_paused_reading_total'), 1);
  expectNothingLeft(proxy, client);
});

test('the upstream is slow: the client pauses, and is released at the end', () => {
  const proxy = new TestProxy();
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 9\r\n\r\nabc');
  const upstream = proxy.origin.upstream;
  upstream.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  assert.equal(client.pauses, 1);
  upstream.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  assert.equal(client.pauses, 0);
  upstream.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  upstream.respond(OK);
  assert.equal(client.pauses, 0);
  assert.equal(proxy.http('downstream_flow_control_paused_reading_total'), 2);
  assert.equal(proxy.http('downstream_flow_control_resumed_reading_total'), 2);
});

test('a body that waits for its upstream pauses the client at the limit', () => {
  const proxy = new TestProxy();
  proxy.origin.mode = 'later';
  const client = proxy.connect();
  client.receive(`POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 2000\r\n\r\n${'x'.repeat(1_001)}`);
  assert.equal(client.pauses, 1);
  proxy.origin.ready();
  assert.equal(client.pauses, 0);
  client.receive('y'.repeat(999));
  assert.equal(splitMessage(proxy.origin.upstream.take()).body.length, 2_000);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200/);
  expectNothingLeft(proxy, client);
});
