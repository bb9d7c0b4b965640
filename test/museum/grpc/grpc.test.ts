// gRPC and its translations under peers that lie. Verdicts are Envoy 1.40's unless a case says otherwise.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { answer, headerOf, leakCheck, statusOf } from '../../harness/index.ts';
import { filter, isEnvoy, Stand } from '../stand.ts';

after(leakCheck());

const STATS = filter('envoy.filters.http.grpc_stats', 'filters.http.grpc_stats.v3.FilterConfig', { stats_for_all_methods: true, emit_filter_state: true });
const WEB = filter('envoy.filters.http.grpc_web', 'filters.http.grpc_web.v3.GrpcWeb');
const CONNECT = filter('envoy.filters.http.connect_grpc_bridge', 'filters.http.connect_grpc_bridge.v3.FilterConfig');
const BRIDGE = filter('envoy.filters.http.grpc_http1_bridge', 'filters.http.grpc_http1_bridge.v3.Config', { upgrade_protobuf_to_grpc: true });
const REVERSE = filter('envoy.filters.http.grpc_http1_reverse_bridge', 'filters.http.grpc_http1_reverse_bridge.v3.FilterConfig', {
  content_type: 'application/x-protobuf', withhold_grpc_frames: true,
});

const post = (type: string, body: string, ...more: string[]): string =>
  ['POST /s.S/m HTTP/1.1', 'host: a', `content-type: ${type}`, `content-length: ${body.length}`, ...more, '', body].join('\r\n');

it('CVE-2026-47204: gRPC statistics of a request that has no cluster', () =>
  Stand.with({ filters: [STATS], routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'x' } } }] }, async (stand) => {
    const kinds = ['application/grpc', 'application/connect+proto', 'application/proto'];
    for (const type of kinds) {
      for (const version of [[], ['connect-protocol-version: 1']]) {
        const [response] = await stand.exchange(post(type, '\0\0\0\0\x01a', ...version));
        assert.equal(response === undefined ? 0 : statusOf(response), 200, type);
      }
    }
    const { body } = await stand.admin('/stats?filter=grpc%5B.%5D');
    assert.equal(body.trim(), '');
  }));

describe('text of the proxy in grpc-message', () => {
  it('no byte of it ends the header', () => {
    const text = '\r\ninjected: 1\r\n\r\nHTTP/1.1 200 OK\0\x7f%0d%0a';
    return Stand.with({ routes: [{ match: { prefix: '/' }, direct_response: { status: 403, body: { inline_string: text } } }] }, async (stand) => {
      const response = await stand.get('/', ['content-type: application/grpc']);
      assert.equal(headerOf(response, 'grpc-status'), '7');
      assert.equal(headerOf(response, 'grpc-message'), '%0D%0Ainjected: 1%0D%0A%0D%0AHTTP/1.1 200 OK%00%7F%250d%250a');
      assert.equal(headerOf(response, 'injected'), undefined);
    });
  });

  it('a foreign page of grpc_web neither', () =>
    Stand.with({ filters: [WEB], origin: { replies: [answer({ status: 500, body: 'a\r\nb: c\r\n\r\nd' })] } }, async (stand) => {
      const [response] = await stand.exchange(post('application/grpc-web', 'x'));
      assert.ok(response);
      assert.equal(headerOf(response, 'grpc-message'), 'a%0D%0Ab: c%0D%0A%0D%0Ad');
      assert.equal(headerOf(response, 'b'), undefined);
    }));
});

