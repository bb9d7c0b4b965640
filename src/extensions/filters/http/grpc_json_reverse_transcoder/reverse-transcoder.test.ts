import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcJsonReverseTranscoder } from '#api/envoy/extensions/filters/http/grpc_json_reverse_transcoder/v3/transcoder_pb.js';
import { encodeGrpcFrame } from '../../../../codec/grpc/frame.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { parseJson, printJson } from '../../../../common/transcoding/json-value.ts';
import { concat, ld, LIBRARY_FILE, vi } from '../../../../../test/library/library.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import { DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE } from '../../../../contract/status.ts';
import { GRPC_JSON_REVERSE_TRANSCODER, reverseTranscoderSettings } from './config.ts';
import { JsonReverseTranscoderFilter } from './filter.ts';
import { buildPath } from './request-path.ts';

const settings = (yaml: string) => reverseTranscoderSettings(fromYaml<GrpcJsonReverseTranscoder>(GRPC_JSON_REVERSE_TRANSCODER, yaml));

function setUp(method: string, yaml = '') {
  const record = fakeFilterCallbacks();
  record.bufferLimit = 1_000_000;
  const filter = new JsonReverseTranscoderFilter(settings(`descriptor_path: ${LIBRARY_FILE}\n${yaml}`));
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  const headers = testRequest(`/nuncio.library.Library/${method}`, [':method', 'POST'], ['content-type', 'application/grpc'], ['x-version', 'v2']);
  return { record, filter, headers };
}

/** Method, path and body of the REST request for a message, or the refusal. */
function request(method: string, message: Buffer, yaml = ''): readonly unknown[] {
  const { record, filter, headers } = setUp(method, yaml);
  filter.decodeHeaders(headers, false);
  if (record.replies.length === 0) filter.decodeData(encodeGrpcFrame(message), true);
  if (record.replies.length > 0) return record.replies.map((each) => [each.status, each.grpcStatus, each.body, each.details])[0];
  return [headers.get(':method'), headers.get(':path'), record.replaced?.toString('latin1'), headers.get('content-type')];
}

test('messages to requests', () => {
  const json = 'application/json';
  assert.deepEqual(request('GetShelf', vi(1, 5)), ['GET', '/shelves/5', '', json]);
  assert.deepEqual(request('CreateShelf', ld(1, concat(vi(1, 7), ld(2, 't')))), ['POST', '/shelf', '{"id":"7","theme":"t"}', json]);
  assert.deepEqual(request('ReadBook', concat(ld(1, 'shelves/a b/books/c?d'), ld(2, 'x&'), ld(2, 'y'))), ['GET', '/v1/shelves/a%20b/books/c%3Fd?tags=x%26&tags=y', '', json]);
  assert.deepEqual(request('UpdateBook', concat(vi(1, 3), ld(2, concat(vi(1, 9), ld(3, '\xc3\xa9'))))), ['PATCH', '/shelves/3/books/9', '{"id":"9","title":"\xc3\xa9"}', json]);
  assert.deepEqual(request('ScanShelf', vi(1, 5)), ['SCAN', '/shelves/5', '', json]);
  assert.deepEqual(request('UploadNamed', concat(ld(1, 'a/b'), ld(2, concat(ld(1, 'text/q'), ld(2, 'data'))))), ['POST', '/upload/a%2Fb', 'data', 'text/q']);
  const canonical = 'request_json_print_options: { use_canonical_field_names: true, always_print_primitive_fields: true }';
  assert.deepEqual(request('ReadBook', ld(1, 'shelves/a/books/b'), canonical), ['GET', '/v1/shelves/a/books/b?pageSize=0', '', json]);
});

