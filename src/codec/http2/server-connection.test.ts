import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESET_LOCAL_REFUSED_STREAM, RESET_LOCAL_RESET, RESET_OVERLOAD_MANAGER } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { FLAG_ACK, FRAME_PING, FRAME_PRIORITY, FRAME_SETTINGS, PREFACE } from './frame.ts';
import { data, frame, GET, goAway, POST, reset, ServerRun, settingsFrame, windowUpdate } from './testing.ts';

test('preface and settings: ours come first, with the window of the connection', () => {
  const run = new ServerRun();
  run.feed(Buffer.concat([PREFACE, settingsFrame()]));
  assert.deepEqual(run.sent(), ['SETTINGS 000100001000000800000000000300000400000401000000', 'SETTINGS ack', 'WINDOW 0 25100289']);
  assert.equal(run.stats.value('nghttp2DownstreamConnections'), 1);
});

test('settings: custom parameters first, defaults after them', () => {
  const run = new ServerRun({ customSettingsParameters: [{ identifier: 0x10, value: 7 }], maxConcurrentStreams: 5, allowConnect: true, initialConnectionWindowSize: 65_535 });
  run.feed(Buffer.concat([PREFACE, settingsFrame()]));
  assert.deepEqual(run.sent(), ['SETTINGS 001000000007000100001000000800000001000300000005000401000000', 'SETTINGS ack']);
});

test('a wrong preface ends the connection without a word', () => {
  const run = new ServerRun().feed(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  assert.deepEqual(run.events(), ['error codec Received bad client magic byte string']);
  assert.deepEqual(run.sent(), []);
});

test('the first frame must be SETTINGS', () => {
  const run = new ServerRun().feed(Buffer.concat([PREFACE, frame(FRAME_PING, 0, 0, '12345678')]));
  assert.deepEqual(run.sent().slice(1), ['GOAWAY 0 1 SETTINGS expected']);
});

test('request and response in one write each', () => {
  const run = new ServerRun().open();
  run.onRequest = (request) => request.answer('hello', [['x-a', 'b']]);
  run.feed(Buffer.concat([run.peer.headers(1, GET, true), run.peer.headers(3, GET, true)]));
  const request = 'request :method=GET|:scheme=http|:path=/|:authority=a end';
  assert.deepEqual(run.events(), [`1 ${request}`, `3 ${request}`, '1 complete', '3 complete']);
  assert.deepEqual(run.sent(), ['HEADERS 1 :status=200|x-a=b', 'HEADERS 3 :status=200|x-a=b', 'DATA 1 end hello', 'DATA 3 end hello']);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('every cut of the input gives the same', () => {
  const make = (run: ServerRun): Buffer =>
    Buffer.concat([
      PREFACE,
      settingsFrame([1, 4096]),
      run.peer.headers(1, POST),
      frame(0, 0x8, 1, Buffer.concat([Buffer.from([3]), Buffer.from('abc'), Buffer.alloc(3)])),
      frame(FRAME_PRIORITY, 0, 3, '\0\0\0\0\x10'),
      frame(0x99, 0, 0, 'unknown'),
      data(1, 'def', false),
      run.peer.headers(1, [['x-t', '1']], true),
      frame(FRAME_PING, 0, 0, '12345678'),
    ]);
  const whole = new ServerRun();
  whole.feed(make(whole));
  const text = whole.log.join('\n').replaceAll(/data (\w+)\n1 data (\w+)/g, 'data $1$2');
  for (const size of [1, 2, 3, 5, 7, 11, 23]) {
    const run = new ServerRun();
    const bytes = make(run);
    for (let at = 0; at < bytes.length; at += size) run.feed(bytes.subarray(at, at + size));
    const body = run.log.filter((line) => line.startsWith('1 data')).map((line) => line.slice(7)).join('');
    assert.equal(body, 'abcdef', `pieces of ${size}`);
    assert.deepEqual(run.log.filter((line) => !line.startsWith('1 data')), text.split('\n').filter((line) => !line.startsWith('1 data')));
  }
});

test('a stream begins with the head of its first frame', () => {
  const run = new ServerRun().open();
  const bytes = run.peer.headers(1, GET, true);
  run.feed(bytes.subarray(0, 8));
  assert.equal(run.requests.length, 0);
  run.feed(bytes.subarray(8, 10));
  assert.equal(run.requests.length, 1);
  run.feed(bytes.subarray(10, 12), bytes.subarray(12), run.peer.headers(3, GET, true));
  assert.deepEqual([run.requests.length, run.events().length], [2, 2]);
  // The owner may end it meanwhile; the rest is decoded for the tables.
  const slow = run.peer.headers(5, [...GET, ['x', 'y']], true);
  run.feed(slow.subarray(0, 12));
  run.requests[2].encoder.stream.resetStream(RESET_LOCAL_RESET);
  run.feed(slow.subarray(12), run.peer.headers(7, [...GET, ['x', 'y']], true));
  assert.deepEqual(run.events(), ['5 reset 0', '7 request :method=GET|:scheme=http|:path=/|:authority=a|x=y end']);
});

test('trailers both ways, and empty ones as the end of the body', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, POST), data(1, 'abc'), run.peer.headers(1, [['x-t', '1']], true));
  assert.deepEqual(run.events().slice(1), ['1 data abc', '1 trailers x-t=1 end']);
  assert.equal(run.stats.value('trailers'), 1);
  const { encoder } = run.requests[0];
  encoder.encodeHeaders(HeaderMap.of([':status', '200']), false);
  encoder.encodeData(Buffer.from('x'), false);
  encoder.encodeTrailers(HeaderMap.of(['grpc-status', '0']));
  assert.equal(encoder.stream.encodePending, true);
  assert.deepEqual(run.sent(), ['HEADERS 1 :status=200', 'DATA 1 x', 'HEADERS 1 end grpc-status=0']);
  assert.equal(encoder.stream.encodePending, false);
  run.feed(run.peer.headers(3, GET, true));
  run.requests[1].encoder.encodeHeaders(HeaderMap.of([':status', '200']), false);
  run.requests[1].encoder.encodeTrailers(new HeaderMap());
  assert.deepEqual(run.sent(), ['HEADERS 3 :status=200', 'DATA 3 end']);
});

