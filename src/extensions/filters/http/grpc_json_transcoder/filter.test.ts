import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcJsonTranscoder } from '#api/envoy/extensions/filters/http/grpc_json_transcoder/v3/transcoder_pb.js';
import { encodeGrpcFrame } from '../../../../codec/grpc/frame.ts';
import { FakeScope } from '../../../../common/testing/fake-context.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { concat, ld, LIBRARY_FILE, vi } from '../../../../../test/library/library.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import { GRPC_JSON_TRANSCODER, transcoderSettings } from './config.ts';
import { JsonTranscoderFilter } from './filter.ts';
import { transcoderStats } from './stats.ts';

const LIMIT = 1_048_576;

function settings(yaml = ''): ReturnType<typeof transcoderSettings> {
  return transcoderSettings(fromYaml<GrpcJsonTranscoder>(GRPC_JSON_TRANSCODER, `proto_descriptor: ${LIBRARY_FILE}\nservices: [nuncio.library.Library]\n${yaml}`));
}

function setUp(yaml = '') {
  const record = fakeFilterCallbacks();
  record.bufferLimit = LIMIT;
  const scope = new FakeScope();
  const filter = new JsonTranscoderFilter(settings(yaml), transcoderStats(scope, 'http.h.'));
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  const held = (direction: string): number => scope.value(`http.h.transcoder_${direction}_buffer_bytes`);
  return { record, filter, held };
}

const grpcHeaders = (...more: readonly (readonly [string, string])[]): HeaderMap => HeaderMap.of([':status', '200'], ['content-type', 'application/grpc'], ...more);
const frame = (message: Buffer): string => encodeGrpcFrame(message).toString('latin1');

test('a request without a body: rewritten, its message added', () => {
  const { record, filter } = setUp();
  const headers = testRequest('/shelves/5?', ['content-length', '0'], ['content-type', 'text/x']);
  assert.equal(filter.decodeHeaders(headers, true), HEADERS_CONTINUE);
  assert.deepEqual(headers.entries().filter(([name]) => !['x-forwarded-proto', ':scheme', ':authority'].includes(name)), [
    [':method', 'POST'], [':path', '/nuncio.library.Library/GetShelf'], ['content-type', 'application/grpc'],
    ['x-envoy-original-path', '/shelves/5?'], ['x-envoy-original-method', 'GET'], ['te', 'trailers'],
  ]);
  assert.deepEqual(record.added, [frame(vi(1, 5))]);
  assert.equal(record.routeCacheCleared, 1);
});

test('the route stays with match_incoming_request_route', () => {
  const { record, filter } = setUp('match_incoming_request_route: true');
  filter.decodeHeaders(testRequest('/shelves/5'), true);
  assert.equal(record.routeCacheCleared, 0);
});

test('what passes: gRPC, unknown paths, unknown parameters, a route without services', () => {
  for (const headers of [testRequest('/shelves/5', ['content-type', 'application/grpc+x']), testRequest('/nope'), testRequest('/shelves/5?nope=1')]) {
    const { filter } = setUp();
    const before = headers.entries();
    assert.equal(filter.decodeHeaders(headers, false), HEADERS_CONTINUE);
    assert.equal(filter.decodeData(Buffer.from('x'), true), DATA_CONTINUE);
    assert.deepEqual(headers.entries(), before);
    assert.equal(filter.encodeHeaders(grpcHeaders(), false), HEADERS_CONTINUE);
    assert.equal(filter.encodeData(Buffer.from('x'), false), DATA_CONTINUE);
    assert.equal(filter.encodeTrailers(new HeaderMap()), TRAILERS_CONTINUE);
  }
  const { record, filter } = setUp();
  record.perFilter = [transcoderSettings(fromYaml<GrpcJsonTranscoder>(GRPC_JSON_TRANSCODER, 'proto_descriptor: /nowhere'))];
  const headers = testRequest('/shelves/5');
  filter.decodeHeaders(headers, true);
  assert.equal(headers.get(':path'), '/shelves/5');
});

