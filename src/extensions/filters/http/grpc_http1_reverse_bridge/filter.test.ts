import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION,
  TRAILERS_CONTINUE, TRAILERS_STOP_ITERATION,
} from '../../../../contract/status.ts';
import { ReverseBridgeFilter } from './filter.ts';

const PROTO = 'application/x-protobuf';

function setUp(withholdFrames: boolean, sizeHeader = '', perFilter: readonly object[] = []) {
  const record = fakeFilterCallbacks();
  record.perFilter = perFilter;
  const filter = new ReverseBridgeFilter({ contentType: PROTO, withholdFrames, sizeHeader });
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  const headers = testRequest('/s.S/m', [':method', 'POST'], ['content-type', 'application/grpc+proto'], ['content-length', '12'], ['accept', 'x']);
  return { record, filter, headers };
}

/** A stream with its request decoded. */
function started(withholdFrames: boolean, sizeHeader = '') {
  const set = setUp(withholdFrames, sizeHeader);
  assert.equal(set.filter.decodeHeaders(set.headers, false), HEADERS_CONTINUE);
  return set;
}

const response = (...more: [string, string][]) => HeaderMap.of([':status', '200'], ['content-type', PROTO], ...more);

test('content types are exchanged', () => {
  const { filter, headers, record } = started(false);
  assert.equal(headers.get('content-type'), PROTO);
  assert.equal(headers.get('accept'), PROTO);
  assert.equal(headers.get('content-length'), '12');
  assert.equal(record.routeCacheCleared, 1);
  const answer = response();
  assert.equal(filter.encodeHeaders(answer, false), HEADERS_CONTINUE);
  assert.equal(answer.get('content-type'), 'application/grpc+proto');
});

test('no body, another type or a route that says so: nothing is done', () => {
  const off = setUp(true, '', [{ disabled: true }]);
  off.filter.decodeHeaders(off.headers, false);
  const empty = setUp(true);
  empty.filter.decodeHeaders(empty.headers, true);
  const other = setUp(true);
  other.headers.set('content-type', 'application/grpc-web');
  other.filter.decodeHeaders(other.headers, false);
  for (const { filter, headers, record } of [off, empty, other]) {
    assert.equal(headers.get('accept'), 'x');
    assert.equal(filter.decodeData(Buffer.from('a'), true), DATA_CONTINUE);
    assert.equal(filter.encodeHeaders(HeaderMap.of([':status', '500']), false), HEADERS_CONTINUE);
    assert.equal(filter.encodeData(Buffer.from('a'), true), DATA_CONTINUE);
    assert.equal(filter.encodeTrailers(new HeaderMap()), TRAILERS_CONTINUE);
    assert.deepEqual([record.replaced, record.addedTrailers, record.replies.length], [null, null, 0]);
  }
});

test('the HTTP status becomes grpc-status in trailers', () => {
  for (const [http, grpc] of [['200', '0'], ['404', '12'], ['204', '2'], ['503', '14']] as const) {
    const { filter, record } = started(false);
    const answer = response();
    answer.set(':status', http);
    filter.encodeHeaders(answer, false);
    assert.equal(answer.get(':status'), '200');
    filter.encodeData(Buffer.from('x'), true);
    assert.equal(record.addedTrailers?.get('grpc-status'), grpc);
  }
  const { filter } = started(false);
  filter.encodeHeaders(response(), false);
  const trailers = HeaderMap.of(['t', '1']);
  filter.encodeTrailers(trailers);
  assert.deepEqual(trailers.entries(), [['t', '1'], ['grpc-status', '0']]);
});

test('another content type of the response is an error that says which', () => {
  const { filter, record } = started(false);
  assert.equal(filter.encodeHeaders(HeaderMap.of([':status', '502'], ['content-type', 'text/html']), false), HEADERS_STOP_ITERATION);
  const [reply] = record.replies;
  assert.deepEqual([reply.status, reply.grpcStatus, reply.details], [200, 2, 'grpc_bridge_content_type_wrong']);
  assert.equal(reply.body, 'envoy reverse bridge: upstream responded with unsupported content-type text/html, status code 502');
  const bare = started(false);
  bare.filter.encodeHeaders(HeaderMap.of([':status', '200']), true);
  assert.equal(bare.record.replies[0].body, 'envoy reverse bridge: upstream responded with no content-type header, status code 200');
});

test('frames withheld: the request loses its header, however it is cut', () => {
  const frame = encodeGrpcFrame(Buffer.from('message'));
  for (const step of [1, 4, 5, 6, frame.length]) {
    const { filter, record, headers } = started(true);
    assert.equal(headers.get('content-length'), '7');
    let out = '';
    for (let at = 0; at < frame.length; at += step) {
      const part = frame.subarray(at, at + step);
      record.replaced = null;
      if (filter.decodeData(part, at + step >= frame.length) === DATA_CONTINUE) out += String((record.replaced ?? part).toString());
    }
    assert.equal(out, 'message', `pieces of ${step}`);
    assert.equal(record.replies.length, 0);
  }
});

