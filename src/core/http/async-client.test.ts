import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASYNC_FAILURE_EXCEED_RESPONSE_BUFFER_LIMIT, ASYNC_FAILURE_RESET } from '../../contract/async-client.ts';
import type {
  AsyncClient, AsyncRequestCallbacks, AsyncResponseMessage, AsyncStreamCallbacks, AsyncStreamOptions,
} from '../../contract/async-client.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { RetryPolicy } from '../../contract/route.ts';
import { POOL_FAILURE_OVERFLOW } from '../../contract/upstream.ts';
import { TestProxy, splitMessage } from './testing/proxy.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';
const BAD = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

const RETRY: RetryPolicy = {
  retryOn: ['5xx'], numRetries: 1, perTryTimeout: 0, perTryIdleTimeout: 0, retriableStatusCodes: [], baseInterval: 25, maxInterval: 250,
};

function request(method = 'GET'): HeaderMap {
  return HeaderMap.of([':method', method], [':path', '/x'], [':authority', 'svc']);
}

/** What a caller hears, in words. */
class Caller implements AsyncStreamCallbacks, AsyncRequestCallbacks {
  readonly events: string[] = [];
  response: AsyncResponseMessage | null = null;
  onNext: ((event: string) => void) | null = null;

  private hear(event: string): void {
    this.events.push(event);
    this.onNext?.(event);
  }

  onHeaders(headers: HeaderMap, endStream: boolean): void {
    this.hear(`headers ${headers.get(':status')}${endStream ? ' end' : ''}`);
  }

  onData(data: Buffer, endStream: boolean): void {
    this.hear(`data ${data.toString('latin1')}${endStream ? ' end' : ''}`);
  }

  onTrailers(trailers: HeaderMap): void {
    this.hear(`trailers ${JSON.stringify(trailers.entries())}`);
  }

  onComplete(): void {
    this.hear('complete');
  }

  onReset(): void {
    this.hear('reset');
  }

  onSuccess(response: AsyncResponseMessage): void {
    this.response = response;
    this.hear(`success ${response.headers.get(':status')} ${response.body.toString('latin1')}`);
  }

  onFailure(reason: number): void {
    this.hear(`failure ${reason}`);
  }
}

function clientOf(proxy: TestProxy): AsyncClient {
  const client = proxy.asyncClients.forCluster('origin');
  assert.notEqual(client, null);
  return client as AsyncClient;
}

/** Nothing is left behind: no stream, no place in a breaker, no timer. */
function expectClean(proxy: TestProxy): void {
  assert.equal(proxy.asyncClients.activeStreams, 0);
  assert.equal(proxy.origin.retries.count, 0);
}

function open(options: AsyncStreamOptions = {}): { proxy: TestProxy; caller: Caller; stream: ReturnType<AsyncClient['start']> } {
  const proxy = new TestProxy();
  const caller = new Caller();
  return { proxy, caller, stream: clientOf(proxy).start(caller, options) };
}

test('a unary request: headers of its own, response whole, statistics of the cluster and of the client', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  const handle = clientOf(proxy).send({ headers: request('POST'), body: Buffer.from('abc') }, caller, { timeout: 500 });
  assert.notEqual(handle, null);
  const sent = splitMessage(proxy.origin.upstream.take());
  assert.equal(sent.firstLine, 'POST /x HTTP/1.1');
  assert.equal(sent.headers.get('x-envoy-internal'), 'true');
  assert.notEqual(sent.headers.get('x-forwarded-for'), undefined);
  assert.equal(sent.headers.get('x-envoy-expected-rq-timeout-ms'), '500');
  proxy.origin.upstream.respond(OK);
  assert.deepEqual(caller.events, ['success 200 hi']);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_200'), 1);
  assert.equal(proxy.stat('cluster.origin.internal.upstream_rq_200'), 1);
  expectClean(proxy);
});

test('sendXff and sendInternal are left out when asked', () => {
  const proxy = new TestProxy();
  clientOf(proxy).send({ headers: request(), body: null }, new Caller(), { sendXff: false, sendInternal: false });
  const sent = splitMessage(proxy.origin.upstream.take());
  assert.equal(sent.headers.has('x-envoy-internal') || sent.headers.has('x-forwarded-for'), false);
});

