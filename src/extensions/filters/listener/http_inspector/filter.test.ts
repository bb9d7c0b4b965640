import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpInspector } from '#api/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import { FakeListenerSocket } from '../../../../common/testing/fake-listener-socket.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { httpInspector } from './index.ts';

const TYPE = 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector';

/** First bytes; outcome, protocol and the one counter that is 1. */
const CASES: readonly (readonly [string, string, string, string])[] = [
  ['GET / HTTP/1.1\r\n', 'continues', 'http/1.1', 'http11_found'],
  ['GET / HTTP/1.0\r\nHost', 'continues', 'http/1.0', 'http10_found'],
  ['GET / HTTP/1.2\n', 'continues', 'http/1.0', 'http10_found'],
  ['GET /\n', 'continues', 'http/1.0', 'http10_found'],
  ['MADE-UP * HTTP/1.1\n', 'continues', 'http/1.1', 'http11_found'],
  ['GET\n', 'continues', '', 'http_not_found'],
  ['G@T / HTTP/1.1\n', 'continues', '', 'http_not_found'],
  ['\nGET / HTTP/1.1\n', 'continues', '', 'http_not_found'],
  ['GET / HTTP/1.1 x\n', 'continues', '', 'http_not_found'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'continues', 'h2c', 'http2_found'],
  ['PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n', 'continues', 'http/1.0', 'http10_found'],
  ['PRI * HTTP/2.0\r\n', 'waits', '', ''],
  ['GET / HTTP/1.1', 'waits', '', ''],
  [`GET /${'x'.repeat(65_530)}`, 'waits', '', ''],
  [`GET /${'x'.repeat(65_531)}`, 'closes', '', 'read_error'],
];

for (const [text, outcome, protocol, counter] of CASES) {
  test(`${JSON.stringify(text.slice(0, 40))} of ${text.length} bytes`, () => {
    const context = fakeContext();
    const socket = new FakeListenerSocket(httpInspector.create(fromYaml<HttpInspector>(TYPE, '{}'), context)(), context.dispatcher);
    assert.equal(socket.accepted, 'waits');
    assert.equal(socket.receive(Buffer.from(text, 'latin1')), outcome);
    assert.deepEqual(socket.applicationProtocols, protocol === '' ? [] : [protocol]);
    const counted = [...context.rootScope.all.values()].filter((stat) => stat.value !== 0).map((stat) => stat.name);
    assert.deepEqual(counted, counter === '' ? [] : [`http_inspector.${counter}`]);
    assert.equal(socket.drained, 0);
  });
}

test('after TLS was found it does nothing', () => {
  const context = fakeContext();
  const create = httpInspector.create(fromYaml<HttpInspector>(TYPE, '{}'), context);
  assert.equal(new FakeListenerSocket(create(), context.dispatcher, 'tls').accepted, 'continues');
  assert.equal(new FakeListenerSocket(create(), context.dispatcher, 'raw_buffer').accepted, 'waits');
});

test('bad YAML: why and where', () => {
  assert.throws(
    () => fromYaml<HttpInspector>(TYPE, 'x: 1'),
    (error) => error instanceof Error && error.message === `x: no such field: 'x' in ${TYPE}`,
  );
});