test('frames withheld: a body that is no frame', () => {
  const short = started(true);
  assert.equal(short.filter.decodeData(Buffer.from('abc'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(short.filter.decodeData(Buffer.alloc(0), true), DATA_STOP_ITERATION_NO_BUFFER);
  const trailers = started(true);
  trailers.filter.decodeData(Buffer.from('abc'), false);
  assert.equal(trailers.filter.decodeTrailers(), TRAILERS_STOP_ITERATION);
  for (const { record } of [short, trailers]) {
    const [reply] = record.replies;
    assert.deepEqual([reply.status, reply.body, reply.grpcStatus, reply.details], [200, 'invalid request body', 2, 'grpc_bridge_data_too_small']);
  }
  const none = started(true);
  assert.equal(none.filter.decodeTrailers(), TRAILERS_CONTINUE);
  const tiny = setUp(true);
  tiny.headers.set('content-length', '3');
  tiny.filter.decodeHeaders(tiny.headers, false);
  assert.equal(tiny.headers.get('content-length'), '0');
});

test('frames withheld: a response of known length streams', () => {
  const { filter, record } = started(true);
  const answer = response(['content-length', '6']);
  filter.encodeHeaders(answer, false);
  assert.equal(answer.get('content-length'), '11');
  assert.equal(filter.encodeData(Buffer.from('ans'), false), DATA_CONTINUE);
  assert.equal(record.replaced?.toString('latin1'), '\0\0\0\0\x06ans');
  record.replaced = null;
  assert.equal(filter.encodeData(Buffer.from('wer'), true), DATA_CONTINUE);
  assert.equal(record.replaced, null);
  assert.equal(record.addedTrailers?.get('grpc-status'), '0');
});

test('frames withheld: a response of unknown length is held', () => {
  for (const trailers of [false, true]) {
    const { filter, record } = started(true);
    filter.encodeHeaders(response(), false);
    assert.equal(filter.encodeData(Buffer.from('ans'), false), DATA_STOP_ITERATION_AND_BUFFER);
    record.held = record.replaced;
    if (trailers) filter.encodeTrailers(new HeaderMap());
    else assert.equal(filter.encodeData(Buffer.from('wer'), true), DATA_CONTINUE);
    assert.deepEqual([...(record.held?.subarray(0, 5) ?? [])], [0, 0, 0, 0, trailers ? 3 : 6]);
  }
  const whole = started(true);
  whole.filter.encodeHeaders(response(), false);
  whole.filter.encodeData(Buffer.from('x'), true);
  assert.deepEqual(whole.record.replaced, encodeGrpcFrame(Buffer.from('x')));
  const empty = started(true);
  empty.filter.encodeHeaders(response(), false);
  empty.filter.encodeTrailers(new HeaderMap());
  assert.deepEqual(empty.record.added, ['\0\0\0\0\0']);
});

test('frames withheld: headers alone become an empty message and a status', () => {
  const { filter, record } = started(true);
  const answer = response(['content-length', '0']);
  filter.encodeHeaders(answer, true);
  assert.deepEqual(record.added, ['\0\0\0\0\0']);
  assert.equal(answer.get('content-length'), '5');
  assert.equal(record.addedTrailers?.get('grpc-status'), '0');
});

test('the size header says the length', () => {
  for (const value of ['6', '6,7', '06']) {
    const { filter, record } = started(true, 'x-size');
    const answer = response(['x-size', value]);
    assert.equal(filter.encodeHeaders(answer, false), HEADERS_CONTINUE);
    assert.equal(answer.get('content-length'), '11');
    filter.encodeData(Buffer.from('answer'), true);
    assert.equal(record.replaced?.toString('latin1'), '\0\0\0\0\x06answer');
    assert.equal(record.replies.length, 0);
  }
});

test('a size header that is missing or wrong is an error', () => {
  for (const value of ['six', '-1', '4294967296', '']) {
    const { filter, record } = started(true, 'x-size');
    assert.equal(filter.encodeHeaders(response(['x-size', value]), false), HEADERS_STOP_ITERATION);
    assert.deepEqual([record.replies[0].grpcStatus, record.replies[0].details], [13, 'grpc_bridge_content_length_missing'], value);
  }
  const { filter, record } = started(true, 'x-size');
  filter.encodeHeaders(response(['x-size', '9']), false);
  assert.equal(filter.encodeData(Buffer.from('answer'), true), DATA_STOP_ITERATION_NO_BUFFER);
  assert.deepEqual([record.replies[0].grpcStatus, record.replies[0].details], [13, 'grpc_bridge_content_length_wrong']);
});
