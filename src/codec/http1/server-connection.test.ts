import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { http1Settings, KEY_FORMAT_PRESERVE_CASE, KEY_FORMAT_PROPER_CASE, UNDERSCORES_DROP_HEADER, UNDERSCORES_REJECT_REQUEST } from './settings.ts';
import type { Http1Settings } from './settings.ts';
import { ServerRun } from './testing.ts';

const HEAD = 'POST /p HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = HEAD + 'Transfer-Encoding: chunked\r\n\r\n';

/** Events of `input` fed whole; checked to be the same for every way to cut it in two and byte by byte. */
function eventsOf(input: string, changes: Partial<Http1Settings> = {}): string[] {
  const settings = http1Settings(changes);
  const whole = new ServerRun(settings).feed(input).log.events;
  const bytes = Buffer.from(input, 'latin1');
  for (let at = 1; at < bytes.length; at++) {
    const halves = new ServerRun(settings).feed(bytes.subarray(0, at), bytes.subarray(at)).log.events;
    assert.deepEqual(settled(halves), settled(whole), `cut at ${at}`);
  }
  const single = new ServerRun(settings);
  for (let at = 0; at < bytes.length; at++) single.feed(bytes.subarray(at, at + 1));
  assert.deepEqual(settled(single.log.events), settled(whole), 'byte by byte');
  return whole;
}

/** Body before an error depends on the cut: what came in one piece with the error is not handed on (as Envoy). */
function settled(events: readonly string[]): string[] {
  const failed = events.some((event) => event.startsWith('error'));
  return failed ? events.filter((event) => !event.startsWith('data')) : [...events];
}