test('strict settings refuse them', () => {
  const strict = 'request_validation_options: { reject_unknown_method: true, reject_unknown_query_parameters: true }';
  const reply = (path: string) => {
    const { record, filter } = setUp(strict);
    assert.equal(filter.decodeHeaders(testRequest(path), true), HEADERS_STOP_ITERATION);
    return record.replies.map(({ status, body, details }) => [status, body, details]);
  };
  assert.deepEqual(reply('/nope?x'), [[404, 'Could not resolve /nope to a method.', 'early_grpc_json_transcode_failure{NOT_FOUND}']]);
  assert.deepEqual(reply('/shelves/5?nope=1'), [[400, 'Could not find field "nope" in the type "nuncio.library.GetShelfRequest".', 'early_grpc_json_transcode_failure{INVALID_ARGUMENT}']]);
});

test('a body in pieces becomes one message', () => {
  const { record, filter, held } = setUp();
  assert.equal(filter.decodeHeaders(testRequest('/shelf', [':method', 'POST']), false), HEADERS_CONTINUE);
  assert.equal(filter.decodeData(Buffer.from('{"id": '), false), DATA_CONTINUE);
  assert.equal(record.replaced?.length, 0);
  assert.equal(filter.decodeData(Buffer.from('5}'), false), DATA_CONTINUE);
  assert.equal(record.replaced?.toString('latin1'), frame(ld(1, vi(1, 5))));
  assert.equal(filter.decodeData(Buffer.alloc(0), true), DATA_CONTINUE);
  assert.equal(record.replaced?.length, 0);
  filter.onDestroy();
  assert.equal(held('request'), 0);
});

