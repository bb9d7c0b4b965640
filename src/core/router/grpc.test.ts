import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../contract/header-map.ts';
import type { RetryPolicy, RouteEntry } from '../../contract/route.ts';
import type { MemoryConnection } from '../http/testing/connection.ts';
import { TestProxy, splitMessage, testRoute, testRouteEntry } from '../http/testing/proxy.ts';
import { finalTimeouts, setTimeoutHeaders } from './timeouts.ts';

const GRPC = 'content-type: application/grpc\r\n';
const POST = `POST /s/m HTTP/1.1\r\nHost: a\r\n${GRPC}content-length: 0\r\n`;

function start(entry: Partial<RouteEntry>, internal = false): { proxy: TestProxy; client: MemoryConnection } {
  const proxy = new TestProxy({ codec: { enableTrailers: true }, manager: { useRemoteAddress: true, isInternalAddress: () => internal } });
  proxy.routes.route = testRoute(testRouteEntry(entry));
  return { proxy, client: proxy.connect() };
}

function retryPolicy(changes: Partial<RetryPolicy>): RetryPolicy {
  return {
    retryOn: [], numRetries: 1, perTryTimeout: 0, perTryIdleTimeout: 0, retriableStatusCodes: [], baseInterval: 25, maxInterval: 250, ...changes,
  };
}

/** Settings of the route, the request's headers, and: the timeout, what the upstream is told by `grpc-timeout`. */
const TIMEOUTS: readonly (readonly [Partial<RouteEntry>, string, number, string | undefined])[] = [
  [{}, '100m', 15_000, '100m'],
  [{ maxGrpcTimeout: 0 }, '100m', 100, '100m'],
  [{ maxGrpcTimeout: 0 }, '7S', 7_000, '7000m'],
  [{ maxGrpcTimeout: 0 }, '', 0, undefined],
  [{ maxGrpcTimeout: 0 }, 'x', 0, 'x'],
  [{ maxGrpcTimeout: 0 }, '0m', 0, '0m'],
  [{ maxGrpcTimeout: 5_000 }, '', 5_000, '5000m'],
  [{ maxGrpcTimeout: 5_000 }, '9S', 5_000, '5000m'],
  [{ maxGrpcTimeout: 5_000 }, '4S', 4_000, '4000m'],
  [{ maxGrpcTimeout: 0, grpcTimeoutOffset: 300 }, '1S', 700, '700m'],
  [{ maxGrpcTimeout: 0, grpcTimeoutOffset: 1_000 }, '1S', 1_000, '1000m'],
  [{ maxGrpcTimeout: 900, grpcTimeoutOffset: 300 }, '10S', 900, '900m'],
  [{ grpcTimeoutHeaderMax: 0 }, '1S', 0, '1S'],
  [{ maxStreamDuration: 5, maxGrpcTimeout: 0 }, '1S', 0, '1S'],
];

for (const [entry, header, timeout, told] of TIMEOUTS) {
  test(`timeout of ${JSON.stringify(entry)} with grpc-timeout "${header}"`, () => {
    const headers = HeaderMap.of(['content-type', 'application/grpc']);
    if (header !== '') headers.add('grpc-timeout', header);
    const timeouts = finalTimeouts(testRouteEntry(entry), headers, true, true, false, false);
    assert.equal(timeouts.global, timeout);
    assert.equal(headers.get('grpc-timeout'), told);
    const other = HeaderMap.of(['grpc-timeout', header]);
    assert.equal(finalTimeouts(testRouteEntry({ ...entry, timeout: 99 }), other, true, false, false, false).global, entry.grpcTimeoutHeaderMax === 0 || entry.maxStreamDuration === 5 ? 0 : 99);
    assert.equal(other.get('grpc-timeout'), header, 'requests that are no gRPC keep theirs');
  });
}

test('each attempt is told what is left of the deadline', () => {
  const entry = testRouteEntry({ maxGrpcTimeout: 0 });
  const headers = HeaderMap.of(['content-type', 'application/grpc'], ['grpc-timeout', '1S']);
  const timeouts = finalTimeouts(entry, headers, true, true, false, false);
  setTimeoutHeaders(400, timeouts, entry, headers, true, true, false);
  assert.equal(headers.get('grpc-timeout'), '600m');
  setTimeoutHeaders(1_500, timeouts, entry, headers, true, true, false);
  assert.equal(headers.get('grpc-timeout'), '1m', 'never 0, which would be for ever');
});

test('retry on the way: grpc-timeout of the second attempt', () => {
  const { proxy, client } = start({ maxGrpcTimeout: 0, retryPolicy: retryPolicy({ retryOn: ['unavailable'], baseInterval: 100, maxInterval: 100 }) });
  client.receive(`${POST}grpc-timeout: 1S\r\n\r\n`);
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.get('grpc-timeout'), '1000m');
  proxy.advance(200);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ngrpc-status: 14\r\ncontent-length: 0\r\n\r\n');
  proxy.advance(150);
  const second = splitMessage(proxy.origin.upstream.take()).headers.get('grpc-timeout') ?? '';
  assert.match(second, /^\d+m$/);
  assert.ok(parseInt(second, 10) <= 800 && parseInt(second, 10) >= 650, second);
  client.remoteClose();
});

/** Responses, and what they are for the host. */
const OUTCOMES: readonly (readonly [string, string, 'success' | 'error'])[] = [
  ['status 0 in trailers', `HTTP/1.1 200 OK\r\n${GRPC}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: 0\r\n\r\n`, 'success'],
  ['status 5 in trailers', `HTTP/1.1 200 OK\r\n${GRPC}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: 5\r\n\r\n`, 'success'],
  ['status 13 in trailers', `HTTP/1.1 200 OK\r\n${GRPC}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: 13\r\n\r\n`, 'error'],
  ['a status that is none', `HTTP/1.1 200 OK\r\n${GRPC}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: x\r\n\r\n`, 'error'],
  ['no trailers', `HTTP/1.1 200 OK\r\n${GRPC}content-length: 1\r\n\r\nx`, 'error'],
  ['status 7 alone', `HTTP/1.1 200 OK\r\n${GRPC}grpc-status: 7\r\ncontent-length: 0\r\n\r\n`, 'success'],
  ['status 14 alone', `HTTP/1.1 200 OK\r\n${GRPC}grpc-status: 14\r\ncontent-length: 0\r\n\r\n`, 'error'],
  ['an HTTP error', 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n', 'error'],
];

for (const [name, response, outcome] of OUTCOMES) {
  test(`the host's numbers: ${name}`, () => {
    const { proxy, client } = start({});
    client.receive(`${POST}\r\n`);
    proxy.origin.upstream.respond(response);
    const { rqSuccess, rqError } = proxy.origin.host.stats;
    assert.deepEqual([rqSuccess.load(), rqError.load()], outcome === 'success' ? [1, 0] : [0, 1]);
    client.remoteClose();
  });
}

test('x-envoy-retry-grpc-on of an internal caller, and only of one', () => {
  for (const [internal, attempts] of [[true, 2], [false, 1]] as const) {
    const { proxy, client } = start({}, internal);
    client.receive(`${POST}x-envoy-retry-grpc-on: cancelled, nonsense\r\n\r\n`);
    const seen = splitMessage(proxy.origin.upstream.take()).headers;
    assert.equal(seen.has('x-envoy-retry-grpc-on'), false);
    proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ngrpc-status: 1\r\ncontent-length: 0\r\n\r\n');
    proxy.advance(300);
    assert.equal(proxy.origin.upstreams.length, attempts, String(internal));
    client.remoteClose();
  }
});