test('refused requests', () => {
  const early = 'early_grpc_json_reverse_transcode_failure';
  assert.deepEqual(request('Nope', vi(1, 5)), [400, 3, "Couldn't find a gRPC method matching: /nuncio.library.Library/Nope", `${early}{NOT_FOUND}`]);
  assert.deepEqual(request('Chat', vi(1, 5)), [400, 3, "The HTTP REST backend doesn't support request/response streaming", `${early}{streaming_not_supported}`]);
  assert.deepEqual(request('Plain', vi(1, 5)), [400, 3, 'Invalid or missing http annotations', `${early}{INVALID_ARGUMENT}`]);
  const late = 'grpc_json_reverse_transcode_failure';
  assert.deepEqual(request('GetShelf', Buffer.alloc(0)), [400, 3, 'Key, shelf, not found in the request message', `${late}{failed_to_build_request_path}`]);
  assert.deepEqual(request('CreateShelf', Buffer.alloc(0)), [400, 3, 'Failed to get the request body from the gRPC message', `${late}{failed_to_create_request_body}`]);
  assert.deepEqual(request('GetShelf', Buffer.from([0x0c])), [400, 3, 'Failed to parse the transcoded request', `${late}{failed_to_parse_request_body}`]);
  assert.deepEqual(request('UploadNamed', concat(ld(1, 'a'), ld(2, ld(2, '\xfb\xff')))), [400, 3, 'Failed to decode the request body from the gRPC message', `${late}{failed_to_decode_request_body}`]);
  assert.deepEqual(request('GetShelf', vi(1, 5), 'max_request_body_size: 3'), [413, 8, 'Request entity too large', `${late}{request_buffer_size_limit_reached}`]);
});

test('what is not gRPC passes, and so does a request that has no message', () => {
  const { filter, headers } = setUp('GetShelf');
  assert.equal(filter.decodeHeaders(headers, true), HEADERS_CONTINUE);
  headers.set('content-type', 'text/plain');
  assert.equal(filter.decodeHeaders(headers, false), HEADERS_CONTINUE);
  assert.equal(filter.decodeData(Buffer.from('x'), true), DATA_CONTINUE);
  assert.equal(filter.decodeTrailers(), TRAILERS_CONTINUE);
  assert.equal(filter.encodeHeaders(HeaderMap.of([':status', '200']), false), HEADERS_CONTINUE);
  assert.equal(filter.encodeData(Buffer.from('x'), true), DATA_CONTINUE);
});

/** Frame and trailers of a response to GetShelf. */
function response(status: string, pieces: readonly string[], yaml = '', method = 'GetShelf'): readonly unknown[] {
  const { record, filter, headers } = setUp(method, yaml);
  assert.equal(filter.decodeHeaders(headers, false), HEADERS_STOP_ITERATION);
  const answer = HeaderMap.of([':status', status], ['content-type', 'application/json'], ['content-length', '9']);
  assert.equal(filter.encodeHeaders(answer, pieces.length === 0), HEADERS_CONTINUE);
  for (const [i, piece] of pieces.entries()) {
    const last = i === pieces.length - 1;
    const expected = last ? DATA_CONTINUE : DATA_STOP_ITERATION_NO_BUFFER;
    if (filter.encodeData(Buffer.from(piece, 'latin1'), last) !== expected) break;
  }
  if (record.replies.length > 0) return record.replies.map((each) => [each.status, each.grpcStatus, each.body, each.details])[0];
  return [answer.get(':status'), answer.get('content-type'), answer.get('content-length'), record.replaced?.toString('latin1') ?? record.added.join(), record.addedTrailers?.entries()];
}

test('responses', () => {
  const message = encodeGrpcFrame(concat(vi(1, 5), ld(2, 'x'))).toString('latin1');
  assert.deepEqual(response('200', ['{"id": "5", ', '"theme": "x"}', '']), ['200', 'application/grpc', undefined, message, [['grpc-status', '0']]]);
  assert.deepEqual(response('404', ['{"no": "\xc3\xa9"}']), ['200', 'application/grpc', undefined, '', [['grpc-status', '12'], ['grpc-message', '{"no": "%C3%A9"}']]]);
  assert.deepEqual(response('204', []), ['200', 'application/grpc', '5', '\0\0\0\0\0', [['grpc-status', '0']]]);
  assert.deepEqual(response('200', ['PNG'], '', 'UploadDeep'), ['200', 'application/grpc', undefined, encodeGrpcFrame(concat(ld(1, 'application/json'), ld(2, 'PNG'))).toString('latin1'), [['grpc-status', '0']]]);
  assert.deepEqual(response('200', ['{"id": "x"}']), [500, 13, 'id: invalid value "x" for type TYPE_INT64', 'grpc_json_reverse_transcode_failure{INVALID_ARGUMENT}']);
  assert.deepEqual(response('200', ['{"id": "5"}'], 'max_response_body_size: 5'), [500, 13, 'Response entity too large', 'grpc_json_reverse_transcode_failure{response_buffer_size_limit_reached}']);
});

