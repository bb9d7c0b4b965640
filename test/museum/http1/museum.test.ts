// The museum of HTTP/1: what has broken proxies before, at the level of the codec. End to end: end-to-end.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_HTTP1_CLIENT_SETTINGS, DEFAULT_HTTP1_SETTINGS, http1Settings } from '../../../src/codec/http1/index.ts';
import { ClientRun, ServerRun } from '../../../src/codec/http1/testing.ts';
import { HeaderMap } from '../../../src/contract/header-map.ts';
import { REQUEST_CASES } from './catalogue.ts';
import { MiniProxy } from './mini-proxy.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

function proxy(): MiniProxy {
  return new MiniProxy(DEFAULT_HTTP1_SETTINGS, DEFAULT_HTTP1_CLIENT_SETTINGS);
}

describe('requests', () => {
  for (const one of REQUEST_CASES) {
    it(`${one.id}: ${one.name}`, () => {
      const run = proxy();
      run.fromClient(one.send);
      if (one.origin !== undefined) {
        assert.equal(run.upstream.written, one.origin);
        assert.equal(run.closed, false);
        return;
      }
      const outcome = run.outcomes.at(-1);
      assert.equal(`${outcome?.status} ${outcome?.details}`, one.refused);
      assert.equal(run.closed, true, 'the connection is not used again');
      // Nothing but the head of the refused request may have left, and never another request.
      assert.ok(!/^GET \/evil/m.test(run.upstream.written), run.upstream.written);
      const before = run.outcomes.length;
      run.fromClient('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal(run.outcomes.length, before);
    });
  }

  it('desync-3: trailers that are passed on do not frame anything', () => {
    const settings = { enableTrailers: true };
    const run = new MiniProxy(http1Settings(settings), http1Settings(settings, DEFAULT_HTTP1_CLIENT_SETTINGS));
    run.fromClient('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: 1\r\nContent-Length: 9\r\n\r\n');
    assert.equal(run.upstream.written, 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nt: 1\r\ncontent-length: 9\r\n\r\n');
  });

  it('CVE-2020-8661: pipelined requests wait in a bounded place and the connection is paused', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000));
    assert.deepEqual([run.encoders.length, run.connection.readDisables], [1, 1]);
  });

  it('CVE-2020-12603: a body in tiny pieces costs one piece each and nothing is kept', () => {
    const run = new ServerRun().feed('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n', ...Array.from({ length: 1000 }, () => 'x'));
    assert.equal(run.log.events.at(-2), 'data ' + 'x'.repeat(1000));
  });

  it('desync-2, Pingora CVE-2025-4366: an answer before the body leaves a connection that cannot be taken for idle', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
    run.encoders[0].encodeHeaders(HeaderMap.of([':status', '413']), true);
    run.feed('GET /evil HTTP/1.1\r\nHost: e\r\n\r\n');
    assert.equal(run.encoders.length, 1, 'what follows is still its body');
    assert.equal(run.encoders[0].requestComplete, false);
  });

  it('CVE-2026-26311: after a reset no event comes', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    run.encoders[0].stream.resetStream(0);
    const seen = run.log.events.length;
    run.feed('3\r\nabc\r\nzz\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(run.log.events.length, seen);
  });

  it('desync-7, CVE-2024-23326: bytes behind an upgrade are never parsed as a request', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nGET /evil HTTP/1.1\r\nHost: e\r\n\r\n');
    assert.equal(run.encoders.length, 1);
    run.encoders[0].encodeHeaders(HeaderMap.of([':status', '200']), true);
    run.feed('GET /evil HTTP/1.1\r\nHost: e\r\n\r\n');
    assert.deepEqual([run.encoders.length, run.encoders[0].requestComplete], [1, false]);
  });
});

describe('responses', () => {
  const upgrade = HeaderMap.of([':authority', 'a'], [':path', '/'], [':method', 'GET'], ['connection', 'Upgrade'], ['upgrade', 'x']);

  /** Events of a response to a request, and whether the connection is of any more use. */
  const answer = (response: string, method = 'GET'): string[] => {
    const run = new ClientRun();
    run.get('/', method);
    return run.feed(response).log.events;
  };

  it('CVE-2024-23326: 200 does not switch protocols', () => {
    const run = new ClientRun();
    run.request(upgrade.clone(), false);
    run.feed(OK + 'Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nokraw');
    assert.ok(run.log.events.includes('data ok'));
    assert.equal(run.log.events.at(-1), 'error codec http1.codec_error');
  });

  const refused: [string, string, string][] = [
    ['desync-10', 'two content-lengths', OK + 'Content-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
    ['desync-10', 'both framing headers', OK + 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['desync-10', 'body on 204', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok'],
    ['desync-10', 'chunks on 204', 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['desync-10', 'bytes behind 304', 'HTTP/1.1 304 Not\r\nContent-Length: 2\r\n\r\nok'],
    ['desync-10', 'a second response', OK + 'Content-Length: 2\r\n\r\nok' + OK + '\r\n'],
    ['desync-10', 'endless 1xx', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1001)],
    ['desync-10', 'control character in a value', OK + 'X: a\0b\r\n\r\n'],
    ['desync-10', 'no status line', 'HELLO\r\n\r\n'],
    ['CVE-2022-32213', 'transfer-encoding nobody knows', OK + 'Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n'],
  ];
  for (const [id, name, response] of refused) {
    it(`${id}: ${name}`, () => assert.equal(answer(response).at(-1)?.startsWith('error codec http1.'), true));
  }

  it('desync-10: body on a HEAD response', () => {
    assert.equal(answer(OK + 'Content-Length: 2\r\n\r\nok', 'HEAD').at(-1), 'error codec http1.codec_error');
  });

  it('desync-10: chunks in HTTP/1.0 are chunks, and framed anew', () => {
    const run = proxy();
    run.fromClient('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    run.fromOrigin('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    assert.equal(run.downstream.written, 'HTTP/1.1 200 OK\r\nserver: envoy\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
  });

  it('CVE-2026-48931: a byte on an idle connection poisons it', () => {
    const run = new ClientRun();
    run.get();
    run.feed(OK + 'Content-Length: 0\r\n\r\n');
    run.feed('H');
    assert.equal(run.log.events.at(-1), 'error codec http1.codec_error');
  });

  it('desync-10: response splitting by a value is impossible', () => {
    const run = proxy();
    run.fromClient('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    run.fromOrigin(OK + 'Location: /x\rSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n');
    assert.equal(run.downstream.written.split('\r\n').filter((line) => line.startsWith('set-cookie')).length, 0);
  });

  it('CVE-2023-27491: what another protocol brings cannot become a second request', () => {
    for (const bad of ['GET / HTTP/1.1\r\nX: y', 'G T', 'GET\0']) {
      const run = new ClientRun();
      run.request(HeaderMap.of([':authority', 'a'], [':path', '/'], [':method', bad]));
      assert.deepEqual([run.connection.written, run.log.events.length], ['', 1]);
    }
    for (const path of ['/ HTTP/1.1\r\nX: y', '/a b', '/\0', '/\n']) {
      const run = new ClientRun();
      run.request(HeaderMap.of([':authority', 'a'], [':path', path], [':method', 'GET']));
      assert.deepEqual([run.connection.written, run.log.events.length], ['', 1]);
    }
  });
});
