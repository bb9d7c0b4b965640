import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import { FakeScope } from '../../../../common/testing/fake-context.ts';
import { fakeCluster, fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import { GrpcWebFilter } from './filter.ts';

const WEB = 'application/grpc-web';
const TEXT = 'application/grpc-web-text';

function setUp() {
  const record = fakeFilterCallbacks();
  const scope = new FakeScope();
  record.cluster = fakeCluster('c', scope);
  const filter = new GrpcWebFilter();
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  return { record, filter, stat: (name: string) => scope.value(`cluster.c.grpc-web.${name}`) };
}

/** A stream whose request was gRPC-Web of `type`. */
function started(type = WEB, ...more: [string, string][]) {
  const set = setUp();
  const headers = testRequest('/s.S/M', [':method', 'POST'], ['content-type', type], ['content-length', '9'], ...more);
  assert.equal(set.filter.decodeHeaders(headers), HEADERS_CONTINUE);
  return { ...set, headers };
}

const grpcResponse = (...more: [string, string][]) => HeaderMap.of([':status', '200'], ['content-type', 'application/grpc'], ...more);

test('other requests pass untouched', () => {
  for (const type of ['application/grpc', 'application/grpc-web+json', 'application/grpc-web; charset=utf-8', 'text/plain']) {
    const { filter, record } = setUp();
    const headers = testRequest('/s.S/M', ['content-type', type], ['content-length', '1']);
    const before = headers.entries();
    filter.decodeHeaders(headers);
    assert.deepEqual(headers.entries(), before);
    assert.equal(filter.decodeData(Buffer.from('a'), true), DATA_CONTINUE);
    const response = HeaderMap.of([':status', '500'], ['content-type', 'text/html']);
    assert.equal(filter.encodeHeaders(response, false), HEADERS_CONTINUE);
    assert.equal(response.get('content-type'), 'text/html');
    assert.equal(filter.encodeData(Buffer.from('a'), true), DATA_CONTINUE);
    assert.equal(filter.encodeTrailers(new HeaderMap()), TRAILERS_CONTINUE);
    assert.equal(record.replaced, null);
  }
});

test('the request becomes gRPC', () => {
  for (const type of [WEB, `${WEB}+proto`, TEXT, `${TEXT}+proto`]) {
    const { headers } = started(type);
    assert.equal(headers.get('content-type'), 'application/grpc');
    assert.equal(headers.has('content-length'), false);
    assert.equal(headers.get('te'), 'trailers');
    assert.equal(headers.get('grpc-accept-encoding'), 'identity');
  }
  assert.equal(started(WEB, ['grpc-accept-encoding', 'gzip']).headers.get('grpc-accept-encoding'), 'gzip');
});

test('binary bodies pass, trailers become the last frame', () => {
  const { filter, record, stat } = started();
  assert.equal(filter.decodeData(Buffer.from('abc'), true), DATA_CONTINUE);
  const response = grpcResponse(['content-length', '3']);
  assert.equal(filter.encodeHeaders(response, false), HEADERS_CONTINUE);
  assert.equal(response.get('content-type'), 'application/grpc-web+proto');
  assert.equal(response.has('content-length'), false);
  assert.equal(filter.encodeData(Buffer.from('abc'), false), DATA_CONTINUE);
  assert.equal(record.replaced, null);
  const trailers = HeaderMap.of(['grpc-status', '0'], ['x-a', 'b']);
  assert.equal(filter.encodeTrailers(trailers), TRAILERS_CONTINUE);
  assert.deepEqual(record.added, ['\x80\0\0\0\x16grpc-status:0\r\nx-a:b\r\n']);
  assert.equal(trailers.size, 0);
  assert.deepEqual([stat('s.S.M.0'), stat('s.S.M.success'), stat('s.S.M.total'), stat('s.S.M.failure')], [1, 1, 1, 0]);
});

test('text: the request is decoded in whatever pieces it comes', () => {
  const frame = encodeGrpcFrame(Buffer.from('hello'));
  const text = frame.toString('base64');
  for (const step of [1, 3, 4, 5, text.length]) {
    const { filter, record } = started(TEXT);
    let out = '';
    for (let at = 0; at < text.length; at += step) {
      record.replaced = null;
      const status = filter.decodeData(Buffer.from(text.slice(at, at + step)), at + step >= text.length);
      if (status === DATA_CONTINUE) out += String((record.replaced as Buffer | null)?.toString('latin1'));
    }
    assert.equal(out, frame.toString('latin1'), `pieces of ${step}`);
    assert.equal(record.replies.length, 0);
  }
});

test('text: an empty end passes, a broken one is refused', () => {
  const fine = started(TEXT);
  assert.equal(fine.filter.decodeData(Buffer.from('YWJj'), false), DATA_CONTINUE);
  assert.equal(fine.filter.decodeData(Buffer.alloc(0), true), DATA_CONTINUE);
  const rows: readonly (readonly [string, boolean, string])[] = [
    ['YWJ', true, 'grpc_base_64_decode_failed_bad_size'], ['YWJjY', true, 'grpc_base_64_decode_failed_bad_size'],
    ['YW-j', true, 'grpc_base_64_decode_failed'], ['YW-j', false, 'grpc_base_64_decode_failed'], ['Y===', false, 'grpc_base_64_decode_failed'],
  ];
  for (const [text, end, details] of rows) {
    const { filter, record } = started(TEXT);
    assert.equal(filter.decodeData(Buffer.from(text), end), DATA_STOP_ITERATION_NO_BUFFER);
    const reply = record.replies[0];
    assert.deepEqual([reply.status, reply.body, reply.details], [400, 'Bad gRPC-web request, invalid base64 data.', details], text);
  }
});

test('text: frames and trailers of the response are base64 each', () => {
  const { filter, record } = started(TEXT, ['accept', TEXT]);
  const response = grpcResponse();
  filter.encodeHeaders(response, false);
  assert.equal(response.get('content-type'), 'application/grpc-web-text+proto');
  assert.equal(filter.encodeData(Buffer.from([0]), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(filter.encodeData(Buffer.from('\0\0\0\x02ab'), false), DATA_CONTINUE);
  assert.equal(record.replaced?.toString(), Buffer.from('\0\0\0\0\x02ab').toString('base64'));
  filter.encodeTrailers(HeaderMap.of(['grpc-status', '7']));
  assert.deepEqual(record.added, [Buffer.from('\x80\0\0\0\x0fgrpc-status:7\r\n', 'latin1').toString('base64')]);
});

test('text: a response that ends without trailers ends', () => {
  const { filter } = started(TEXT, ['accept', TEXT]);
  filter.encodeHeaders(grpcResponse(), false);
  assert.equal(filter.encodeData(Buffer.alloc(0), true), DATA_CONTINUE);
});

test('a trailers-only response passes with its headers', () => {
  const { filter, stat } = started();
  const response = grpcResponse(['grpc-status', '5'], ['grpc-message', 'no']);
  assert.equal(filter.encodeHeaders(response, true), HEADERS_CONTINUE);
  assert.equal(response.get('content-type'), 'application/grpc-web+proto');
  assert.equal(response.get('grpc-message'), 'no');
  assert.deepEqual([stat('s.S.M.5'), stat('s.S.M.failure')], [1, 1]);
});

test('an upstream that speaks gRPC-Web is let through', () => {
  for (const type of ['application/grpc-web+proto', 'application/GRPC-web ; x=y']) {
    const { filter } = started();
    assert.equal(filter.encodeHeaders(HeaderMap.of([':status', '200'], ['content-type', type]), false), HEADERS_CONTINUE);
  }
});

test('a foreign response becomes status and message', () => {
  const { filter, record } = started();
  const response = HeaderMap.of([':status', '503'], ['content-type', 'text/plain'], ['content-length', '9']);
  assert.equal(filter.encodeHeaders(response, false), HEADERS_STOP_ITERATION);
  assert.equal(filter.encodeData(Buffer.from('not %\n'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(filter.encodeData(Buffer.from('now'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(filter.encodeData(Buffer.alloc(0), true), DATA_CONTINUE);
  assert.equal(record.replaced?.length, 0);
  assert.deepEqual(response.entries(), [
    [':status', '503'], ['content-type', 'application/grpc-web+proto'], ['grpc-message', 'not %25%0Anow'], ['grpc-status', '14'], ['content-length', '0'],
  ]);
});

test('of a foreign response in parts 16 KiB are kept, of one piece all', () => {
  const long = Buffer.alloc(20_000, 0x61);
  const parts = started();
  const response = HeaderMap.of([':status', '404']);
  parts.filter.encodeHeaders(response, false);
  parts.filter.encodeData(long, false);
  parts.filter.encodeData(long, true);
  assert.equal(response.get('grpc-message')?.length, 16_384);
  assert.equal(response.get('grpc-status'), '12');
  const whole = started();
  const reply = HeaderMap.of([':status', '200']);
  whole.filter.encodeHeaders(reply, false);
  whole.filter.encodeData(long, true);
  assert.equal(reply.get('grpc-message')?.length, 20_000);
  assert.equal(reply.get('grpc-status'), '2');
});

test('a foreign response with trailers keeps them', () => {
  const { filter, record } = started();
  const response = HeaderMap.of([':status', '200'], ['content-type', 'text/plain']);
  filter.encodeHeaders(response, false);
  filter.encodeData(Buffer.from('x'), false);
  const trailers = HeaderMap.of(['t', '1']);
  assert.equal(filter.encodeTrailers(trailers), TRAILERS_CONTINUE);
  assert.equal(trailers.size, 1);
  assert.equal(response.get('grpc-message'), 'x');
  assert.deepEqual(record.added, []);
});

test('without a cluster, or without a method in the path, nothing is counted', () => {
  const lost = setUp();
  lost.record.cluster = null;
  lost.filter.decodeHeaders(testRequest('/s/m', ['content-type', WEB]));
  assert.equal(lost.filter.encodeHeaders(grpcResponse(['grpc-status', '0']), true), HEADERS_CONTINUE);
  const odd = setUp();
  odd.filter.decodeHeaders(testRequest('/only', ['content-type', WEB]));
  odd.filter.encodeHeaders(grpcResponse(['grpc-status', '0']), true);
  assert.equal(odd.stat('total'), 0);
});
