import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESET_CONNECTION_TERMINATION, RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE, RESET_LOCAL_RESET, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { DEFAULT_HTTP1_CLIENT_SETTINGS, http1Settings, KEY_FORMAT_PRESERVE_CASE, KEY_FORMAT_PROPER_CASE } from './settings.ts';
import type { Http1Settings } from './settings.ts';
import { ClientRun } from './testing.ts';

function client(changes: Partial<Http1Settings> = {}): ClientRun {
  return new ClientRun(http1Settings(changes, DEFAULT_HTTP1_CLIENT_SETTINGS));
}

interface Options {
  readonly method?: string;
  /** The origin closes after the bytes. */
  readonly close?: boolean;
  readonly changes?: Partial<Http1Settings>;
}

/** Events of a response to a GET; the same for every cut. */
function eventsOf(input: string, options: Options = {}): string[] {
  const run = (pieces: readonly Buffer[]): string[] => {
    const one = client(options.changes);
    one.get('/', options.method ?? 'GET');
    one.feed(...pieces);
    if (options.close === true) one.close();
    return one.log.events;
  };
  const bytes = Buffer.from(input, 'latin1');
  const whole = run([bytes]);
  for (let at = 1; at < bytes.length; at++) assert.deepEqual(comparable(run([bytes.subarray(0, at), bytes.subarray(at)])), comparable(whole), `cut at ${at}`);
  assert.deepEqual(comparable(run(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))), comparable(whole), 'byte by byte');
  return whole;
}

function comparable(events: readonly string[]): string[] {
  return events.some((event) => event.startsWith('error')) ? events.filter((event) => !event.startsWith('data')) : [...events];
}

const OK = 'HTTP/1.1 200 OK\r\n';

