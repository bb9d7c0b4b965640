import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { ThreadDispatcher } from '../dispatcher/dispatcher.ts';
import { Http2Keepalive } from './http2-keepalive.ts';

class Peer {
  readonly clock = new VirtualClock(1_000);
  readonly dispatcher = new ThreadDispatcher({ name: 'test', clock: this.clock, random: new SeededRandom(1), waker: null, scheduler: { soon: () => {} } });
  readonly pings: number[] = [];
  timeouts = 0;
  readonly keepalive: Http2Keepalive;

  constructor(changes: { interval?: number; intervalJitter?: number; connectionIdleInterval?: number } = {}) {
    const settings = { interval: 10_000, timeout: 1_000, intervalJitter: 0, connectionIdleInterval: 0, ...changes };
    this.keepalive = new Http2Keepalive(this.dispatcher, settings, {
      sendPing: (high, low) => this.pings.push(high * 2 ** 32 + low),
      onKeepaliveTimeout: () => this.timeouts++,
    });
  }

  advance(ms: number): void {
    this.clock.set(this.clock.now() + ms);
    this.dispatcher.runTimers();
  }
}

test('a PING goes out every interval, counted from the answer', () => {
  const peer = new Peer();
  peer.advance(9_999);
  assert.deepEqual(peer.pings, []);
  peer.advance(1);
  assert.deepEqual(peer.pings, [Math.floor(peer.clock.wall())]);
  peer.advance(500);
  peer.keepalive.onPingAck();
  peer.advance(9_999);
  assert.deepEqual([peer.pings.length, peer.timeouts], [1, 0]);
  peer.advance(1);
  assert.deepEqual([peer.pings.length, peer.timeouts], [2, 0]);
});

test('silence ends the connection, any frame puts it off', () => {
  const peer = new Peer();
  peer.advance(10_000);
  peer.advance(999);
  peer.keepalive.onFrameReceived();
  peer.advance(999);
  assert.equal(peer.timeouts, 0);
  peer.advance(1);
  assert.equal(peer.timeouts, 1);
});

test('jitter only adds', () => {
  const peer = new Peer({ intervalJitter: 50 });
  peer.advance(10_000);
  const first = peer.pings.length;
  peer.advance(5_000);
  assert.deepEqual([first, peer.pings.length], [0, 1]);
});

test('a client asks before a request when nothing came for long, once', () => {
  const peer = new Peer({ interval: 0, connectionIdleInterval: 3_000 });
  const last = peer.clock.now();
  peer.advance(3_000);
  peer.keepalive.pingIfIdle(last);
  assert.equal(peer.pings.length, 0);
  peer.advance(1);
  peer.keepalive.pingIfIdle(last);
  peer.keepalive.pingIfIdle(last);
  assert.equal(peer.pings.length, 1);
  peer.keepalive.onPingAck();
  peer.advance(100_000);
  assert.deepEqual([peer.pings.length, peer.timeouts], [1, 0]);
});

test('nothing runs on after the connection', () => {
  const peer = new Peer();
  peer.advance(10_000);
  peer.keepalive.dispose();
  peer.advance(100_000);
  assert.deepEqual([peer.timeouts, peer.dispatcher.armedTimers], [0, 0]);
});
