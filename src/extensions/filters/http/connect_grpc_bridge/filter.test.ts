import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import { ConnectGrpcBridgeFilter } from './filter.ts';

function setUp() {
  const record = fakeFilterCallbacks();
  const filter = new ConnectGrpcBridgeFilter();
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  return { record, filter };
}

const UNARY: [string, string][] = [[':method', 'POST'], ['content-type', 'application/proto'], ['connect-protocol-version', '1']];
const STREAMING: [string, string][] = [[':method', 'POST'], ['content-type', 'application/connect+json']];

/** A stream whose request headers were `more`. */
function started(path: string, more: readonly [string, string][], endStream = false) {
  const set = setUp();
  const headers = testRequest(path, ...more, ['content-length', '3'], ['accept-encoding', 'br']);
  assert.equal(set.filter.decodeHeaders(headers, endStream), HEADERS_CONTINUE);
  return { ...set, headers };
}

const grpcResponse = (...more: [string, string][]) => HeaderMap.of([':status', '200'], ['content-type', 'application/grpc+proto'], ...more);

test('what is no Connect passes', () => {
  for (const more of [[['content-type', 'application/proto']], [['content-type', 'application/connect']], []] as [string, string][][]) {
    const { filter, headers, record } = started('/s/m?connect=v2', more);
    assert.equal(headers.get('content-length'), '3');
    assert.equal(filter.decodeData(Buffer.from('x'), false), DATA_CONTINUE);
    assert.equal(filter.encodeHeaders(grpcResponse(), false), HEADERS_CONTINUE);
    assert.equal(filter.encodeData(Buffer.from('x'), false), DATA_CONTINUE);
    assert.equal(filter.encodeTrailers(new HeaderMap()), TRAILERS_CONTINUE);
    assert.deepEqual([record.added, record.replaced], [[], null]);
  }
});