describe('lengths that lie', () => {
  const FOUR_GIGABYTES = '\0\xff\xff\xff\xff';
  const lying = answer({ headers: ['content-type: application/grpc'], body: `${FOUR_GIGABYTES}few` });

  it('no filter allocates what a frame only says', () =>
    Stand.with({ filters: [STATS, WEB, CONNECT], origin: { replies: [lying] } }, async (stand) => {
      const before = process.memoryUsage().rss;
      for (const type of ['application/grpc', 'application/grpc-web', 'application/connect+proto']) {
        const [response] = await stand.exchange(post(type, `${FOUR_GIGABYTES}few`, 'accept: application/grpc-web'));
        assert.equal(response === undefined ? 0 : statusOf(response), 200, type);
      }
      // Four requests of four claimed gigabytes; the bound is loose because the machine's other work counts too.
      if (!isEnvoy) assert.ok(process.memoryUsage().rss - before < 512 * 1_048_576);
    }));

  it('a message that is to be framed stops at the buffer limit', { skip: isEnvoy ? 'Envoy takes it, or waits for ever if it comes in parts' : false }, () =>
    Stand.with({ filters: [BRIDGE], listener: { per_connection_buffer_limit_bytes: 1_024 } }, async (stand) => {
      const [response] = await stand.exchange(post('application/x-protobuf', 'x'.repeat(5_000)));
      assert.ok(response);
      // The request is gRPC by then for the router, but came as something else: the answer is one of HTTP.
      assert.equal(statusOf(response), 413);
    }));

  it('a unary Connect message stops at the buffer limit', () =>
    Stand.with({ filters: [CONNECT], listener: { per_connection_buffer_limit_bytes: 1_024 } }, async (stand) => {
      const [response] = await stand.exchange(post('application/proto', 'x'.repeat(5_000), 'connect-protocol-version: 1'));
      assert.equal(response === undefined ? 0 : statusOf(response), 413);
    }));

  it('less than a frame header to the reverse bridge is an error, not a length below zero', { skip: isEnvoy ? 'Envoy counts down from 2^64' : false }, () =>
    Stand.with({ filters: [REVERSE] }, async (stand) => {
      for (const body of ['a', 'abcd']) {
        const [response] = await stand.exchange(post('application/grpc', body));
        assert.ok(response);
        assert.deepEqual([statusOf(response), headerOf(response, 'grpc-status')], [200, '2'], body);
      }
      // Whether the head has left when the body is refused is chance; a length that it says is none below zero.
      for (const request of stand.origin.requests()) assert.equal(headerOf(request, 'content-length') ?? '0', '0');
    }));
});

describe('statuses', () => {
  for (const status of ['-1', '17', '4294967296', '99999999999999999999999', 'NaN', '0x0', '٣', ' 0', '']) {
    it(`grpc-status ${JSON.stringify(status)} of an origin reaches the client, the log and the statistics`, () =>
      Stand.with({
        filters: [STATS], log: '%GRPC_STATUS%|%GRPC_STATUS(SNAKE_STRING)%|%GRPC_STATUS_NUMBER%\n',
        origin: { replies: [answer({ headers: ['content-type: application/grpc', `grpc-status: ${Buffer.from(status).toString('latin1')}`], body: '' })] },
      }, async (stand) => {
        const [response] = await stand.exchange(post('application/grpc', '\0\0\0\0\0'));
        assert.ok(response);
        assert.equal(headerOf(response, 'grpc-status'), Buffer.from(status.trim()).toString('latin1'));
        const [line] = await stand.logLines(1);
        assert.match(line ?? '', /^[^|]+\|[^|]+\|-?\d+$/);
        // An empty header field counts too; ' 0' is '0' on the wire.
        assert.equal(await stand.stat(`cluster.origin.grpc.s.S.m.${status.trim() === '0' ? 'success' : 'failure'}`), 1);
      }));
  }
});

it('base64 of grpc_web that never ends a group is held in three bytes', () =>
  Stand.with({ filters: [WEB] }, async (stand) => {
    const chunks = 'A'.repeat(997).split('').map((c) => `1\r\n${c}\r\n`).join('');
    const head = 'POST /s.S/m HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web-text\r\ntransfer-encoding: chunked\r\n\r\n';
    const [response] = await stand.exchange(`${head}${chunks}0\r\n\r\n`);
    assert.equal(response === undefined ? 0 : statusOf(response), 400);
  }));
