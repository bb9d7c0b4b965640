import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestProxy, splitMessage } from './testing/proxy.ts';

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
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nserver: origin\r\n\r\nhello');
  const response = splitMessage(client.take());
  assert.equal(response.firstLine, 'HTTP/1.1 200 OK');
  assert.equal(response.headers.get('server'), 'envoy');
  assert.equal(response.headers.get('x-envoy-upstream-service-time'), '7');
  assert.ok(response.headers.has('date'));
  assert.equal(response.body, 'hello');
  assert.deepEqual(proxy.logs, [
    { type: 'DownstreamEnd', code: 200, details: 'via_upstream', flags: '-', received: 0, sent: 5, attempts: 1 },
  ]);
  assert.equal(proxy.http('downstream_rq_2xx'), 1);
  assert.equal(proxy.http('downstream_rq_active'), 0);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_200'), 1);
  client.remoteClose();
  assert.equal(proxy.http('downstream_cx_active'), 0);
  assert.equal(proxy.dispatcher.armedTimers, 0);
});
