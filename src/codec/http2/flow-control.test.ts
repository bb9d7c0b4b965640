import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../contract/header-map.ts';
import { ClientRun, data, GET, POST, ServerRun, settingsFrame, windowUpdate } from './testing.ts';

const KIB64 = 65_536;

function respond(run: ServerRun, index: number, body: Uint8Array, end = true): void {
  const { encoder } = run.requests[index];
  encoder.encodeHeaders(HeaderMap.of([':status', '200']), false);
  encoder.encodeData(body, end);
}

test('bodies take turns, a frame each, within the connection window', () => {
  const run = new ServerRun().open([4, 1_000_000]);
  run.feed(run.peer.headers(1, GET, true), run.peer.headers(3, GET, true), run.peer.headers(5, GET, true));
  for (const i of [0, 1, 2]) respond(run, i, Buffer.alloc(30_000, 'x'));
  assert.deepEqual(run.sent().slice(3), ['DATA 1 16384', 'DATA 3 16384', 'DATA 5 16384', 'DATA 1 end 13616', 'DATA 3 2767']);
  assert.equal(run.stats.value('pendingSendBytes'), 30_000 - 16_384 - 2_767 + 13_616);
  run.feed(windowUpdate(0, 20_000));
  assert.deepEqual(run.sent(), ['DATA 5 end 13616', 'DATA 3 6384']);
  run.feed(windowUpdate(0, 100_000));
  assert.deepEqual(run.sent(), ['DATA 3 end 4465']);
  assert.equal(run.stats.value('pendingSendBytes'), 0);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('a stream without window does not hold up others', () => {
  const run = new ServerRun().open([4, 10]);
  run.feed(run.peer.headers(1, GET, true), run.peer.headers(3, GET, true), windowUpdate(3, 100));
  respond(run, 0, Buffer.alloc(60, 'a'));
  respond(run, 1, Buffer.alloc(60, 'b'));
  assert.deepEqual(run.sent().slice(2), ['DATA 1 aaaaaaaaaa', 'DATA 3 end 60']);
  assert.equal(run.requests[0].encoder.stream.encodePending, true);
  run.feed(windowUpdate(1, 45));
  assert.deepEqual(run.sent(), ['DATA 1 45']);
  run.feed(settingsFrame([4, 15]));
  assert.deepEqual(run.sent(), ['SETTINGS ack', 'DATA 1 end aaaaa']);
});

test('what waits beyond the turn is copied: borrowed memory may change', () => {
  const run = new ServerRun().open([4, 5]);
  run.feed(run.peer.headers(1, GET, true));
  const first = Buffer.from('abcdefgh');
  const second = Buffer.from('ijkl');
  respond(run, 0, first, false);
  run.requests[0].encoder.encodeData(second, true);
  assert.deepEqual(run.sent().slice(1), ['DATA 1 abcde']);
  first.fill('!');
  second.fill('!');
  run.feed(windowUpdate(1, 100));
  assert.deepEqual(run.sent(), ['DATA 1 end fghijkl']);
});

test('an end without body needs no window; trailers follow the body', () => {
  const run = new ServerRun().open([4, 0]);
  run.feed(run.peer.headers(1, GET, true), run.peer.headers(3, GET, true));
  respond(run, 0, Buffer.alloc(0));
  const { encoder } = run.requests[1];
  encoder.encodeHeaders(HeaderMap.of([':status', '200']), false);
  encoder.encodeData(Buffer.from('x'), false);
  encoder.encodeTrailers(HeaderMap.of(['t', '1']));
  assert.deepEqual(run.sent(), ['HEADERS 1 :status=200', 'HEADERS 3 :status=200', 'DATA 1 end']);
  run.feed(windowUpdate(3, 1));
  assert.deepEqual(run.sent(), ['DATA 3 x', 'HEADERS 3 end t=1']);
});

test('watermarks of a stream: above at its limit, below at half', () => {
  const run = new ServerRun({ initialStreamWindowSize: 65_535 }).open([4, 0]);
  run.feed(run.peer.headers(1, GET, true));
  run.events();
  respond(run, 0, Buffer.alloc(KIB64), false);
  assert.deepEqual(run.events(), ['1 above']);
  run.sent();
  run.feed(windowUpdate(1, 32_000));
  run.sent();
  assert.deepEqual(run.events(), []);
  run.feed(windowUpdate(1, 1_000));
  run.sent();
  assert.deepEqual(run.events(), ['1 below']);
});

test('watermarks of the connection reach streams, and those that begin meanwhile', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET, true));
  run.events();
  run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  run.feed(run.peer.headers(3, GET, true));
  run.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  assert.deepEqual(run.events().filter((line) => !line.includes('request')), ['1 above', '3 above', '1 below', '3 below']);
});