test('a gRPC response passes', () => {
  const { record, filter, headers } = setUp('GetShelf');
  filter.decodeHeaders(headers, false);
  const answer = HeaderMap.of([':status', '200'], ['content-type', 'application/grpc']);
  filter.encodeHeaders(answer, false);
  assert.equal(filter.encodeData(Buffer.from('x'), false), DATA_CONTINUE);
  const trailers = HeaderMap.of(['grpc-status', '5']);
  filter.encodeTrailers(trailers);
  assert.deepEqual([record.replaced, trailers.get('grpc-status')], [null, '5']);
});

test('paths', () => {
  const request = parseJson('{"a":{"b":"x/y","c":[1,{"d":true}]},"e":"~","f":1e16}');
  assert.ok(request !== null);
  const path = (template: string, body = '') => buildPath(request, template, body);
  assert.deepEqual(path('/p/{a.b}', '*'), { path: '/p/x%2Fy' });
  assert.deepEqual(path('/p/{a.b=**}/{a.c.0}', '*'), { path: '/p/x/y/1' });
  assert.deepEqual(path('/p', 'a'), { path: '/p?e=%7E&f=1e%2B16' });
  assert.deepEqual(path('/p/{e}'), { path: '/p/%7E?a.b=x%2Fy&a.c=1&a.c.d=true&f=1e%2B16' });
  assert.deepEqual(path('/p/{e'), { fault: 'Invalid HTTP path: /p/{e' });
  assert.deepEqual(path('/p/{g.h}'), { fault: 'Key, g.h, not found in the request message' });
  assert.deepEqual(path('/{constructor}'), { fault: 'Key, constructor, not found in the request message' });
});

test('JSON is printed as nlohmann prints it', () => {
  for (const [text, printed] of [
    [' { "b" : 1 , "a" : [ ] , "a" : "\\u00e9\\n" } ', '{"a":"\xc3\xa9\\n","b":1}'], ['1.0', '1.0'], ['1e3', '1000.0'], ['1e15', '1e+15'],
    ['123456789.5', '123456789.5'], ['0.0001', '0.0001'], ['0.00001', '1e-05'], ['1.5e300', '1.5e+300'], ['-0', '0'], ['-0.0', '-0.0'], ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '1.8446744073709552e+19'], ['"\\u001f\x7f"', '"\\u001f\x7f"'], ['[true,false,null]', '[true,false,null]'],
  ] as const) {
    const value = parseJson(text);
    assert.ok(value !== null, text);
    assert.equal(printJson(value), printed, text);
  }
  for (const text of ['', '{', '[1,]', '{"a"}', '01', '1.', 'nul', '"\x01"', '"\\ud800"', '"\xff"', '1 2', '['.repeat(300)]) assert.equal(parseJson(text), null, text);
});

test('configurations that are refused', () => {
  const refused = (yaml: string, why: string) => assert.throws(() => settings(yaml), (error) => error instanceof ConfigError && error.message === why, yaml);
  refused('{}', 'Descriptor set not set');
  refused('descriptor_path: /nowhere', 'Invalid path: /nowhere');
  refused(`descriptor_path: ${import.meta.filename}`, 'Unable to parse proto descriptor');
  refused('descriptor_binary: AAAA', 'Unable to parse proto descriptor binary');
  refused(`descriptor_binary: ${ld(1, concat(ld(1, 'a.proto'), ld(3, 'b.proto'))).toString('base64')}`, 'Unable to build proto descriptor pool');
});