test('no such cluster: no client; no host: the answer comes during the call', () => {
  const proxy = new TestProxy();
  assert.equal(proxy.asyncClients.forCluster('other'), null);
  proxy.origin.mode = 'none';
  const caller = new Caller();
  assert.equal(clientOf(proxy).send({ headers: request(), body: null }, caller), null);
  assert.deepEqual(caller.events, ['success 503 no healthy upstream']);
  proxy.origin.mode = 'now';
  proxy.origin.failures = [POOL_FAILURE_OVERFLOW];
  assert.equal(clientOf(proxy).startRequest(request('POST'), caller), null);
  assert.match(caller.events[1], /^success 503 upstream connect error/);
  expectClean(proxy);
});

test('a timeout is a 504 of the router, and the upstream is reset', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  clientOf(proxy).send({ headers: request(), body: null }, caller, { timeout: 100 });
  proxy.advance(101);
  assert.deepEqual(caller.events, ['success 504 upstream request timeout']);
  assert.equal(proxy.origin.upstream.reset, true);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_timeout'), 1);
  expectClean(proxy);
});

test('a retry sends the whole body again, however long', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  const body = Buffer.alloc(200_000, 'x');
  clientOf(proxy).send({ headers: request('POST'), body }, caller, { retryPolicy: RETRY });
  proxy.origin.upstream.respond(BAD);
  proxy.advance(30);
  assert.equal(proxy.origin.upstreams.length, 2);
  assert.match(proxy.origin.upstream.take(), /x{200000}/);
  proxy.origin.upstream.respond(OK);
  assert.deepEqual(caller.events, ['success 200 hi']);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_retry_success'), 1);
  expectClean(proxy);
});

test('a stream is retried with what it has sent, up to its buffer limit', () => {
  const { proxy, caller, stream } = open({ retryPolicy: RETRY, bufferLimit: 10 });
  stream.sendHeaders(request('POST'), false);
  stream.sendData(Buffer.from('abc'), false);
  stream.sendData(Buffer.from('def'), true);
  proxy.origin.upstream.respond(BAD);
  proxy.advance(30);
  assert.match(proxy.origin.upstream.take(), /abcdef/);
  proxy.origin.upstream.respond(OK);
  assert.deepEqual(caller.events, ['headers 200', 'data hi end', 'complete']);

  const long = open({ retryPolicy: RETRY, bufferLimit: 10 });
  long.stream.sendHeaders(request('POST'), false);
  long.stream.sendData(Buffer.alloc(11), true);
  assert.equal(long.proxy.stat('cluster.origin.retry_or_shadow_abandoned'), 1);
  long.proxy.origin.upstream.respond(BAD);
  assert.equal(long.caller.events[0].startsWith('headers 503'), true);
  expectClean(proxy);
  expectClean(long.proxy);
});

test('hedging: a slow try is joined by another, the first answer wins', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  clientOf(proxy).send({ headers: request(), body: null }, caller, {
    retryPolicy: { ...RETRY, perTryTimeout: 50 }, hedgePolicy: { hedgeOnPerTryTimeout: true }, timeout: 1_000,
  });
  proxy.advance(51);
  proxy.advance(300);
  assert.equal(proxy.origin.upstreams.length, 2);
  proxy.origin.upstreams[0].respond(OK);
  assert.deepEqual(caller.events, ['success 200 hi']);
  assert.equal(proxy.origin.upstreams[1].reset, true);
  expectClean(proxy);
});

test('cancel: no callback, the upstream is reset; again is harmless', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  const handle = clientOf(proxy).send({ headers: request(), body: null }, caller);
  handle?.cancel();
  handle?.cancel();
  assert.equal(proxy.origin.upstream.reset, true);
  proxy.advance(100_000);
  assert.deepEqual(caller.events, []);
  expectClean(proxy);
});

test('cancel while a connection is awaited takes the stream out of the queue', () => {
  const proxy = new TestProxy();
  proxy.origin.mode = 'later';
  const caller = new Caller();
  clientOf(proxy).send({ headers: request(), body: null }, caller)?.cancel();
  assert.equal(proxy.origin.pending[0].cancelled, true);
  proxy.origin.ready();
  assert.equal(proxy.origin.upstreams.length, 0);
  assert.deepEqual(caller.events, []);
});