test('informational heads go before the final one, connection headers stay behind, pseudo-headers come first', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET, true));
  const { encoder } = run.requests[0];
  encoder.encode1xxHeaders(HeaderMap.of([':status', '103'], ['link', '<a>']));
  encoder.encodeHeaders(HeaderMap.of(['x', 'y'], ['connection', 'close'], ['keep-alive', '5'], ['transfer-encoding', 'chunked'], [':status', '204']), true);
  assert.deepEqual(run.sent(), ['HEADERS 1 :status=103|link=<a>', 'HEADERS 1 end :status=204|x=y']);
});

test('a header block longer than a frame is continued', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET, true));
  const long = 'é'.repeat(20_000);
  run.requests[0].encoder.encodeHeaders(HeaderMap.of([':status', '200'], ['x-long', long]), true);
  const bytes = run.connection.take();
  assert.deepEqual([bytes[3], bytes[4] & 0x4, bytes.readUIntBE(0, 3)], [1, 0, 16_384]);
  const second = bytes.subarray(9 + 16_384);
  assert.deepEqual([second[3], second[4] & 0x4], [9, 4]);
  assert.equal(9 + second.readUIntBE(0, 3), second.length);
});

test('meters count frames with their headers', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, POST), data(1, 'abc', true));
  const meter = run.requests[0].encoder.stream.bytesMeter;
  assert.equal(meter.wireBytesReceived, meter.headerBytesReceived + 12);
  run.requests[0].answer('hello');
  run.connection.endTurn();
  assert.deepEqual([meter.headerBytesSent, meter.wireBytesSent], [10, 24]);
});