test('faults: in the path, in the body, too large', () => {
  const early = setUp();
  assert.equal(early.filter.decodeHeaders(testRequest('/shelves/x'), true), HEADERS_STOP_ITERATION);
  assert.deepEqual(early.record.replies.map((each) => [each.status, each.body, each.details]), [
    [400, 'shelf: invalid value "x" for type TYPE_INT64', 'early_grpc_json_transcode_failure{INVALID_ARGUMENT}'],
  ]);
  const late = setUp();
  late.filter.decodeHeaders(testRequest('/shelf', [':method', 'POST']), false);
  assert.equal(late.filter.decodeData(Buffer.from('{"id": "x"}'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.deepEqual(late.record.replies.map((each) => [each.status, each.body, each.details]), [
    [400, 'shelf.id: invalid value "x" for type TYPE_INT64', 'grpc_json_transcode_failure{INVALID_ARGUMENT}'],
  ]);
  const large = setUp('max_request_body_size: 5');
  large.filter.decodeHeaders(testRequest('/shelf', [':method', 'POST']), false);
  assert.equal(large.filter.decodeData(Buffer.from('{"id": 5}'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.deepEqual(large.record.replies.map((each) => [each.status, each.details]), [[413, 'grpc_json_transcode_failure{request_buffer_size_limit_reached}']]);
});

test('a message without end holds no more than it may', () => {
  const { record, filter } = setUp();
  filter.decodeHeaders(testRequest('/shelf', [':method', 'POST']), false);
  const piece = Buffer.alloc(LIMIT, 'x');
  let status = filter.decodeData(Buffer.from('{"theme": "'), false);
  for (let i = 0; i < 64 && status === DATA_CONTINUE; i++) status = filter.decodeData(piece, false);
  assert.equal(status, DATA_STOP_ITERATION_NO_BUFFER);
  assert.deepEqual(record.replies.map((each) => each.status), [413]);
});

test('limits of the settings raise those of the stream', () => {
  const { record, filter } = setUp('max_request_body_size: 3000000\nmax_response_body_size: 2000000');
  filter.decodeHeaders(testRequest('/shelves/5'), true);
  assert.equal(record.bufferLimit, 3_000_000);
});

test('a unary response waits for its trailers', () => {
  const { record, filter, held } = setUp();
  filter.decodeHeaders(testRequest('/shelves/5'), true);
  record.added.length = 0;
  const headers = grpcHeaders(['trailer', 'grpc-status']);
  assert.equal(filter.encodeHeaders(headers, false), HEADERS_STOP_ITERATION);
  const bytes = encodeGrpcFrame(concat(vi(1, 5), ld(2, 'x')));
  assert.equal(filter.encodeData(bytes.subarray(0, 7), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(held('response'), 7);
  assert.equal(filter.encodeData(bytes.subarray(7), false), DATA_STOP_ITERATION_NO_BUFFER);
  record.held = Buffer.from('{"id":"5","theme":"x"}');
  assert.equal(filter.encodeTrailers(HeaderMap.of(['grpc-status', '0'])), TRAILERS_CONTINUE);
  assert.deepEqual(record.added, ['{"id":"5","theme":"x"}']);
  assert.deepEqual(headers.entries(), [[':status', '200'], ['content-type', 'application/json'], ['grpc-status', '0'], ['content-length', '22']]);
  filter.onDestroy();
  assert.equal(held('response'), 0);
});

test('a failed call: its status, its message', () => {
  const { record, filter } = setUp();
  filter.decodeHeaders(testRequest('/shelves/5'), true);
  const headers = grpcHeaders();
  filter.encodeHeaders(headers, false);
  filter.encodeTrailers(HeaderMap.of(['grpc-status', '5'], ['grpc-message', 'no%20such']));
  assert.deepEqual([headers.get(':status'), headers.get('grpc-status'), headers.get('grpc-message')], ['404', '5', 'no%20such']);
  assert.equal(record.replies.length, 0);
});

test('trailers only, and a status that is none', () => {
  const { filter } = setUp();
  filter.decodeHeaders(testRequest('/shelves/5'), true);
  const headers = grpcHeaders(['grpc-status', 'x']);
  assert.equal(filter.encodeHeaders(headers, true), HEADERS_CONTINUE);
  assert.deepEqual(headers.entries(), [[':status', '503'], ['content-type', 'application/grpc'], ['grpc-status', 'x'], ['content-length', '0']]);
});

test('the status as JSON', () => {
  const { record, filter } = setUp('convert_grpc_status: true');
  filter.decodeHeaders(testRequest('/shelves/5'), true);
  record.added.length = 0;
  const headers = grpcHeaders(['grpc-status', '5'], ['grpc-message', 'a%20b']);
  filter.encodeHeaders(headers, true);
  assert.deepEqual(record.added, ['{"code":5,"message":"a b"}']);
  assert.deepEqual(headers.entries(), [[':status', '404'], ['content-type', 'application/json'], ['content-length', '26']]);
});

test('a stream goes on at once', () => {
  const { record, filter } = setUp();
  filter.decodeHeaders(testRequest('/shelves/5/books'), true);
  record.added.length = 0;
  const headers = grpcHeaders();
  assert.equal(filter.encodeHeaders(headers, false), HEADERS_CONTINUE);
  assert.equal(headers.get('content-type'), 'application/json');
  assert.equal(filter.encodeData(encodeGrpcFrame(ld(3, 'a')), false), DATA_CONTINUE);
  assert.equal(record.replaced?.toString(), '[{"title":"a"}');
  assert.equal(filter.encodeData(encodeGrpcFrame(ld(3, 'b')), false), DATA_CONTINUE);
  assert.equal(record.replaced?.toString(), ',{"title":"b"}');
  filter.encodeTrailers(HeaderMap.of(['grpc-status', '0']));
  assert.deepEqual(record.added, [']']);
  assert.equal(headers.get(':status'), '200');
});

test('responses that cannot be transcoded: broken, too large, not gRPC', () => {
  const broken = setUp();
  broken.filter.decodeHeaders(testRequest('/shelves/5'), true);
  broken.filter.encodeHeaders(grpcHeaders(), false);
  assert.equal(broken.filter.encodeData(encodeGrpcFrame(Buffer.from([0x0c])), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.deepEqual(broken.record.replies.map((each) => [each.status, each.body, each.details]), [
    [502, 'attempted to close group 1 before SGROUP tag', 'grpc_json_transcode_failure{INVALID_ARGUMENT}'],
  ]);
  const large = setUp('max_response_body_size: 5');
  large.filter.decodeHeaders(testRequest('/shelves/5'), true);
  large.filter.encodeHeaders(grpcHeaders(), false);
  large.filter.encodeData(encodeGrpcFrame(ld(2, 'x')), false);
  assert.deepEqual(large.record.replies.map((each) => [each.status, each.details]), [[500, 'grpc_json_transcode_failure{response_buffer_size_limit_reached}']]);
  const other = setUp();
  other.filter.decodeHeaders(testRequest('/shelves/5'), true);
  const headers = HeaderMap.of([':status', '200'], ['content-type', 'text/html']);
  assert.equal(other.filter.encodeHeaders(headers, false), HEADERS_CONTINUE);
  assert.equal(other.filter.encodeData(Buffer.from('<p>'), true), DATA_CONTINUE);
  assert.equal(headers.get('content-type'), 'text/html');
});

const body = (type: string, data: string): Buffer => concat(ld(1, type), ld(2, data));

test('HttpBody: held until its end, and what comes back', () => {
  const { record, filter, held } = setUp();
  filter.decodeHeaders(testRequest('/upload/n', [':method', 'POST'], ['content-type', 'text/x']), false);
  assert.equal(filter.decodeData(Buffer.from('ra'), false), DATA_STOP_ITERATION_NO_BUFFER);
  assert.equal(held('request'), 2);
  assert.equal(filter.decodeData(Buffer.from('w'), true), DATA_CONTINUE);
  assert.equal(record.replaced?.toString('latin1'), frame(concat(ld(2, ''), ld(1, 'n'), ld(2, body('text/x', 'raw')))));
  const headers = grpcHeaders();
  assert.equal(filter.encodeHeaders(headers, false), HEADERS_STOP_ITERATION);
  assert.equal(filter.encodeData(encodeGrpcFrame(ld(2, body('image/png', 'PNG'))), false), DATA_STOP_ITERATION_AND_BUFFER);
  assert.equal(record.replaced?.toString(), 'PNG');
  assert.deepEqual([headers.get('content-type'), headers.get('content-length')], ['image/png', '3']);
});

test('HttpBody streams: pieces of a mebibyte, the type of the first body', () => {
  const { record, filter } = setUp();
  filter.decodeHeaders(testRequest('/stream/n', [':method', 'POST'], ['content-type', 'text/x']), false);
  filter.decodeData(Buffer.alloc(1_500_000, 'x'), false);
  const sent = record.replaced ?? Buffer.alloc(0);
  const first = 5 + sent.readUInt32BE(1);
  assert.deepEqual([sent.length - first > 400_000, first > 1_048_576, first < 1_048_700], [true, true, true]);
  const headers = grpcHeaders();
  filter.encodeHeaders(headers, false);
  const bytes = encodeGrpcFrame(body('text/a', 'one'));
  assert.equal(filter.encodeData(bytes.subarray(0, 6), false), DATA_STOP_ITERATION_AND_BUFFER);
  assert.equal(filter.encodeData(concat(bytes.subarray(6), encodeGrpcFrame(body('text/b', 'two'))), false), DATA_CONTINUE);
  assert.deepEqual([record.replaced?.toString(), headers.get('content-type')], ['onetwo', 'text/a']);
});

test('parameters without a field go into the extensions of an HttpBody', () => {
  const { record, filter } = setUp('capture_unknown_query_parameters: true');
  filter.decodeHeaders(testRequest('/upload?a.b=1&a.b=2', [':method', 'POST']), false);
  filter.decodeData(Buffer.from('x'), true);
  const url = 'type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.UnknownQueryParams';
  const any = concat(ld(1, url), ld(2, ld(1, concat(ld(1, 'a.b'), ld(2, concat(ld(1, '1'), ld(1, '2')))))));
  assert.equal(record.replaced?.toString('latin1'), frame(concat(ld(3, any), ld(2, 'x'))));
});

test('after destruction nothing happens', () => {
  const { filter } = setUp();
  filter.decodeHeaders(testRequest('/shelf', [':method', 'POST']), false);
  filter.onDestroy();
  assert.equal(filter.decodeData(Buffer.from('{'), true), DATA_CONTINUE);
  assert.equal(filter.decodeTrailers(), TRAILERS_CONTINUE);
  assert.equal(filter.encodeHeaders(grpcHeaders(), true), HEADERS_CONTINUE);
});
