import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerConnection } from '../../contract/codec.ts';
import { CLOSE_FLUSH_WRITE, CLOSE_FLUSH_WRITE_AND_DELAY } from '../../contract/network.ts';
import type { CloseType } from '../../contract/network.ts';
import { FLAG_DURATION_TIMEOUT } from '../../contract/response-flags.ts';
import { PROTOCOL_HTTP11, PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { ConnectionLifetime, NO_FLAG } from './connection-lifetime.ts';
import type { LifetimeOwner } from './connection-lifetime.ts';
import { TestProxy } from './testing/proxy.ts';

class FakeCodec implements ServerConnection {
  readonly protocol: Protocol;
  readonly said: string[] = [];
  readonly wantsToWrite = false;

  constructor(protocol: Protocol) {
    this.protocol = protocol;
  }

  dispatch(): null {
    return null;
  }

  shutdownNotice(): void {
    this.said.push('notice');
  }

  goAway(): void {
    this.said.push('goaway');
  }

  onConnectionClose(): void {}
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {}
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {}
}

class Owner implements LifetimeOwner {
  codec: FakeCodec | null;
  streamCount = 0;
  closed = false;
  readonly closes: [CloseType, number, string][] = [];
  readonly proxy: TestProxy;
  readonly lifetime: ConnectionLifetime;

  constructor(protocol: Protocol | null, changes: Partial<ConnectionManagerConfig> = {}) {
    this.codec = protocol === null ? null : new FakeCodec(protocol);
    this.proxy = new TestProxy({ manager: changes });
    this.lifetime = new ConnectionLifetime(this.proxy.config, this);
    this.lifetime.start();
  }

  closeConnection(type: CloseType, flag: number, details: string): void {
    this.closed = true;
    this.closes.push([type, flag, details]);
  }

  get said(): readonly string[] {
    return this.codec?.said ?? [];
  }
}

const DEFERRED: [CloseType, number, string] = [CLOSE_FLUSH_WRITE_AND_DELAY, NO_FLAG, 'deferred_close_on_drained_connection'];

test('HTTP/2 drains by GOAWAY twice, and closes when its last stream is gone', () => {
  const owner = new Owner(PROTOCOL_HTTP2, { maxConnectionDuration: 1_000 });
  owner.lifetime.onNewStream();
  owner.streamCount = 1;
  owner.proxy.advance(1_000);
  assert.deepEqual([owner.said, owner.lifetime.draining, owner.lifetime.closing], [['notice'], true, false]);
  assert.equal(owner.proxy.http('downstream_cx_max_duration_reached'), 1);
  owner.proxy.advance(4_999);
  assert.deepEqual(owner.said, ['notice']);
  owner.proxy.advance(1);
  assert.deepEqual([owner.said, owner.lifetime.closing, owner.closes], [['notice', 'goaway'], true, []]);
  owner.streamCount = 0;
  owner.lifetime.checkForDeferredClose(false);
  assert.deepEqual(owner.closes, [DEFERRED]);
});

test('an idle HTTP/2 connection is drained, not cut', () => {
  const owner = new Owner(PROTOCOL_HTTP2, { idleTimeout: 1_000, drainTimeout: 100 });
  owner.proxy.advance(1_000);
  assert.deepEqual([owner.said, owner.proxy.http('downstream_cx_idle_timeout')], [['notice'], 1]);
  owner.proxy.advance(100);
  assert.deepEqual([owner.said, owner.closes], [['notice', 'goaway'], [DEFERRED]]);
});

test('max_requests_per_connection: HTTP/2 drains, HTTP/1 closes after the last response', () => {
  const http2 = new Owner(PROTOCOL_HTTP2, { maxRequestsPerConnection: 2 });
  assert.deepEqual([http2.lifetime.onNewStream(), http2.said.length], [false, 0]);
  assert.deepEqual([http2.lifetime.onNewStream(), http2.said], [false, ['notice']]);
  // Streams on their way are taken until the second GOAWAY.
  assert.deepEqual([http2.lifetime.onNewStream(), http2.said], [false, ['notice']]);
  assert.equal(http2.proxy.http('downstream_cx_max_requests_reached'), 2);
  const http1 = new Owner(PROTOCOL_HTTP11, { maxRequestsPerConnection: 2 });
  assert.deepEqual([http1.lifetime.onNewStream(), http1.lifetime.onNewStream(), http1.lifetime.closing], [false, true, true]);
});

test('a response that ends an HTTP/1 connection drains one of HTTP/2', () => {
  const http2 = new Owner(PROTOCOL_HTTP2);
  http2.lifetime.drainAfterStream();
  http2.lifetime.drainAfterStream();
  assert.deepEqual([http2.said, http2.lifetime.closing], [['notice'], false]);
  const http1 = new Owner(PROTOCOL_HTTP11);
  http1.lifetime.drainAfterStream();
  assert.equal(http1.lifetime.closing, true);
});

test('the server drains: asked with each response, told once', () => {
  const owner = new Owner(PROTOCOL_HTTP2);
  owner.lifetime.maybeStartDrain();
  assert.deepEqual(owner.said, []);
  owner.proxy.drain = true;
  owner.lifetime.maybeStartDrain();
  owner.lifetime.maybeStartDrain();
  assert.deepEqual([owner.said, owner.proxy.http('downstream_cx_drain_close')], [['notice'], 1]);
});

test('the process ends: HTTP/2 hears it at once, a quiet HTTP/1 connection closes', () => {
  const drainDecision = { drainClose: () => true, draining: true, closeIdle: true, addDrainListener: () => {}, removeDrainListener: () => {} };
  const http2 = new Owner(PROTOCOL_HTTP2, { drainDecision });
  http2.streamCount = 1;
  http2.lifetime.onDrainStart();
  http2.lifetime.onDrainStart();
  assert.deepEqual(http2.said, ['notice']);
  http2.proxy.advance(100);
  assert.deepEqual([http2.said, http2.closes], [['notice', 'goaway'], []]);
  http2.streamCount = 0;
  http2.lifetime.checkForDeferredClose(false);
  assert.deepEqual(http2.closes, [DEFERRED]);
  const http1 = new Owner(PROTOCOL_HTTP11, { drainDecision });
  http1.lifetime.onDrainStart();
  http1.proxy.advance(99);
  assert.deepEqual(http1.closes, []);
  http1.proxy.advance(1);
  assert.deepEqual([http1.said, http1.closes], [[], [DEFERRED]]);
});

test('before its first byte a connection just closes', () => {
  const idle = new Owner(null, { idleTimeout: 1_000 });
  idle.proxy.advance(1_000);
  assert.deepEqual(idle.closes, [[CLOSE_FLUSH_WRITE, NO_FLAG, 'on_idle_timeout']]);
  const old = new Owner(null, { maxConnectionDuration: 1_000 });
  old.proxy.advance(1_000);
  assert.deepEqual(old.closes, [[CLOSE_FLUSH_WRITE, FLAG_DURATION_TIMEOUT, 'duration_timeout']]);
});

test('http1_safe_max_connection_duration waits for a response, and is nothing to HTTP/2', () => {
  const changes = { maxConnectionDuration: 1_000, http1SafeMaxConnectionDuration: true };
  const http1 = new Owner(PROTOCOL_HTTP11, changes);
  http1.proxy.advance(1_000);
  assert.deepEqual([http1.lifetime.draining, http1.lifetime.softDrain, http1.lifetime.onNewStream()], [false, true, true]);
  const http2 = new Owner(PROTOCOL_HTTP2, changes);
  http2.proxy.advance(1_000);
  assert.deepEqual([http2.lifetime.softDrain, http2.said], [false, ['notice']]);
});

test('no timer outlives the connection', () => {
  const owner = new Owner(PROTOCOL_HTTP2, { maxConnectionDuration: 1_000 });
  owner.proxy.advance(1_000);
  owner.lifetime.stopTimers();
  owner.lifetime.dispose();
  assert.equal(owner.proxy.dispatcher.armedTimers, 0);
});
