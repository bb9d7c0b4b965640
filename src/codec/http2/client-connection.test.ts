import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import { ClientRun, data, frame, GET, goAway, POST, reset, settingsFrame } from './testing.ts';
import type { Pairs } from './testing.ts';

const OK: Pairs = [[':status', '200']];

test('the preface goes with the first request', () => {
  const run = new ClientRun({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 });
  assert.deepEqual(run.sent(), []);
  run.request();
  const bytes = run.connection.take();
  assert.equal(bytes.subarray(0, 24).toString('latin1'), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  assert.deepEqual(run.peer.read(bytes), ['SETTINGS 00020000000000010000100000080000000000030000040000040000ffff', 'HEADERS 1 end :method=GET|:scheme=http|:path=/|:authority=a']);
});

test('requests and responses', () => {
  const run = new ClientRun().open();
  run.request();
  run.request(POST, false).encoder.encodeData(Buffer.from('body'), true);
  assert.deepEqual(run.sent(), ['HEADERS 1 end :method=GET|:scheme=http|:path=/|:authority=a', 'HEADERS 3 :method=POST|:scheme=http|:path=/|:authority=a', 'DATA 3 end body']);
  run.feed(run.peer.headers(3, OK), data(3, 'abc'), run.peer.headers(1, [[':status', '103'], ['link', 'x']]), run.peer.headers(1, OK, true), run.peer.headers(3, [['t', '1']], true));
  assert.deepEqual(run.events(), ['3 response :status=200', '3 data abc', '1 informational :status=103|link=x', '1 response :status=200 end', '3 trailers t=1 end']);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('body after a 1xx response resets the stream, without any response the connection ends', () => {
  const run = new ClientRun().open();
  run.request();
  run.request();
  run.sent();
  run.feed(run.peer.headers(1, [[':status', '103']]), data(1, 'abc'), run.peer.headers(3, OK, true));
  assert.deepEqual(run.sent(), ['RST 1 1']);
  assert.deepEqual(run.events().filter((event) => event.startsWith('3')), ['3 response :status=200 end']);
  run.request();
  run.feed(data(5, 'abc'));
  assert.match(run.sent().at(-1) ?? '', /GOAWAY 0 1 DATA: stream not opened/);
});

test('what a request must have', () => {
  const run = new ClientRun().open();
  run.request(GET.slice(1));
  assert.deepEqual(run.events(), ['0 refused missing required header: :method']);
  assert.deepEqual(run.sent(), []);
  run.codec.onConnectionClose();
  assert.deepEqual(run.events(), ['0 reset 7']);
  assert.equal(run.codec.activeStreams, 0);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('bodies that cannot be: HEAD, 204, 304; lengths that do not fit', () => {
  const run = new ClientRun().open();
  run.request([[':method', 'HEAD'], ...GET.slice(1)]);
  run.request();
  run.request();
  run.request();
  run.sent();
  run.feed(run.peer.headers(1, [...OK, ['content-length', '5']], true));
  run.feed(run.peer.headers(3, [[':status', '304'], ['content-length', '5']], true));
  run.feed(run.peer.headers(5, [[':status', '204']]), data(5, 'x'));
  run.feed(run.peer.headers(7, [...OK, ['content-length', '5']]), data(7, 'abc', true));
  assert.deepEqual(run.events(), [
    '1 response :status=200|content-length=5 end',
    '3 response :status=304|content-length=5 end',
    '5 response :status=204',
    '5 reset 10 http2.remote_reset',
    '7 response :status=200|content-length=5',
    '7 reset 10 http2.remote_reset',
  ]);
  assert.deepEqual(run.sent(), ['RST 5 1', 'RST 7 1']);
});

test('malformed responses', () => {
  const cases: [string, Pairs][] = [
    ['no status', [['a', 'b']]],
    ['101', [[':status', '101']]],
    ['letters', [[':status', '2oo']]],
    ['request pseudo-header', [[':status', '200'], [':path', '/']]],
    ['connection', [...OK, ['connection', 'close']]],
    ['length with 1xx', [[':status', '103'], ['content-length', '5']]],
    ['two lengths', [...OK, ['content-length', '5'], ['content-length', '5']]],
  ];
  for (const [name, pairs] of cases) {
    const run = new ClientRun().open();
    run.request();
    run.sent();
    run.feed(run.peer.headers(1, pairs));
    assert.match(run.sent().join(), /^GOAWAY 0 1 http2\./, name);
    assert.deepEqual(run.events(), ['error codec The user callback function failed'], name);
    run.codec.onConnectionClose();
    assert.match(run.events().join(), /^1 reset 10 http2\./, name);
  }
});

test('override_stream_error: only the stream dies, as a protocol error', () => {
  const run = new ClientRun({ streamErrorOnInvalidHttpMessage: true }).open();
  run.request();
  run.request();
  run.sent();
  run.feed(run.peer.headers(1, [['a', 'b']], true), run.peer.headers(3, OK, true));
  assert.deepEqual(run.events(), ['1 reset 10 http2.violation.of.messaging.rule', '3 response :status=200 end']);
  assert.deepEqual(run.sent(), ['RST 1 1']);
});

test("the peer's limit of streams: requests wait for it", () => {
  const run = new ClientRun().open([3, 1]);
  run.request();
  const second = run.request(POST, false);
  const body = Buffer.from('body');
  second.encoder.encodeData(body, true);
  run.request();
  assert.equal(run.sent().length, 1);
  body.fill('!');
  run.feed(run.peer.headers(1, OK, true));
  assert.deepEqual(run.sent(), ['HEADERS 3 :method=POST|:scheme=http|:path=/|:authority=a', 'DATA 3 end body']);
  run.feed(settingsFrame([3, 2]));
  assert.deepEqual(run.sent(), ['SETTINGS ack', 'HEADERS 5 end :method=GET|:scheme=http|:path=/|:authority=a']);
  assert.deepEqual(run.events(), ['1 response :status=200 end', 'settings 2']);
});

test('a reset before anything was sent leaves no trace', () => {
  const run = new ClientRun().open();
  run.request().encoder.stream.resetStream(RESET_LOCAL_RESET);
  assert.deepEqual(run.sent(), []);
  assert.deepEqual(run.events(), ['1 reset 0']);
  run.request();
  run.sent();
  run.feed(reset(3, 8));
  assert.deepEqual(run.events(), ['3 reset 2 http2.remote_reset']);
  const third = run.request(POST, false);
  run.sent();
  third.encoder.stream.resetStream(RESET_LOCAL_RESET);
  assert.deepEqual(run.sent(), ['RST 5 2']);
  run.feed(run.peer.headers(5, OK), data(5, 'late', true));
  assert.deepEqual(run.events(), ['5 reset 0']);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('GOAWAY: what the peer has not taken is refused, the rest goes on', () => {
  const run = new ClientRun().open();
  run.request();
  run.request();
  run.sent();
  run.feed(goAway(1, 0));
  assert.deepEqual(run.events(), ['goaway', '3 reset 3 http2.remote_refuse']);
  run.request();
  assert.deepEqual(run.events(), ['0 reset 1']);
  run.feed(run.peer.headers(1, OK, true));
  assert.deepEqual(run.events(), ['1 response :status=200 end']);
  run.feed(goAway(3, 0));
  assert.deepEqual(run.sent(), ['GOAWAY 0 1 GOAWAY: invalid last_stream_id']);
});

test('a notice refuses nobody', () => {
  const run = new ClientRun().open();
  run.request();
  run.sent();
  run.feed(goAway(0x7fff_ffff, 0), goAway(1, 0), run.peer.headers(1, OK, true));
  assert.deepEqual(run.events(), ['goaway', '1 response :status=200 end']);
});

test('frames that a server must not send', () => {
  for (const bytes of [frame(5, 4, 1, '1234'), data(1, 'before the head'), frame(1, 5, 2, '\x88'), frame(1, 5, 3, '\x88'), settingsFrame([2, 1])]) {
    const run = new ClientRun().open();
    run.request();
    run.sent();
    run.feed(bytes);
    assert.match(run.sent().join(), /^GOAWAY 0 1 /);
  }
});

test('upgrades are extended CONNECT on the way, and 101 again after it', () => {
  const run = new ClientRun().open();
  run.request([...GET, ['upgrade', 'websocket'], ['connection', 'upgrade']], false);
  run.request([[':method', 'CONNECT'], [':authority', 'a:1'], [':scheme', 'http']], false);
  assert.deepEqual(run.sent(), ['HEADERS 1 :method=CONNECT|:scheme=http|:path=/|:authority=a|:protocol=websocket', 'HEADERS 3 :method=CONNECT|:authority=a:1']);
  run.feed(run.peer.headers(1, OK), data(1, 'raw'));
  assert.deepEqual(run.events(), ['1 response :status=101|upgrade=websocket|connection=upgrade', '1 data raw']);
});

test('a response may end before its request', () => {
  const run = new ClientRun().open();
  const response = run.request(POST, false);
  run.sent();
  run.feed(run.peer.headers(1, OK, true));
  assert.equal(run.stats.value('streamsActive'), 1);
  response.encoder.encodeData(Buffer.from('x'), true);
  assert.deepEqual(run.sent(), ['DATA 1 end x']);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('the connection goes away', () => {
  const run = new ClientRun().open();
  run.request();
  run.sent();
  run.codec.onConnectionClose();
  assert.deepEqual(run.events(), ['1 reset 7']);
  run.request();
  assert.deepEqual(run.events(), ['0 reset 1']);
});

test('informational responses have a limit', () => {
  const run = new ClientRun().open();
  run.request();
  run.sent();
  const one = run.peer.headers(1, [[':status', '100']]);
  run.peer.headers(1, [[':status', '100']]);
  for (let i = 0; i < 2_001; i++) run.feed(one);
  assert.match(run.sent().join(), /^GOAWAY 0 11 too many informational/);
});