test('refused streams: limit before and after its acknowledgement', () => {
  const run = new ServerRun({ maxConcurrentStreams: 1 });
  run.feed(Buffer.concat([PREFACE, settingsFrame(), run.peer.headers(1, GET), run.peer.headers(3, GET)]));
  assert.deepEqual(run.sent().slice(3), ['RST 3 7']);
  assert.equal(run.stats.value('streamRefusedErrors'), 1);
  run.feed(frame(FRAME_SETTINGS, FLAG_ACK, 0), run.peer.headers(5, GET));
  assert.deepEqual(run.sent(), ['GOAWAY 1 1 request HEADERS: max concurrent streams exceeded']);
});

test('a reset by the client, and its code', () => {
  const run = new ServerRun().open();
  for (const [id, code] of [[1, 8], [3, 7], [5, 10], [7, 1]]) run.feed(run.peer.headers(id, POST), reset(id, code));
  const resets = run.events().filter((line) => line.includes('reset'));
  assert.deepEqual(resets, ['1 reset 2 http2.remote_reset', '3 reset 3 http2.remote_refuse', '5 reset 9 http2.remote_reset', '7 reset 10 http2.remote_reset']);
  assert.equal(run.stats.value('rxReset'), 4);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('resets of ours: codes; what is encoded goes out before', () => {
  const run = new ServerRun().open();
  for (const id of [1, 3, 5, 7]) run.feed(run.peer.headers(id, POST));
  run.events();
  run.requests[0].encoder.stream.resetStream(RESET_LOCAL_RESET);
  run.requests[1].encoder.stream.resetStream(RESET_LOCAL_REFUSED_STREAM);
  run.requests[2].answer('late');
  run.requests[2].encoder.stream.resetStream(RESET_LOCAL_RESET);
  run.requests[3].answer('also');
  run.requests[3].encoder.stream.resetStream(RESET_OVERLOAD_MANAGER);
  assert.deepEqual(run.events(), ['1 reset 0', '3 reset 1', '5 complete', '5 reset 0', '7 complete', '7 reset 11']);
  assert.deepEqual(run.sent(), ['RST 1 2', 'RST 3 7', 'HEADERS 5 :status=200', 'DATA 5 end late', 'RST 5 0', 'HEADERS 7 :status=200', 'DATA 7 end also', 'RST 7 0']);
  assert.equal(run.stats.value('txReset'), 4);
  assert.equal(run.stats.value('streamsActive'), 0);
  // What was on its way meanwhile is no error.
  run.feed(data(1, 'abc'), run.peer.headers(3, [['x', 'y']], true));
  assert.deepEqual(run.sent(), []);
});

test('frames for streams that ended in agreement end the connection', () => {
  for (const late of [data(1, 'x'), frame(1, 5, 1, '\x82')]) {
    const run = new ServerRun().open();
    run.onRequest = (request) => request.answer();
    run.feed(run.peer.headers(1, GET, true));
    run.sent();
    run.feed(late);
    assert.match(run.sent().join(), /^GOAWAY 1 5 /);
  }
});

test('content-length against what comes', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, [...POST, ['content-length', '5']]), data(1, 'abc', true));
  run.feed(run.peer.headers(3, [...POST, ['content-length', '5']]), data(3, 'abcdef'));
  run.feed(run.peer.headers(5, [...POST, ['content-length', '3']]), data(5, 'abc', true));
  assert.deepEqual(run.sent(), ['RST 1 1', 'RST 3 1']);
  assert.deepEqual(run.events().filter((line) => !line.includes('request')), ['1 reset 10 http2.remote_reset', '3 reset 10 http2.remote_reset', '5 data abc end']);
});