test('the peer gets window back at half, unless reading is disabled', () => {
  const run = new ServerRun({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 }).open();
  run.feed(run.peer.headers(1, POST));
  run.feed(data(1, Buffer.alloc(16_000)), data(1, Buffer.alloc(16_000)));
  assert.deepEqual(run.sent(), []);
  run.feed(data(1, Buffer.alloc(1_000)));
  assert.deepEqual(run.sent(), ['WINDOW 0 33000', 'WINDOW 1 33000']);
  const { stream } = run.requests[0].encoder;
  stream.readDisable(true);
  stream.readDisable(true);
  for (let i = 0; i < 4; i++) run.feed(data(1, Buffer.alloc(16_000)));
  stream.readDisable(false);
  assert.deepEqual(run.sent(), []);
  stream.readDisable(false);
  assert.deepEqual(run.sent(), ['WINDOW 0 64000', 'WINDOW 1 64000']);
});

test('more than the window: FLOW_CONTROL_ERROR', () => {
  const run = new ServerRun({ initialStreamWindowSize: 65_535 }).open();
  run.feed(run.peer.headers(1, POST));
  run.requests[0].encoder.stream.readDisable(true);
  for (let i = 0; i < 4; i++) run.feed(data(1, Buffer.alloc(16_000)));
  run.feed(data(1, Buffer.alloc(2_000)));
  assert.deepEqual(run.sent(), ['GOAWAY 1 3']);
});

test('what a dead stream held of the connection is given back', () => {
  const run = new ServerRun({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 }).open();
  run.feed(run.peer.headers(1, POST));
  run.requests[0].encoder.stream.readDisable(true);
  for (let i = 0; i < 3; i++) run.feed(data(1, Buffer.alloc(16_000)));
  run.requests[0].encoder.stream.resetStream(0);
  assert.deepEqual(run.sent(), ['RST 1 2', 'WINDOW 0 48000']);
  // So is what comes for it later, padding included.
  for (let i = 0; i < 3; i++) run.feed(data(1, Buffer.alloc(16_000)));
  assert.deepEqual(run.sent(), ['WINDOW 0 48000']);
});

test('window overflow of a stream resets it', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET, true), windowUpdate(1, 0x7fff_ffff));
  assert.deepEqual(run.sent(), ['RST 1 3']);
});

test('large pieces pass without a copy', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET, true));
  const body = Buffer.alloc(40_000, 'x');
  const seen: (Uint8Array | string)[] = [];
  const write = run.connection.write.bind(run.connection);
  run.connection.write = (bytes) => {
    seen.push(bytes);
    write(bytes);
  };
  respond(run, 0, body);
  run.sent();
  const shared = seen.filter((bytes) => typeof bytes !== 'string' && bytes.buffer === body.buffer && bytes.length >= 7_232);
  assert.equal(shared.length, 2);
});

test('a client sends within the same rules', () => {
  const run = new ClientRun().open([4, 100_000]);
  const response = run.request(POST, false);
  response.encoder.encodeData(Buffer.alloc(70_000), true);
  assert.deepEqual(run.sent().slice(1), ['DATA 1 16384', 'DATA 1 16384', 'DATA 1 16384', 'DATA 1 16383']);
  run.feed(windowUpdate(0, 10_000));
  assert.deepEqual(run.sent(), ['DATA 1 end 4465']);
});
