import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import { PROTOCOL_HTTP2 } from '../../../../contract/stream-info.ts';
import { GrpcHttp1BridgeFilter } from './filter.ts';

function setUp(upgradeProtobuf = false, ignoreQuery = false) {
  const record = fakeFilterCallbacks();
  const filter = new GrpcHttp1BridgeFilter({ upgradeProtobuf, ignoreQuery });
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  return { record, filter };
}

const request = (type: string, path = '/s.S/m') => testRequest(path, [':method', 'POST'], ['content-type', type], ['content-length', '7']);
const response = () => HeaderMap.of([':status', '200'], ['content-type', 'application/grpc']);

/** A stream that bridges gRPC, its response headers held. */
function bridging() {
  const set = setUp();
  set.filter.decodeHeaders(request('application/grpc'));
  const headers = response();
  assert.equal(set.filter.encodeHeaders(headers, false), HEADERS_STOP_ITERATION);
  return { ...set, headers };
}

test('what is no gRPC, or not HTTP/1, passes', () => {
  for (const [type, protocol] of [['text/plain', 1], ['application/grpc', PROTOCOL_HTTP2], ['application/x-protobuf', 1]] as const) {
    const { filter, record } = setUp();
    record.streamInfo.protocol = protocol;
    const headers = request(type);
    filter.decodeHeaders(headers);
    assert.equal(headers.get('content-length'), '7');
    assert.equal(filter.decodeData(Buffer.from('x'), true), DATA_CONTINUE);
    assert.equal(filter.encodeHeaders(response(), false), HEADERS_CONTINUE);
    assert.equal(filter.encodeData(Buffer.from('x'), false), DATA_CONTINUE);
    assert.equal(filter.encodeTrailers(HeaderMap.of(['grpc-status', '1'])), TRAILERS_CONTINUE);
    assert.equal(record.replaced, null);
  }
});

test('trailers go into the headers', () => {
  const rows: readonly (readonly [string, string])[] = [['0', '200'], ['5', '503'], ['abc', '503'], ['', '503']];
  for (const [status, http] of rows) {
    const { filter, record, headers } = bridging();
    assert.equal(filter.encodeData(Buffer.from('abc'), false), DATA_STOP_ITERATION_AND_BUFFER);
    record.held = Buffer.from('abc');
    assert.equal(filter.encodeTrailers(HeaderMap.of(['grpc-status', status], ['grpc-message', 'm'])), TRAILERS_CONTINUE);
    assert.equal(headers.get(':status'), http, status);
    assert.equal(headers.get('grpc-status'), status);
    assert.equal(headers.get('grpc-message'), 'm');
    assert.equal(headers.get('content-length'), '3');
  }
});

test('trailers without a status leave the headers', () => {
  const { filter, headers } = bridging();
  filter.encodeTrailers(HeaderMap.of(['x', '1']));
  assert.equal(headers.get(':status'), '200');
  assert.equal(headers.has('grpc-status'), false);
  assert.equal(headers.get('content-length'), '0');
});

test('responses that end without trailers pass', () => {
  const { filter } = bridging();
  assert.equal(filter.encodeData(Buffer.from('x'), true), DATA_CONTINUE);
  const only = setUp();
  only.filter.decodeHeaders(request('application/grpc'));
  assert.equal(only.filter.encodeHeaders(response(), true), HEADERS_CONTINUE);
});

test('the query is dropped if asked for, of bridged requests only', () => {
  const path = (type: string): string | undefined => {
    const headers = request(type, '/s.S/m?a=b');
    setUp(false, true).filter.decodeHeaders(headers);
    return headers.get(':path');
  };
  assert.equal(path('application/grpc'), '/s.S/m');
  assert.equal(path('application/json'), '/s.S/m?a=b');
});

test('a bare message is framed', () => {
  const { filter, record } = setUp(true);
  const headers = request('application/x-protobuf');
  filter.decodeHeaders(headers);
  assert.equal(headers.get('content-type'), 'application/grpc');
  assert.equal(headers.has('content-length'), false);
  assert.equal(record.routeCacheCleared, 1);
  assert.equal(filter.decodeData(Buffer.from('hello'), true), DATA_CONTINUE);
  assert.deepEqual(record.replaced, encodeGrpcFrame(Buffer.from('hello')));
});

test('a bare message in pieces is held behind room for its header', () => {
  for (const trailers of [false, true]) {
    const { filter, record } = setUp(true);
    filter.decodeHeaders(request('application/x-protobuf'));
    assert.equal(filter.decodeData(Buffer.from('he'), false), DATA_STOP_ITERATION_AND_BUFFER);
    record.held = record.replaced;
    assert.equal(record.held?.length, 7);
    if (trailers) filter.decodeTrailers();
    else assert.equal(filter.decodeData(Buffer.from('llo'), true), DATA_CONTINUE);
    assert.deepEqual([...record.held.subarray(0, 5)], [0, 0, 0, 0, trailers ? 2 : 5]);
  }
});

test('a body without bytes stays one', () => {
  const { filter, record } = setUp(true);
  filter.decodeHeaders(request('application/x-protobuf'));
  assert.equal(filter.decodeData(Buffer.alloc(0), true), DATA_CONTINUE);
  assert.equal(record.replaced, null);
});

test('the answer to a bare message loses its frame header, however it is cut', () => {
  const frame = encodeGrpcFrame(Buffer.from('answer'));
  for (const step of [1, 3, 5, 6, frame.length]) {
    const { filter, record } = setUp(true);
    filter.decodeHeaders(request('application/x-protobuf'));
    filter.encodeHeaders(response(), false);
    let out = '';
    for (let at = 0; at < frame.length; at += step) {
      const part = frame.subarray(at, at + step);
      record.replaced = null;
      assert.equal(filter.encodeData(part, false), DATA_STOP_ITERATION_AND_BUFFER);
      out += String((record.replaced ?? part).toString());
    }
    assert.equal(out, 'answer', `pieces of ${step}`);
  }
});