test('a malformed message ends the connection, or only its stream', () => {
  const strict = new ServerRun().open();
  strict.feed(strict.peer.headers(1, [...GET, ['connection', 'close']], true));
  assert.deepEqual(strict.events(), ['error codec The user callback function failed']);
  assert.deepEqual(strict.sent(), ['GOAWAY 1 1 http2.invalid.header.field']);
  assert.equal(strict.requests[0].encoder.stream.responseDetails, 'http2.invalid.header.field');
  const kind = new ServerRun({ streamErrorOnInvalidHttpMessage: true }).open();
  kind.onRequest = (request) => request.answer();
  kind.feed(kind.peer.headers(1, [...GET, ['connection', 'close']], true), kind.peer.headers(3, GET, true));
  assert.deepEqual(kind.sent(), ['RST 1 1', 'HEADERS 3 end :status=200']);
  assert.equal(kind.events()[0], '1 reset 0 http2.invalid.header.field');
  assert.equal(kind.stats.value('rxMessagingError'), 1);
});

test('limits of headers reset the stream and leave the connection', () => {
  const run = new ServerRun({}, { maxHeadersCount: 5, maxHeadersBytes: 1000 }).open();
  run.onRequest = (request) => request.answer();
  run.feed(run.peer.headers(1, [...GET, ['a', '1'], ['b', '2']], true));
  run.feed(run.peer.headers(3, [...GET, ['a', 'x'.repeat(1000)]], true));
  run.feed(run.peer.headers(5, [...GET, ['cookie', 'a'], ['cookie', 'b']], true));
  run.feed(run.peer.headers(7, [...GET, ['a', '1']], true));
  assert.deepEqual(run.sent(), ['RST 1 2', 'RST 3 2', 'RST 5 2', 'HEADERS 7 end :status=200']);
  const resets = run.events().filter((line) => line.includes('reset'));
  assert.deepEqual(resets, ['1 reset 2 http2.too_many_headers', '3 reset 2 http2.header_list_size_too_large', '5 reset 2 http2.too_many_headers']);
  assert.deepEqual([run.stats.value('headerOverflow'), run.stats.value('headerListSizeTooLarge')], [2, 1]);
});

test('names with underscores: dropped or refused', () => {
  const drop = new ServerRun({}, { headersWithUnderscoresAction: 2 }).open();
  drop.feed(drop.peer.headers(1, [...GET, ['a_b', '1'], ['c', '2']], true));
  assert.match(drop.events()[0], /:authority=a\|c=2 end$/);
  assert.equal(drop.stats.value('droppedHeadersWithUnderscores'), 1);
  const refuse = new ServerRun({}, { headersWithUnderscoresAction: 1 }).open();
  refuse.feed(refuse.peer.headers(1, [...GET, ['a_b', '1']], true));
  assert.deepEqual(refuse.events(), ['1 reset 2 http2.unexpected_underscore']);
  assert.equal(refuse.stats.value('requestsRejectedWithUnderscoresInHeaders'), 1);
});

test('drain: a notice, then the last stream', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET));
  run.codec.shutdownNotice();
  run.codec.shutdownNotice();
  assert.deepEqual(run.sent(), ['GOAWAY 2147483647 0']);
  run.feed(run.peer.headers(3, GET));
  run.codec.goAway();
  assert.deepEqual(run.sent(), ['GOAWAY 3 0']);
  run.feed(run.peer.headers(5, GET), data(5, 'x'));
  assert.equal(run.requests.length, 2);
  assert.equal(run.stats.value('goawaySent'), 1);
  assert.deepEqual(run.sent(), []);
});

test('the client says GOAWAY: told once; its streams live on', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET, true), goAway(0, 0), goAway(0, 0));
  run.requests[0].answer();
  assert.deepEqual(run.events().slice(1), ['goaway']);
  assert.deepEqual(run.sent(), ['HEADERS 1 end :status=200']);
});

test('PING both ways', () => {
  const run = new ServerRun().open();
  run.feed(frame(FRAME_PING, 0, 0, '12345678'));
  run.codec.sendPing(1, 2);
  assert.deepEqual(run.sent(), ['PING ack 3132333435363738', 'PING 0000000100000002']);
  const before = run.frames;
  run.feed(frame(FRAME_PING, FLAG_ACK, 0, '12345678'));
  assert.deepEqual(run.events(), ['ping ack']);
  assert.equal(run.frames, before);
});