describe('request heads', () => {
  it('gives method, target, host and headers', () => {
    assert.deepEqual(eventsOf('GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl\r\nX-One:  two words \t\r\n\r\n'), [
      'begin',
      'request :authority=example.com|:path=/a?b=c|:method=GET|user-agent=curl|x-one=two words',
      'end',
    ]);
  });

  it('gives pipelined requests one after the other', () => {
    const events = eventsOf('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.deepEqual(events, ['begin', 'request :authority=a|:path=/1|:method=GET', 'end', 'begin', 'request :authority=a|:path=/2|:method=GET', 'end']);
  });

  it('keeps entries of a name apart, or joins them where a message has one', () => {
    const events = eventsOf('GET / HTTP/1.1\r\nHost: a\r\nCookie: 1\r\nCookie: 2\r\nAccept: x\r\nAccept: y\r\nHost: b\r\n\r\n');
    assert.equal(events[1], 'request :authority=a,b|:path=/|:method=GET|cookie=1|cookie=2|accept=x,y');
  });

  it('is not led astray by names of JavaScript', () => {
    const events = eventsOf('GET / HTTP/1.1\r\nHost: a\r\n__proto__: x\r\nconstructor: y\r\nhasOwnProperty: z\r\n\r\n');
    assert.equal(events[1], 'request :authority=a|:path=/|:method=GET|__proto__=x|constructor=y|hasownproperty=z');
  });

  it('passes bytes above 0x7f in values', () => {
    assert.equal(eventsOf('GET / HTTP/1.1\r\nHost: a\r\nx: \xe9\xff\r\n\r\n')[1], 'request :authority=a|:path=/|:method=GET|x=\xe9\xff');
  });

  it('refuses with the status and details of each kind of error', () => {
    const cases: [string, Partial<Http1Settings>, string][] = [
      ['get / HTTP/1.1\r\n\r\n', {}, '400 http1.codec_error'],
      ['GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n', {}, '400 http1.codec_error'],
      ['GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', {}, '400 http1.invalid_characters'],
      ['GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n', { maxHeadersCount: 1 }, '431 http1.too_many_headers'],
      ['GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n', { maxHeadBytes: 20 }, '431 http1.headers_too_large'],
      ['GET / HTTP/1.0\r\nHost: a\r\n\r\n', {}, '426 low_version'],
      ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', {}, '400 http.invalid_authority'],
      ['GET ftp://x/ HTTP/1.1\r\nHost: a\r\n\r\n', {}, '400 http1.invalid_scheme'],
      ['GET https://x/ HTTP/1.1\r\nHost: a\r\n\r\n', { validateScheme: true }, '403 http1.https_url_on_plaintext_connection'],
      ['GET http://x:y/ HTTP/1.1\r\nHost: a\r\n\r\n', {}, '400 http1.invalid_url'],
      ['CONNECT x:1 HTTP/1.1\r\nContent-Length: 1\r\n\r\n', {}, '400 http1.body_disallowed'],
      [HEAD + 'Transfer-Encoding: gzip\r\n\r\n', {}, '501 http1.invalid_transfer_encoding'],
      [HEAD + 'Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n', {}, '400 http1.content_length_and_chunked_not_allowed'],
      [HEAD + 'Connection: x-forwarded-for\r\n\r\n', {}, '400 http1.connection_header_rejected'],
      [HEAD + 'a_b: 1\r\n\r\n', { headersWithUnderscoresAction: UNDERSCORES_REJECT_REQUEST }, '400 http1.unexpected_underscore'],
      [CHUNKED + 'z\r\n', {}, '400 http1.codec_error'],
      [CHUNKED + '0\r\nx\r\n\r\n', {}, '400 http1.codec_error'],
      [CHUNKED + '0\r\nx: ' + 'y'.repeat(100) + '\r\n\r\n', { maxHeadBytes: 100 }, '431 http1.headers_too_large'],
    ];
    for (const [input, changes, answer] of cases) {
      const [status, details] = answer.split(' ');
      const events = eventsOf(input, changes);
      assert.equal(events.at(-1), `error codec ${status} ${details}`, input);
      const reply = events.at(-2) ?? '';
      assert.ok(reply.startsWith(`reply ${status} `) && reply.endsWith(' ' + details), reply);
    }
  });

  it('answers a bad first line before the head is complete', () => {
    assert.deepEqual(new ServerRun().feed('BAD\r\n').log.events.at(-1), 'error codec 400 http1.codec_error');
  });

  it('takes nothing any more after an error', () => {
    const run = new ServerRun().feed('BAD\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.deepEqual(run.log.events, ['begin', 'reply 400 Bad Request http1.codec_error', 'error codec 400 http1.codec_error']);
  });

  it('counts and drops headers with underscores', () => {
    const run = new ServerRun(http1Settings({ headersWithUnderscoresAction: UNDERSCORES_DROP_HEADER })).feed(HEAD + 'a_b: 1\r\nc_d: 2\r\ne: 3\r\n\r\n');
    assert.equal(run.log.events[1], 'request :authority=a|:path=/p|:method=POST|e=3');
    assert.equal(run.stats.droppedHeadersWithUnderscores.value, 2);
    const refused = new ServerRun(http1Settings({ headersWithUnderscoresAction: UNDERSCORES_REJECT_REQUEST })).feed(HEAD + 'a_b: 1\r\n\r\n');
    assert.equal(refused.stats.requestsRejectedWithUnderscoresInHeaders.value, 1);
  });

  it('holds exactly 100 lines and 60 KiB', () => {
    const lines = (n: number): string => 'GET / HTTP/1.1\r\nHost: a\r\n' + 'x: y\r\n'.repeat(n) + '\r\n';
    assert.equal(new ServerRun().feed(lines(99)).log.events.at(-1), 'end');
    assert.equal(new ServerRun().feed(lines(100)).log.events.at(-1), 'error codec 431 http1.too_many_headers');
    const sized = (n: number): string => 'GET / HTTP/1.1\r\nHost: a\r\nx: ' + 'y'.repeat(n - 32) + '\r\n\r\n';
    assert.equal(sized(60 * 1024).length, 60 * 1024);
    for (const feed of [(text: string) => [text], (text: string) => text.match(/[^]{1,1000}/g) ?? []]) {
      assert.equal(new ServerRun().feed(...feed(sized(60 * 1024))).log.events.at(-1), 'end');
      assert.equal(new ServerRun().feed(...feed(sized(60 * 1024 + 1))).log.events.at(-1), 'error codec 431 http1.headers_too_large');
    }
  });
});

describe('request bodies', () => {
  it('reads content-length, chunks and trailers', () => {
    assert.deepEqual(eventsOf(HEAD + 'Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n').slice(2, 4), ['data hello', 'end']);
    assert.deepEqual(eventsOf(CHUNKED + '5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n').slice(2), ['data hello world', 'end']);
    const trailers = eventsOf(CHUNKED + '1\r\nx\r\n0\r\nT-One: 1\r\nt-two: 2\r\n\r\n', { enableTrailers: true });
    assert.deepEqual(trailers.slice(2), ['data x', 'trailers t-one=1|t-two=2', 'end']);
    assert.deepEqual(eventsOf(CHUNKED + '1\r\nx\r\n0\r\nT-One: 1\r\n\r\n').slice(2), ['data x', 'end']);
  });

  it('puts small chunks together and hands large ones on as they lie', () => {
    const pieces: number[] = [];
    const run = new ServerRun();
    run.newStream = () => ({
      decodeHeaders() {},
      decodeData: (data) => pieces.push(data.length),
      decodeTrailers() {},
      sendLocalReply() {},
    });
    run.feed(CHUNKED + '1\r\nx\r\n'.repeat(3000) + '2000\r\n' + 'y'.repeat(0x2000) + '\r\n0\r\n\r\n');
    assert.deepEqual(pieces, [3000, 0x2000, 0]);
  });

  it('caps chunk lines', () => {
    assert.equal(new ServerRun().feed(CHUNKED + '1;' + 'x'.repeat(17_000) + '\r\n').log.events.at(-1), 'error codec 400 http1.codec_error');
    assert.equal(new ServerRun().feed(CHUNKED + '0'.repeat(17_000)).log.events.at(-1), 'error codec 400 http1.codec_error');
    assert.equal(new ServerRun().feed(CHUNKED + '1\r\nx' + 'x'.repeat(17_000)).log.events.at(-1), 'error codec 400 http1.codec_error');
  });
});

describe('pipelining', () => {
  const TWO = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n';

  it('keeps the second request and pauses the connection until the first is answered', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed(TWO);
    assert.equal(run.encoders.length, 1);
    assert.equal(run.connection.readDisables, 1);
    run.encoders[0].encodeHeaders(HeaderMap.of([':status', '200']), true);
    assert.equal(run.encoders.length, 1, 'not from within the answer');
    assert.equal(run.connection.resumes, 1);
    run.feed('');
    assert.equal(run.encoders.length, 2);
    assert.equal(run.connection.readDisables, 0);
  });

  it('bounds what waits', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed(TWO);
    for (let i = 0; i < 20; i++) run.feed(Buffer.alloc(64 * 1024));
    assert.ok(run.log.events.some((event) => event.startsWith('error flood')));
  });

  it('stops at two responses that the client does not take', () => {
    const run = new ServerRun();
    run.connection.pendingWriteBytes = 1;
    run.feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    assert.equal(run.log.events.at(-1), 'error flood 0 ');
    assert.equal(run.stats.responseFlood.value, 1);
    const flushed = new ServerRun().feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    assert.equal(flushed.encoders.length, 3);
  });
});