test('a response body over the limit is a failure of its own', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  clientOf(proxy).send({ headers: request(), body: null }, caller, { responseBufferLimit: 3 });
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc');
  proxy.origin.upstream.respond('d');
  assert.deepEqual(caller.events, [`failure ${ASYNC_FAILURE_EXCEED_RESPONSE_BUFFER_LIMIT}`]);
  assert.equal(proxy.origin.upstream.reset, true);
  proxy.runtime.values.set('http.async_response_buffer_limit', 1);
  clientOf(proxy).send({ headers: request(), body: null }, caller);
  proxy.origin.upstream.respond(OK);
  assert.equal(caller.events.length, 2);
  clientOf(proxy).send({ headers: request(), body: null }, caller, { discardResponseBody: true });
  proxy.origin.upstream.respond(OK);
  assert.equal(caller.events[2], 'success 200 ');
  expectClean(proxy);
});

test('a response that breaks off is a reset, not an answer', () => {
  const proxy = new TestProxy();
  const caller = new Caller();
  clientOf(proxy).send({ headers: request(), body: null }, caller);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc');
  proxy.origin.upstream.close();
  assert.deepEqual(caller.events, [`failure ${ASYNC_FAILURE_RESET}`]);
  expectClean(proxy);
});

test('a stream hears head, data and trailers; its own request may end later', () => {
  const { proxy, caller, stream } = open();
  stream.sendHeaders(request('POST'), false);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-t: 1\r\n\r\n');
  assert.deepEqual(caller.events, ['headers 200', 'data ab', 'trailers [["x-t","1"]]', 'complete']);
  // The response has ended, so nobody reads the rest of the request.
  assert.equal(proxy.origin.upstream.reset, true);
  stream.sendData(Buffer.from('late'), true);
  stream.sendTrailers(new HeaderMap());
  stream.reset();
  assert.equal(caller.events.length, 4);
  expectClean(proxy);
});

test('a reset from within any callback ends everything there', () => {
  for (const last of ['headers 200', 'data ab']) {
    const { proxy, caller, stream } = open();
    caller.onNext = (event) => {
      if (event === last) stream.reset();
    };
    stream.sendHeaders(request(), true);
    proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-t: 1\r\n\r\n');
    assert.equal(caller.events.at(-1), last);
    expectClean(proxy);
  }
});

test('readDisable pauses the upstream, before the response has begun and after', () => {
  const { proxy, stream } = open();
  stream.readDisable(true);
  stream.sendHeaders(request(), true);
  const { connection } = proxy.origin.upstream;
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n');
  assert.equal(connection.pauses, 1);
  stream.readDisable(false);
  assert.equal(connection.pauses, 0);
  stream.readDisable(true);
  stream.readDisable(true);
  stream.readDisable(false);
  assert.ok(connection.pauses > 0);
  stream.readDisable(false);
  assert.equal(connection.pauses, 0);
  stream.reset();
  expectClean(proxy);
});

test('body that waits for a connection tells its producer to pause, and unwinds at the end', () => {
  const { proxy, stream } = open({ bufferLimit: 4 });
  proxy.origin.mode = 'later';
  let above = 0;
  stream.setWatermarkCallbacks({ onAboveWriteBufferHighWatermark: () => above++, onBelowWriteBufferLowWatermark: () => above-- });
  stream.sendHeaders(request('POST'), false);
  stream.sendData(Buffer.alloc(5), false);
  assert.deepEqual([above, stream.isAboveWriteBufferHighWatermark], [1, true]);
  proxy.origin.ready();
  assert.deepEqual([above, stream.isAboveWriteBufferHighWatermark], [0, false]);
  stream.reset();

  const cut = open({ bufferLimit: 4 });
  cut.proxy.origin.mode = 'later';
  cut.stream.setWatermarkCallbacks({ onAboveWriteBufferHighWatermark: () => above++, onBelowWriteBufferLowWatermark: () => above-- });
  cut.stream.sendHeaders(request('POST'), false);
  cut.stream.sendData(Buffer.alloc(5), false);
  assert.equal(above, 1);
  cut.stream.reset();
  assert.equal(above, 0);
});

test('closeAll resets what is under way and tells its callers', () => {
  const { proxy, caller, stream } = open();
  stream.sendHeaders(request(), true);
  proxy.asyncClients.closeAll();
  assert.deepEqual(caller.events, ['reset']);
  expectClean(proxy);
});
