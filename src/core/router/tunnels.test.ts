import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteEntry } from '../../contract/route.ts';
import type { MemoryConnection } from '../http/testing/connection.ts';
import { splitMessage, TestProxy, testRoute, testRouteEntry } from '../http/testing/proxy.ts';

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\n';

function upgrade(type: string, more = ''): string {
  return `POST / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: ${type}\r\n${more}\r\n`;
}

function start(entry: Partial<RouteEntry> = {}): { proxy: TestProxy; client: MemoryConnection } {
  const proxy = new TestProxy({ upgrades: ['websocket', 'tcp', 'connect'] });
  proxy.routes.route = testRoute(testRouteEntry(entry));
  return { proxy, client: proxy.connect() };
}

function bodyOf(text: string): string {
  return splitMessage(text).body;
}

test('payload waits for the answer, also when the stream comes late', () => {
  const { proxy, client } = start();
  proxy.origin.mode = 'later';
  client.receive(`${upgrade('websocket')}one`);
  client.receive('two');
  proxy.origin.ready();
  assert.equal(bodyOf(proxy.origin.upstream.take()), '');
  client.receive('three');
  assert.equal(proxy.origin.upstream.take(), '');
  proxy.origin.upstream.respond(`${SWITCH}hi`);
  assert.equal(proxy.origin.upstream.take(), 'onetwothree');
  assert.equal(bodyOf(client.take()), 'hi');
  client.receive('four');
  assert.equal(proxy.origin.upstream.take(), 'four');
  assert.equal(proxy.http('downstream_cx_upgrades_active'), 1);
  client.remoteClose();
  assert.equal(proxy.http('downstream_cx_upgrades_active'), 0);
  assert.equal(proxy.origin.upstream.reset, true);
});

test('the body that content-length announces goes at once, what follows waits', () => {
  const { proxy, client } = start();
  client.receive(`${upgrade('tcp', 'content-length: 8\r\n')}four`);
  assert.equal(bodyOf(proxy.origin.upstream.take()), 'four');
  client.receive('more and tail');
  assert.equal(proxy.origin.upstream.take(), 'more');
  proxy.origin.upstream.respond(SWITCH);
  assert.equal(proxy.origin.upstream.take(), ' and tail');
});

test('a WebSocket has no body before its answer, whatever content-length says', () => {
  const { proxy, client } = start();
  client.receive(`${upgrade('websocket', 'content-length: 4\r\n')}four`);
  assert.equal(bodyOf(proxy.origin.upstream.take()), '');
});

test('what waits is bounded: the client is paused over the buffer limit and goes on after the answer', () => {
  const { proxy, client } = start();
  client.receive(upgrade('websocket'));
  const before = client.readEnabled;
  client.receive('x'.repeat(2 * 1024 * 1024));
  assert.deepEqual([before, client.readEnabled], [true, false]);
  proxy.origin.upstream.respond(SWITCH);
  assert.equal(client.readEnabled, true);
});

for (const [status, body, details] of [[200, '', 'websocket_handshake_unsuccessful'], [302, '', 'websocket_handshake_unsuccessful'], [404, 'no', 'via_upstream']] as const) {
  test(`a WebSocket answered with ${status}`, () => {
    const { proxy, client } = start();
    client.receive(`${upgrade('websocket')}early`);
    proxy.origin.upstream.take();
    proxy.origin.upstream.respond(`HTTP/1.1 ${status} Answer\r\nx-a: b\r\ncontent-length: 2\r\n\r\nno`);
    const response = splitMessage(client.take());
    assert.match(response.firstLine, new RegExp(`^HTTP/1.1 ${status} `));
    assert.equal(response.headers.get('x-a'), 'b');
    assert.equal(response.body, body);
    assert.equal(proxy.origin.upstream.take(), '', 'the payload went to who refused it');
    assert.equal(proxy.logs.at(-1)?.details, details);
    assert.equal(proxy.http('downstream_rq_active'), 0);
  });
}

test('the timeout covers the handshake of a WebSocket, not its tunnel', () => {
  const slow = start({ timeout: 1_000 });
  slow.client.receive(upgrade('websocket'));
  slow.proxy.advance(1_001);
  assert.match(slow.client.take(), /^HTTP\/1\.1 504 /);
  assert.equal(slow.proxy.logs.at(-1)?.details, 'response_timeout');
  const quick = start({ timeout: 1_000 });
  quick.client.receive(upgrade('websocket'));
  quick.proxy.origin.upstream.respond(SWITCH);
  quick.client.take();
  quick.proxy.advance(5_000);
  quick.proxy.origin.upstream.respond('still');
  assert.equal(quick.client.take(), 'still');
});

test('CONNECT opens on any 2xx and has no timeout before its end', () => {
  const { proxy, client } = start({ timeout: 1_000 });
  client.receive('CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\nearly');
  assert.match(proxy.origin.upstream.take(), /^CONNECT h:1 HTTP\/1\.1\r\n/);
  proxy.advance(5_000);
  assert.equal(client.take(), '');
  proxy.origin.upstream.respond('HTTP/1.1 299 Fine\r\n\r\n');
  assert.equal(proxy.origin.upstream.take(), 'early');
});

test('idle time of a tunnel counts bytes of both directions', () => {
  const { proxy, client } = start({ idleTimeout: 1_000 });
  client.receive(upgrade('websocket'));
  proxy.origin.upstream.respond(SWITCH);
  for (let i = 0; i < 3; i++) {
    proxy.advance(700);
    if (i % 2 === 0) client.receive('up');
    else proxy.origin.upstream.respond('down');
  }
  assert.equal(proxy.http('downstream_rq_active'), 1);
  proxy.advance(1_001);
  assert.equal(proxy.http('downstream_rq_active'), 0);
  assert.equal(proxy.logs.at(-1)?.details, 'stream_idle_timeout');
});