describe('responses', () => {
  const answer = (request: string, headers: HeaderMap, body: string | null, changes: Partial<Http1Settings> = {}): string => {
    const run = new ServerRun(http1Settings(changes));
    run.answers = false;
    run.feed(request);
    run.encoders[0].encodeHeaders(headers, body === null);
    if (body !== null) run.encoders[0].encodeData(Buffer.from(body), true);
    return run.connection.written;
  };
  const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const of = (status: string, ...more: [string, string][]): HeaderMap => HeaderMap.of([':status', status], ...more);

  it('frames them', () => {
    assert.equal(answer(GET, of('200', ['content-length', '2']), 'ok'), 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    assert.equal(answer(GET, of('200'), 'ok'), 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    assert.equal(answer(GET, of('404'), null), 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    assert.equal(answer(GET, of('204'), null), 'HTTP/1.1 204 No Content\r\n\r\n');
    assert.equal(answer(GET, of('304', ['content-length', '9']), null), 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n');
    assert.equal(answer(GET, of('200', ['transfer-encoding', 'gzip']), null), 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    assert.equal(answer('HEAD' + GET.slice(3), of('200'), null), 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    assert.equal(answer('HEAD' + GET.slice(3), of('200', ['content-length', '9']), null), 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n');
    const old = { acceptHttp10: true };
    assert.equal(answer('GET / HTTP/1.0\r\nHost: a\r\n\r\n', of('200'), 'ok', old), 'HTTP/1.0 200 OK\r\n\r\nok');
  });

  it('writes informational heads before the answer', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed(HEAD + 'Content-Length: 1\r\n\r\n');
    run.encoders[0].encode1xxHeaders(of('100'));
    run.encoders[0].encode1xxHeaders(of('103', ['link', 'x']));
    run.feed('x');
    run.encoders[0].encodeHeaders(of('200'), false);
    run.encoders[0].encodeData(Buffer.from('ok'), false);
    run.encoders[0].encodeTrailers(HeaderMap.of(['t', '1']));
    assert.equal(
      run.connection.written,
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Unknown\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
  });

  it('writes trailers when they are enabled', () => {
    const run = new ServerRun(http1Settings({ enableTrailers: true }));
    run.answers = false;
    run.feed(GET);
    run.encoders[0].encodeHeaders(of('200'), false);
    run.encoders[0].encodeTrailers(HeaderMap.of(['grpc-status', '0']));
    assert.match(run.connection.written, /\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n$/);
  });

  it('formats names', () => {
    assert.match(answer(GET, of('200', ['x-a_b9c', '1']), null, { headerKeyFormat: KEY_FORMAT_PROPER_CASE }), /\r\nX-A_B9c: 1\r\nContent-Length: 0\r\n/);
    const run = new ServerRun(http1Settings({ headerKeyFormat: KEY_FORMAT_PRESERVE_CASE, properCaseOnEnvoyHeaders: true }));
    let seen: HeaderMap | null = null;
    run.newStream = () => ({ decodeHeaders: (headers) => (seen = headers), decodeData() {}, decodeTrailers() {}, sendLocalReply() {} });
    run.feed('GET / HTTP/1.1\r\nHOST: a\r\nfoO: 1\r\nFOO: 2\r\n\r\n');
    const formatter = (seen as HeaderMap | null)?.keyFormatter;
    assert.deepEqual(['host', 'foo', 'x-other'].map((name) => formatter?.format(name)), ['HOST', 'foO', 'X-Other']);
  });

  it('meters bytes', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('GET / HTTP/1.1\r\nHost: a\r\nX: yz\r\n\r\n');
    run.encoders[0].encodeHeaders(of('200', ['content-length', '2']), false);
    run.encoders[0].encodeData(Buffer.from('ok'), true);
    const meter = run.encoders[0].stream.bytesMeter;
    // `content-length: 2` and two line ends; three for each field received.
    assert.deepEqual([meter.headerBytesReceived, meter.headerBytesSent, meter.wireBytesSent], [8 + 6, 19, run.connection.written.length]);
    assert.equal(meter.wireBytesReceived, 34);
  });

  it('meters what came of a request, piece by piece', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('POST / HTTP/1.1\r\nHost: a\r\n', 'Content-Length: 3\r\n\r\n', 'a', 'bc');
    assert.equal(run.encoders[0].stream.bytesMeter.wireBytesReceived, 26 + 21 + 3);
  });
});

describe('streams of a server', () => {
  it('reset calls back once and is harmless afterwards', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed(CHUNKED);
    const seen: number[] = [];
    const callbacks = { onResetStream: (reason: number) => seen.push(reason), onAboveWriteBufferHighWatermark() {}, onBelowWriteBufferLowWatermark() {} };
    run.encoders[0].stream.addCallbacks(callbacks);
    run.encoders[0].stream.readDisable(true);
    run.encoders[0].stream.readDisable(true);
    run.encoders[0].stream.resetStream(RESET_LOCAL_RESET);
    run.encoders[0].stream.resetStream(RESET_LOCAL_RESET);
    run.codec.onConnectionClose();
    assert.deepEqual(seen, [RESET_LOCAL_RESET]);
    assert.equal(run.connection.readDisables, 0, 'pauses are undone');
    run.feed('5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(run.encoders.length, 1, 'no request after a reset');
    assert.ok(!run.log.events.some((event) => event.startsWith('data')));
  });

  it('tells of watermarks, also one that begins on a full connection', () => {
    const run = new ServerRun();
    run.answers = false;
    const seen: string[] = [];
    const callbacks = { onResetStream() {}, onAboveWriteBufferHighWatermark: () => seen.push('above'), onBelowWriteBufferLowWatermark: () => seen.push('below') };
    run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
    run.feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    run.encoders[0].stream.addCallbacks(callbacks);
    run.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
    run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
    assert.deepEqual(seen, ['above', 'below', 'above']);
  });

  it('an answer before the request is complete leaves the stream to be reset', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed(HEAD + 'Content-Length: 10\r\n\r\nabc');
    run.encoders[0].encodeHeaders(HeaderMap.of([':status', '413']), true);
    assert.equal(run.encoders[0].requestComplete, false);
    let reset = 0;
    run.encoders[0].stream.addCallbacks({ onResetStream: () => reset++, onAboveWriteBufferHighWatermark() {}, onBelowWriteBufferLowWatermark() {} });
    run.codec.onConnectionClose();
    assert.equal(reset, 1);
  });

  it('hands over raw bytes after an upgrade or CONNECT', () => {
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n';
    assert.deepEqual(eventsOf(upgrade + 'GET / raw').slice(2), ['data GET / raw']);
    assert.deepEqual(eventsOf('CONNECT h:1 HTTP/1.1\r\nHost: a\r\n\r\nraw').slice(1), ['request :authority=h:1|:method=CONNECT', 'data raw']);
    assert.equal(eventsOf(upgrade, { ignoreUpgrade: (token) => token === 'websocket' })[1], 'request :authority=a|:path=/|:method=GET|connection=keep-alive');
  });
});