describe('responses to a client', () => {
  it('reads each way of framing', () => {
    assert.deepEqual(eventsOf(OK + 'Content-Length: 5\r\n\r\nhello'), ['response :status=200|content-length=5', 'data hello', 'end']);
    assert.deepEqual(eventsOf(OK + 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n').slice(1), ['data hello', 'end']);
    assert.deepEqual(eventsOf(OK + '\r\nhello', { close: true }), ['response :status=200', 'data hello', 'end']);
    assert.deepEqual(eventsOf(OK + 'Content-Length: 0\r\n\r\n'), ['response :status=200|content-length=0', 'end']);
    assert.deepEqual(eventsOf('HTTP/1.0 200 OK\r\n\r\nhello', { close: true }).slice(1), ['data hello', 'end']);
  });

  it('knows responses without a body', () => {
    assert.deepEqual(eventsOf(OK + 'Content-Length: 5\r\n\r\n', { method: 'HEAD' }), ['response :status=200|content-length=5', 'end']);
    assert.deepEqual(eventsOf(OK + 'Transfer-Encoding: chunked\r\n\r\n', { method: 'HEAD' }), ['response :status=200|transfer-encoding=chunked', 'end']);
    assert.deepEqual(eventsOf('HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n'), ['response :status=204', 'end']);
    assert.deepEqual(eventsOf('HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n'), ['response :status=304|content-length=5', 'end']);
  });

  it('passes informational responses on, those that have a meaning', () => {
    const events = eventsOf('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 150 ?\r\n\r\n' + OK + 'Content-Length: 0\r\n\r\n');
    assert.deepEqual(events, ['informational :status=100', 'informational :status=103|link=x', 'response :status=200|content-length=0', 'end']);
  });

  it('ends an endless row of informational responses', () => {
    const one = client();
    one.get();
    one.feed('HTTP/1.1 103 E\r\n\r\n'.repeat(1001));
    assert.equal(one.log.events.at(-1), 'error codec http1.codec_error');
  });

  it('gives trailers when they are enabled', () => {
    const input = OK + 'Transfer-Encoding: chunked\r\n\r\n0\r\ngrpc-status: 1\r\ngrpc-status: 2\r\nX: y\r\n\r\n';
    assert.deepEqual(eventsOf(input, { changes: { enableTrailers: true } }).slice(1), ['trailers grpc-status=1,2|x=y', 'end']);
    assert.deepEqual(eventsOf(input).slice(1), ['end']);
  });

  it('refuses what two readers could frame differently', () => {
    for (const input of [
      OK + 'Content-Length: 2\r\nContent-Length: 2\r\n\r\nok',
      OK + 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      OK + 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      OK + 'Transfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n',
      'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n',
      'HTTP/1.1 2x0 OK\r\n\r\n',
      '\r\n' + OK + '\r\n',
      'ICY 200 OK\r\n\r\n',
    ]) {
      assert.ok(eventsOf(input).at(-1)?.startsWith('error codec http1.'), input);
    }
  });

  it('calls a response that is cut off an error of the peer, and none a termination', () => {
    assert.deepEqual(eventsOf(OK + 'Content-Length: 5\r\n\r\nhe', { close: true }).slice(-2), [`reset ${RESET_PROTOCOL_ERROR}`, 'error codec http1.codec_error']);
    assert.deepEqual(eventsOf('HTTP/1.1 2', { close: true }), [`reset ${RESET_PROTOCOL_ERROR}`, 'error codec http1.codec_error']);
    const one = client();
    one.get();
    one.close();
    assert.deepEqual(one.log.events, [`reset ${RESET_CONNECTION_TERMINATION}`]);
  });

  it('does not mistake what follows a response for the next one', () => {
    assert.equal(eventsOf(OK + 'Content-Length: 2\r\n\r\nok' + OK + '\r\n').at(-1), 'error codec http1.codec_error');
    const idle = client();
    idle.feed(OK + 'Content-Length: 0\r\n\r\n');
    assert.deepEqual(idle.log.events, ['error codec http1.codec_error']);
    const goodbye = client();
    goodbye.feed('HTTP/1.1 408 Request Timeout\r\n\r\n');
    assert.deepEqual(goodbye.log.events, ['error goaway http1.codec_error']);
    const short = client();
    short.feed('H');
    assert.deepEqual(short.log.events, ['error codec http1.codec_error']);
  });

  it('resets a stream whose response ends before its request', () => {
    const one = client();
    const encoder = one.request(HeaderMap.of([':authority', 'a'], [':path', '/'], [':method', 'POST']), false);
    one.feed('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n');
    assert.deepEqual(one.log.events.slice(1), ['end', `reset ${RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE}`]);
    encoder.encodeData(Buffer.from('x'), true);
    assert.ok(!one.connection.written.endsWith('x\r\n0\r\n\r\n'), 'nothing is written after a reset');
  });

  it('calls nothing after a local reset', () => {
    const one = client();
    const encoder = one.get();
    encoder.stream.resetStream(RESET_LOCAL_RESET);
    encoder.stream.resetStream(RESET_LOCAL_RESET);
    one.feed(OK + 'Content-Length: 0\r\n\r\n');
    one.close();
    assert.deepEqual(one.log.events, [`reset ${RESET_LOCAL_RESET}`]);
  });
});

describe('requests of a client', () => {
  const written = (headers: HeaderMap, body: string | null, changes: Partial<Http1Settings> = {}): string => {
    const one = client(changes);
    const encoder = one.request(headers, body === null);
    if (body !== null) encoder.encodeData(Buffer.from(body), true);
    assert.deepEqual(one.log.events, []);
    return one.connection.written;
  };
  const of = (method: string, ...more: [string, string][]): HeaderMap => HeaderMap.of([':authority', 'a'], [':path', '/p'], [':method', method], ...more);

  it('frames them', () => {
    assert.equal(written(of('GET', [':scheme', 'http'], ['x', 'y']), null), 'GET /p HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n');
    assert.equal(written(of('POST'), null), 'POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n');
    assert.equal(written(of('POST'), 'ok'), 'POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    assert.equal(written(of('GET', ['content-length', '2']), 'ok'), 'GET /p HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nok');
    assert.equal(written(of('POST', ['transfer-encoding', 'gzip']), 'ok'), written(of('POST'), 'ok'));
    assert.match(written(of('GET', [':scheme', 'https']), null, { sendFullyQualifiedUrl: true }), /^GET https:\/\/a\/p HTTP\/1\.1\r\n/);
    assert.match(written(of('GET', ['x-a', 'y']), null, { headerKeyFormat: KEY_FORMAT_PROPER_CASE }), /\r\nHost: a\r\nX-A: y\r\n/);
  });

  it('writes names as their message remembers them, whatever the settings', () => {
    const one = client({ headerKeyFormat: KEY_FORMAT_PRESERVE_CASE, forwardReasonPhrase: true });
    let seen: HeaderMap | null = null;
    one.decodeHeaders = (headers) => (seen = headers);
    one.get();
    one.feed('HTTP/1.1 200 Fine\r\nX-FOO: 1\r\nContent-Length: 0\r\n\r\n');
    const formatter = (seen as HeaderMap | null)?.keyFormatter;
    assert.deepEqual([formatter?.format('x-foo'), formatter?.format('x-bar'), formatter?.reasonPhrase], ['X-FOO', 'x-bar', 'Fine']);
  });

  it('takes no bare CR into a reason phrase that is passed on', () => {
    const one = client({ headerKeyFormat: KEY_FORMAT_PRESERVE_CASE, forwardReasonPhrase: true });
    let phrase: string | undefined;
    one.decodeHeaders = (headers) => (phrase = headers.keyFormatter?.reasonPhrase);
    one.get();
    one.feed('HTTP/1.1 200 OK\rX-Evil: 1\r\nContent-Length: 0\r\n\r\n');
    assert.equal(phrase, 'OKX-Evil: 1');
  });

  it('refuses what would be another request, and writes nothing', () => {
    const refused: [HeaderMap, string][] = [
      [HeaderMap.of([':path', '/'], [':authority', 'a']), 'missing required header: :method'],
      [HeaderMap.of([':method', 'GET'], [':authority', 'a']), 'missing required header: :path'],
      [HeaderMap.of([':method', 'CONNECT']), 'missing required header: :authority'],
      [of('GET', ['x', 'a\r\nHost: b']), 'invalid header value for: x'],
      [of('GET', ['x', 'a\0']), 'invalid header value for: x'],
      [of('GET', ['x y', 'a']), 'invalid header name: x y'],
      [of('GET', ['x\r\nz', 'a']), 'invalid header name: x\\r\\nz'],
      [of('GET', ['x', '\u0119']), 'invalid header value for: x'],
      [HeaderMap.of([':method', 'GET'], [':path', '/ HTTP/1.1'], [':authority', 'a']), 'invalid header value for: :path'],
      [HeaderMap.of([':method', 'GET / HTTP/1.1'], [':path', '/'], [':authority', 'a']), 'invalid header value for: :method'],
      [HeaderMap.of([':method', 'GET'], [':path', '/'], [':authority', 'a\r\nb']), 'invalid header value for: :authority'],
    ];
    // Again and again: what is remembered of fine requests, here with the same names at the same places, must not let one pass.
    const fine = [of('GET', ['x', 'a']), HeaderMap.of([':method', 'GET'], [':path', '/'], [':authority', 'a']), of('GET', ['x', 'a'.repeat(200)])];
    for (const [headers, why] of [...refused, ...refused, ...refused]) {
      for (const each of fine) assert.deepEqual(eventsOfRequest(each), []);
      const one = client();
      one.request(headers);
      assert.deepEqual([one.log.events, one.connection.written], [['refused ' + why], '']);
    }
  });
});

describe('remembered fields', () => {
  it('are written as they are, whatever came before, and metered', () => {
    const fields = (agent: string, names: readonly [string, string]): HeaderMap =>
      HeaderMap.of([':authority', 'a'], [':path', '/'], [':method', 'GET'], ['user-agent', agent], [names[0], 'v'], ['transfer-encoding', 'chunked'], [names[1], agent]);
    const text = (agent: string, names: readonly [string, string]): string =>
      `GET / HTTP/1.1\r\nhost: a\r\nuser-agent: ${agent}\r\n${names[0]}: v\r\n${names[1]}: ${agent}\r\n\r\n`;
    const kinds: [string, readonly [string, string]][] = [['one', ['x', 'y']], ['two', ['x', 'y']], ['one', ['y', 'x']], ['', ['x', 'z']], ['\u00e9'.repeat(3), ['x', 'y']], ['w'.repeat(300), ['x', 'y']]];
    for (const times of [1, 30, 2, 12]) {
      for (const [agent, names] of kinds) {
        for (let i = 0; i < times; i++) {
          const one = client();
          // Strings of its own, as those that were read from a peer.
          const encoder = one.request(fields(Buffer.from(agent, 'latin1').toString('latin1'), names));
          const expected = text(agent, names);
          assert.equal(one.connection.take(), expected);
          assert.equal(encoder.stream.bytesMeter.headerBytesSent, expected.length - 'GET / HTTP/1.1\r\n\r\n'.length);
        }
      }
    }
  });
});

function eventsOfRequest(request: HeaderMap): string[] {
  const one = client();
  one.request(request);
  return one.log.events;
}

describe('upgrades of a client', () => {
  const upgrade = HeaderMap.of([':authority', 'a'], [':path', '/'], [':method', 'GET'], ['connection', 'Upgrade'], ['upgrade', 'websocket']);
  const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it('hands raw bytes over, both ways, after the switch', () => {
    const one = client();
    const encoder = one.request(upgrade, false);
    assert.ok(one.connection.take().endsWith('\r\nupgrade: websocket\r\n\r\n'));
    one.feed(SWITCH + 'raw');
    encoder.encodeData(Buffer.from('more'), false);
    one.feed('HTTP/1.1 200 OK\r\n\r\n');
    assert.equal(one.connection.take(), 'more');
    assert.deepEqual(one.log.events.slice(1), ['data rawHTTP/1.1 200 OK\r\n\r\n']);
  });

  it('cannot be used again after an upgrade that was refused', () => {
    const one = client();
    one.request(upgrade, false);
    one.feed('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    assert.equal(one.log.events.at(-1), `reset ${RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE}`);
  });

  it('only 101 with its headers switches', () => {
    const one = client();
    one.request(upgrade, false);
    one.feed('HTTP/1.1 101 Switching Protocols\r\n\r\nraw');
    assert.equal(one.log.events.at(-1), 'error codec http1.codec_error');
    const plain = client();
    plain.get();
    plain.feed(SWITCH + 'raw');
    assert.equal(plain.log.events.at(-1), 'error codec http1.codec_error');
  });

  it('tunnels CONNECT on any 2xx, and half-closes at its end', () => {
    const one = client();
    const encoder = one.request(HeaderMap.of([':authority', 'h:1'], [':method', 'CONNECT']), false);
    assert.equal(one.connection.take(), 'CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n');
    one.feed('HTTP/1.1 200 OK\r\n\r\nraw');
    encoder.encodeData(Buffer.from('up'), true);
    assert.deepEqual([one.connection.take(), one.connection.endedWrite], ['up', true]);
    assert.deepEqual(one.log.events, ['response :status=200', 'data raw']);
  });
});