test('unary request: headers and frame', () => {
  const { filter, record, headers } = started('/s/m', [...UNARY, ['content-encoding', 'gzip'], ['connect-timeout-ms', '5000']]);
  assert.deepEqual(headers.entries().slice(5), [
    ['content-type', 'application/grpc+proto'], ['grpc-timeout', '5000m'], ['te', 'trailers'], ['grpc-encoding', 'gzip'], ['grpc-accept-encoding', 'br'],
  ]);
  assert.equal(filter.decodeData(Buffer.from('me'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(filter.decodeData(Buffer.from('ssage'), true), DATA_CONTINUE);
  assert.deepEqual(record.replaced, encodeGrpcFrame(Buffer.from('message'), 1));
});

test('unary request without a body, and one with trailers', () => {
  const empty = started('/s/m', UNARY, true);
  assert.deepEqual(empty.record.added, ['\0\0\0\0\0']);
  const trailers = started('/s/m', UNARY);
  trailers.filter.decodeData(Buffer.from('ab'), false);
  trailers.filter.decodeTrailers();
  assert.deepEqual(trailers.record.added, ['\0\0\0\0\x02ab']);
});

test('timeouts that gRPC cannot say stay', () => {
  for (const [value, expected] of [['soon', undefined], ['-1', undefined], ['360000000000000000', undefined], ['100000000', '100000S']] as const) {
    const { headers } = started('/s/m', [...UNARY, ['connect-timeout-ms', value]]);
    assert.equal(headers.get('grpc-timeout'), expected, value);
    assert.equal(headers.has('connect-timeout-ms'), expected === undefined);
  }
  const two = started('/s/m', [...UNARY, ['connect-timeout-ms', '1'], ['connect-timeout-ms', '2']]);
  assert.equal(two.headers.get('grpc-timeout'), '2m');
});

test('unary GET', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['connect=v1&encoding=proto&message=a%20b', '\0\0\0\0\x03a b', 'identity'],
    ['connect=v1&encoding=proto&message=YWI_&base64=1&compression=gzip', '\x01\0\0\0\x03ab?', 'gzip'],
    ['connect=v1&encoding=proto&message=YW*I&base64=1', '\0\0\0\0\0', 'identity'],
    ['connect=v1&encoding=proto', '\0\0\0\0\0', 'identity'],
  ];
  for (const [query, frame, encoding] of rows) {
    const { headers, record } = started(`/s/m?${query}`, [], true);
    assert.deepEqual([headers.get(':method'), headers.get(':path'), headers.get('content-type')], ['POST', '/s/m', 'application/grpc+proto']);
    assert.deepEqual([headers.get('grpc-encoding'), headers.get('grpc-accept-encoding'), headers.get('te')], [encoding, 'br', 'trailers']);
    assert.deepEqual(record.added, [frame], query);
  }
});

test('unary response: frame taken off, trailers into headers', () => {
  const frame = encodeGrpcFrame(Buffer.from('answer'));
  for (const step of [1, 4, 5, 6, frame.length]) {
    const { filter, record } = started('/s/m', UNARY);
    const headers = grpcResponse(['grpc-encoding', 'gzip'], ['content-length', '11'], ['trailer', 'x']);
    assert.equal(filter.encodeHeaders(headers, false), HEADERS_STOP_ITERATION);
    for (let at = 0; at < frame.length; at += step) {
      assert.equal(filter.encodeData(frame.subarray(at, at + step), false), DATA_STOP_ITERATION_NO_BUFFER);
    }
    const trailers = HeaderMap.of(['grpc-status', '0'], ['x-t', '1']);
    assert.equal(filter.encodeTrailers(trailers), TRAILERS_CONTINUE);
    assert.deepEqual(record.added, ['answer'], `pieces of ${step}`);
    assert.deepEqual(headers.entries(), [[':status', '200'], ['content-type', 'application/proto'], ['trailer-x-t', '1']]);
    assert.equal(trailers.size, 0);
  }
});

test('unary response: the encoding is that of the message', () => {
  const { filter } = started('/s/m', UNARY);
  const headers = grpcResponse(['grpc-encoding', 'gzip']);
  filter.encodeHeaders(headers, false);
  filter.encodeData(encodeGrpcFrame(Buffer.from('zip'), 1), false);
  filter.encodeTrailers(HeaderMap.of(['grpc-status', '0']));
  assert.equal(headers.get('content-encoding'), 'gzip');
});

test('unary errors', () => {
  const late = started('/s/m', UNARY);
  const headers = grpcResponse(['grpc-encoding', 'gzip']);
  late.filter.encodeHeaders(headers, false);
  late.filter.encodeData(encodeGrpcFrame(Buffer.from('half'), 1), false);
  late.filter.encodeTrailers(HeaderMap.of(['grpc-status', '5'], ['grpc-message', 'no']));
  assert.deepEqual(headers.entries(), [[':status', '404'], ['content-type', 'application/json']]);
  assert.deepEqual(late.record.added, ['{"code":"not_found","message":"no"}']);
  const early = started('/s/m', UNARY);
  const only = grpcResponse(['grpc-status', '14'], ['grpc-message', 'no'], ['x', '1']);
  assert.equal(early.filter.encodeHeaders(only, true), HEADERS_CONTINUE);
  assert.deepEqual(only.entries(), [[':status', '503'], ['content-type', 'application/json'], ['x', '1']]);
});

test('streaming: messages pass, the end is a message', () => {
  const { filter, record, headers } = started('/s/m', [...STREAMING, ['connect-content-encoding', 'gzip'], ['connect-accept-encoding', 'gzip']]);
  assert.equal(headers.get('content-type'), 'application/grpc+json');
  assert.deepEqual([headers.get('grpc-encoding'), headers.get('grpc-accept-encoding'), headers.get('accept-encoding')], ['gzip', 'gzip', 'br']);
  assert.equal(headers.has('content-length'), false);
  assert.equal(filter.decodeData(Buffer.from('x'), false), DATA_CONTINUE);
  const response = HeaderMap.of([':status', '200'], ['content-type', 'application/grpc+json'], ['grpc-encoding', 'gzip']);
  assert.equal(filter.encodeHeaders(response, false), HEADERS_CONTINUE);
  assert.deepEqual(response.entries(), [[':status', '200'], ['content-type', 'application/connect+json'], ['connect-content-encoding', 'gzip']]);
  assert.equal(filter.encodeData(Buffer.from('x'), false), DATA_CONTINUE);
  filter.encodeTrailers(HeaderMap.of(['grpc-status', '0'], ['x-t', '1']));
  assert.deepEqual(record.added, ['\x02\0\0\0\x1a{"metadata":{"x-t":["1"]}}']);
});

test('streaming: trailers only', () => {
  const { filter, record } = started('/s/m', STREAMING);
  const response = HeaderMap.of([':status', '200'], ['grpc-status', '12']);
  assert.equal(filter.encodeHeaders(response, true), HEADERS_CONTINUE);
  assert.deepEqual(response.entries(), [[':status', '200'], ['content-type', 'application/connect+proto']]);
  assert.equal(record.added[0].slice(5), '{"error":{"code":"unimplemented"}}');
});

test('a response that is no gRPC passes', () => {
  for (const more of [UNARY, STREAMING]) {
    const { filter, record } = started('/s/m', more);
    const response = HeaderMap.of([':status', '404'], ['content-type', 'text/html']);
    assert.equal(filter.encodeHeaders(response, false), HEADERS_CONTINUE);
    assert.equal(filter.encodeData(Buffer.from('page'), false), DATA_CONTINUE);
    assert.equal(filter.encodeTrailers(HeaderMap.of(['t', '1'])), TRAILERS_CONTINUE);
    assert.deepEqual([response.get('content-type'), record.added], ['text/html', []]);
  }
});

test('what is held is limited', () => {
  const request = setUp();
  request.record.bufferLimit = 4;
  request.filter.decodeHeaders(testRequest('/s/m', ...UNARY), false);
  assert.equal(request.filter.decodeData(Buffer.from('1234'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(request.record.replies.length, 0);
  assert.equal(request.filter.decodeData(Buffer.from('5'), true), DATA_STOP_ITERATION_NO_BUFFER);
  assert.deepEqual([request.record.replies[0].status, request.record.replies[0].details], [413, 'connect_bridge_unary_request_too_large']);
  const get = setUp();
  get.record.bufferLimit = 4;
  assert.equal(get.filter.decodeHeaders(testRequest('/s/m?connect=v1&message=12345'), true), HEADERS_STOP_ITERATION);
  assert.deepEqual([get.record.replies[0].status, get.record.added.length], [413, 0]);
  const response = started('/s/m', UNARY);
  response.record.bufferLimit = 4;
  response.filter.encodeHeaders(grpcResponse(), false);
  response.filter.encodeData(encodeGrpcFrame(Buffer.from('12345')), false);
  assert.deepEqual([response.record.replies[0].status, response.record.replies[0].details], [500, 'connect_bridge_unary_response_too_large']);
});