test('extended CONNECT is an upgrade in the shape of HTTP/1, and its answer', () => {
  const pairs = [[':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':path', '/chat'], [':authority', 'a']] as const;
  const run = new ServerRun({ allowConnect: true }).open();
  run.feed(run.peer.headers(1, pairs));
  assert.equal(run.events()[0], '1 request :method=GET|:scheme=http|:path=/chat|:authority=a|upgrade=websocket|connection=upgrade');
  const response = HeaderMap.of([':status', '101'], ['upgrade', 'websocket'], ['connection', 'upgrade']);
  run.requests[0].encoder.encodeHeaders(response, false);
  assert.equal(response.get(':status'), '101');
  assert.deepEqual(run.sent(), ['HEADERS 1 :status=200']);
  const closed = new ServerRun().open();
  closed.feed(closed.peer.headers(1, pairs));
  assert.equal(closed.requests[0].encoder.stream.responseDetails, 'http2.invalid.header.field');
});

test('METADATA: out, in, too much of it', () => {
  const run = new ServerRun({ allowMetadata: true, maxMetadataSize: 100 }).open();
  run.feed(run.peer.headers(1, POST));
  run.requests[0].encoder.encodeMetadata?.(new Map([['a', 'b'], ['c', 'd']]));
  const bytes = run.connection.take();
  assert.deepEqual([bytes[3], bytes[4]], [0x4d, 4]);
  run.events();
  run.feed(frame(0x4d, 0, 1, bytes.subarray(9, 12)), frame(0x4d, 4, 1, bytes.subarray(12)));
  assert.deepEqual(run.events(), ['1 metadata [["a","b"],["c","d"]]']);
  run.feed(frame(0x4d, 4, 1, ''));
  assert.equal(run.stats.value('metadataEmptyFrames'), 1);
  run.feed(frame(0x4d, 0, 1, 'x'.repeat(101)));
  assert.match(run.sent().join(), /^GOAWAY 1 11 METADATA/);
  const without = new ServerRun().open();
  without.feed(without.peer.headers(1, POST), frame(0x4d, 4, 1, 'xyz'));
  assert.deepEqual(without.events().length, 1);
});

test('the connection goes away: live streams hear of it once', () => {
  const run = new ServerRun().open();
  run.feed(run.peer.headers(1, GET), run.peer.headers(3, GET));
  run.events();
  run.codec.onConnectionClose();
  run.codec.onConnectionClose();
  assert.deepEqual(run.events(), ['1 reset 7', '3 reset 7']);
  run.requests[0].answer();
  assert.deepEqual(run.sent(), []);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('errors of single frames', () => {
  const cases: [string, Buffer, string][] = [
    ['even stream', frame(1, 5, 2, '\x82'), 'GOAWAY 0 1 request HEADERS: invalid stream_id'],
    ['stream 0', frame(1, 5, 0, '\x82'), 'GOAWAY 0 1 HEADERS: stream_id == 0'],
    ['idle DATA', data(1, 'x'), 'GOAWAY 0 1 DATA: stream in idle'],
    ['DATA on 0', data(0, 'x'), 'GOAWAY 0 1 DATA: stream_id == 0'],
    ['idle RST', reset(1, 0), 'GOAWAY 0 1 RST_STREAM: stream in idle'],
    ['RST length', frame(3, 0, 1, 'abc'), 'GOAWAY 0 6'],
    ['idle WINDOW_UPDATE', windowUpdate(1, 1), 'GOAWAY 0 1 WINDOW_UPDATE to idle stream'],
    ['WINDOW_UPDATE 0', windowUpdate(0, 0), 'GOAWAY 0 1 WINDOW_UPDATE: window_size_increment == 0'],
    ['WINDOW_UPDATE overflow', windowUpdate(0, 0x7fff_ffff), 'GOAWAY 0 3 WINDOW_UPDATE: window size overflow'],
    ['WINDOW_UPDATE length', frame(8, 0, 0, 'abc'), 'GOAWAY 0 6'],
    ['PING length', frame(FRAME_PING, 0, 0, 'abc'), 'GOAWAY 0 6'],
    ['PING on a stream', frame(FRAME_PING, 0, 1, '12345678'), 'GOAWAY 0 1 PING: stream_id != 0'],
    ['PRIORITY length', frame(FRAME_PRIORITY, 0, 1, 'abc'), 'GOAWAY 0 6'],
    ['PRIORITY of itself', frame(FRAME_PRIORITY, 0, 1, '\0\0\0\x01\0'), 'GOAWAY 0 1 PRIORITY: depend on itself'],
    ['PUSH_PROMISE', frame(5, 4, 1, '12345678'), 'GOAWAY 0 1 PUSH_PROMISE: push disabled'],
    ['CONTINUATION alone', frame(9, 4, 1, ''), 'GOAWAY 0 1 CONTINUATION: unexpected'],
    ['SETTINGS length', frame(FRAME_SETTINGS, 0, 0, 'abc'), 'GOAWAY 0 6'],
    ['SETTINGS on a stream', frame(FRAME_SETTINGS, 0, 1), 'GOAWAY 0 1 SETTINGS: stream_id != 0'],
    ['SETTINGS push', settingsFrame([2, 2]), 'GOAWAY 0 1 SETTINGS: invalid SETTINGS_ENABLE_PUSH'],
    ['SETTINGS window', settingsFrame([4, 0x8000_0000]), 'GOAWAY 0 3 SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE'],
    ['SETTINGS frame size', settingsFrame([5, 100]), 'GOAWAY 0 1 SETTINGS: invalid SETTINGS_MAX_FRAME_SIZE'],
    ['SETTINGS connect', settingsFrame([8, 2]), 'GOAWAY 0 1 SETTINGS: invalid SETTINGS_ENABLE_CONNECT_PROTOCOL'],
    ['SETTINGS, too many', settingsFrame(...Array.from({ length: 33 }, (): [number, number] => [99, 1])), 'GOAWAY 0 11 SETTINGS: too many setting entries'],
    ['a second acknowledgement', frame(FRAME_SETTINGS, FLAG_ACK, 0), 'GOAWAY 0 1 SETTINGS: unexpected ACK'],
    ['too large', frame(0x99, 0, 0, Buffer.alloc(16_385)), 'GOAWAY 0 6 too large frame size'],
    ['bad HPACK', frame(1, 5, 1, '\xff\xff\xff\xff\xff\xff\xff'), 'GOAWAY 1 9'],
    ['padding', frame(1, 0xd, 1, '\x05ab'), 'GOAWAY 0 1 HEADERS: invalid padding'],
    ['depends on itself', frame(1, 0x25, 1, '\0\0\0\x01\0\x82'), 'GOAWAY 0 1 request HEADERS: depend on itself'],
  ];
  for (const [name, bytes, expected] of cases) {
    const run = new ServerRun().open().feed(bytes);
    assert.deepEqual(run.sent(), [expected], name);
    assert.deepEqual(run.events(), ['error codec The user callback function failed'], name);
    assert.equal(run.codec.dispatch(Buffer.from('more')), null, name);
  }
});

test('nothing may come between HEADERS and CONTINUATION', () => {
  const run = new ServerRun().open();
  const block = run.peer.block(GET);
  run.feed(frame(1, 1, 1, block.subarray(0, 2)), frame(FRAME_PING, 0, 0, '12345678'));
  assert.deepEqual(run.sent(), ['GOAWAY 1 1 unexpected non-CONTINUATION frame or stream_id is invalid']);
  const good = new ServerRun().open();
  const split = good.peer.block(GET);
  good.feed(frame(1, 1, 1, split.subarray(0, 2)), frame(9, 0, 1, split.subarray(2, 3)), frame(9, 4, 1, split.subarray(3)));
  assert.deepEqual(good.events(), ['1 request :method=GET|:scheme=http|:path=/|:authority=a end']);
});
