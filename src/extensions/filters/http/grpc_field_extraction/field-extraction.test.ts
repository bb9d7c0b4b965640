import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcFieldExtractionConfig } from '#api/envoy/extensions/filters/http/grpc_field_extraction/v3/config_pb.js';
import { encodeGrpcFrame } from '../../../../codec/grpc/frame.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { concat, ld, library, LIBRARY_BYTES, LIBRARY_FILE, libraryType, vi } from '../../../../../test/library/library.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE } from '../../../../contract/status.ts';
import { fieldExtractionSettings, GRPC_FIELD_EXTRACTION } from './config.ts';
import { checkFieldPath, FieldValueExtractor } from './field-value-extractor.ts';
import { FieldExtractionFilter, NAMESPACE } from './filter.ts';

const build = (yaml: string) => fieldExtractionSettings(fromYaml<GrpcFieldExtractionConfig>(GRPC_FIELD_EXTRACTION, yaml));
const withFields = (...fields: readonly string[]): string =>
  `{descriptor_set: {filename: ${LIBRARY_FILE}}, extractions_by_method: {nuncio.library.Library.Echo: {request_field_extractions: {${fields.map((each) => `"${each}": {}`).join(', ')}}}}}`;

function extract(path: string, message: Buffer, type = 'Everything'): unknown {
  const values = new FieldValueExtractor(library(), libraryType(type), path).extract(message);
  return 'code' in values ? values.message : [...values];
}

test('values of every kind', () => {
  assert.deepEqual(extract('text', ld(14, 'a')), ['a']);
  assert.deepEqual(extract('text', Buffer.alloc(0)), []);
  assert.deepEqual(extract('i32', vi(3, -5)), ['-5']);
  assert.deepEqual(extract('u64', vi(6, 18446744073709551615n)), ['18446744073709551615']);
  assert.deepEqual(extract('s32', vi(7, 9)), ['-5']);
  assert.deepEqual(extract('sfx64', Buffer.from('61ffffffffffffffff', 'hex')), ['-1']);
  assert.deepEqual(extract('f64', Buffer.from('090000000087d63241', 'hex')), ['1.23457e+06']);
  assert.deepEqual(extract('f64', Buffer.from('09000000000000f0ff', 'hex')), ['-inf']);
  assert.deepEqual(extract('i32_list', concat(ld(21, '\x01\x02'), ld(21, '\x03'))), ['1', '2', '3']);
  assert.deepEqual(extract('unpacked_list', concat(vi(29, 4), vi(29, 5))), ['4', '5']);
  assert.deepEqual(extract('text_list', concat(ld(22, 'a'), ld(22, ''))), ['a', '']);
  assert.deepEqual(extract('tag_list.label', concat(ld(24, ld(1, 'a')), ld(24, ''), ld(24, ld(1, 'b')))), ['a', 'b']);
  assert.deepEqual(extract('child.child.i32', ld(17, ld(17, vi(3, 7)))), ['7']);
  assert.deepEqual(extract('text_map', concat(ld(31, concat(ld(1, 'k'), ld(2, 'v'))), ld(31, ld(2, 'no key')))), [{ k: 'v' }]);
  assert.deepEqual(extract('flag_map', ld(33, concat(vi(1, 1), vi(2, 42)))), ['42']);
  assert.deepEqual(extract('tag_map.label', concat(ld(32, concat(vi(1, 1), ld(2, ld(1, 'm')))), ld(32, vi(1, 2)))), ['m']);
  assert.deepEqual(extract('time', ld(41, vi(1, 5))), ['\b\x05']);
});

test('a singular field that comes again: the last counts, unless it is empty', () => {
  assert.deepEqual(extract('i32', concat(vi(3, 1), vi(3, 2))), ['2']);
  assert.deepEqual(extract('text', concat(ld(14, 'a'), ld(14, ''))), ['a']);
});

test('messages within any', () => {
  const any = (...parts: readonly Buffer[]): Buffer => ld(47, concat(...parts));
  const missing = "Cannot find field 'type_url' in 'nuncio.library.Tag' message.";
  assert.equal(extract('any.type_url', any(ld(1, 'type.googleapis.com/nuncio.library.Tag'), ld(2, ld(1, 'q')))), missing);
  assert.deepEqual(extract('any.type_url', any(ld(1, 'type.googleapis.com/nuncio.library.Tag'))), []);
  assert.match(String(extract('any.type_url', any(ld(2, 'x')))), /empty `type_url` and non-empty `value`/);
  assert.match(String(extract('any.type_url', any(ld(1, 'x/y'), ld(2, 'x')))), /non-recognizable `type_url` value 'x\/y'/);
});

test('malformed messages end, and never throw', () => {
  assert.equal(extract('i32_list', vi(21, 1)), 'Failed to read pack primitive from request proto');
  const whole = concat(ld(14, 'text'), ld(24, ld(1, 'label')), ld(31, concat(ld(1, 'k'), ld(2, 'v'))), ld(21, '\x01\x02'));
  for (const path of ['text', 'tag_list.label', 'text_map', 'i32_list', 'child.text']) {
    for (let at = 0; at < whole.length; at++) {
      extract(path, whole.subarray(0, at));
      const changed = Buffer.from(whole);
      changed[at] = 0xff;
      extract(path, changed);
    }
  }
});

test('paths that can be extracted, and why others cannot', () => {
  const type = libraryType('Everything');
  for (const path of ['text', 'child.text', 'tag_list.label', 'text_map', 'tag_map.label', 'time', 'w_i32.value', 'any.type_url']) assert.equal(checkFieldPath(type, path), null, path);
  const url = 'type.googleapis.com/nuncio.library.Everything';
  for (const [path, why] of [
    ['', 'Empty field path'], ['nope', `Invalid fieldPath (nope): no 'nope' field in '${url}' message`], ['child.nope', `Invalid fieldPath (child.nope): no 'nope' field in '${url}' message`],
    ['child', "leaf node 'child' must be numerical/string or timestamp type"], ['flag', "leaf node 'flag' must be numerical/string or timestamp type"],
    ['text.x', 'Invalid non-leaf node text of non message type ().'], ['color.x', 'Invalid non-leaf node color of non message type (type.googleapis.com/nuncio.library.Color).'],
    ['tag_map', "leaf node 'value' must be numerical/string or timestamp type"], ['text_map.x', 'Invalid non-leaf node value of non message type ().'],
  ] as const) assert.equal(checkFieldPath(type, path), why, path);
});

function setUp(...fields: readonly string[]) {
  const record = fakeFilterCallbacks();
  record.bufferLimit = 1_000;
  const filter = new FieldExtractionFilter(build(withFields(...fields)));
  filter.setDecoderFilterCallbacks(record.callbacks);
  const headers = testRequest('/nuncio.library.Library/Echo', [':method', 'POST'], ['content-type', 'application/grpc']);
  return { record, filter, headers };
}

test('the first message is awaited, the bytes pass whole', () => {
  const { record, filter, headers } = setUp('text', 'i32');
  record.streamInfo.dynamicMetadata = new Map([[NAMESPACE, { other: 1 }]]);
  assert.equal(filter.decodeHeaders(headers, false), HEADERS_STOP_ITERATION);
  const bytes = concat(encodeGrpcFrame(ld(14, 'a')), encodeGrpcFrame(ld(14, 'b')));
  assert.equal(filter.decodeData(bytes.subarray(0, 6), false), DATA_STOP_ITERATION_NO_BUFFER);
  // A part of the second message comes with the first.
  assert.equal(filter.decodeData(bytes.subarray(6, 10), false), DATA_CONTINUE);
  assert.deepEqual(record.replaced, bytes.subarray(0, 10));
  record.replaced = null;
  assert.equal(filter.decodeData(bytes.subarray(10), true), DATA_CONTINUE);
  assert.equal(record.replaced, null);
  assert.deepEqual(record.streamInfo.dynamicMetadata.get(NAMESPACE), { other: 1, text: ['a'], i32: [] });
  assert.equal(filter.decodeTrailers(), TRAILERS_CONTINUE);
});

test('other methods and other protocols pass', () => {
  const { filter, headers } = setUp('text');
  headers.set(':path', '/nuncio.library.Library/Chat');
  assert.equal(filter.decodeHeaders(headers, false), HEADERS_CONTINUE);
  assert.equal(filter.decodeData(Buffer.from('x'), true), DATA_CONTINUE);
  headers.set('content-type', 'text/plain');
  assert.equal(filter.decodeHeaders(headers, false), HEADERS_CONTINUE);
});

test('refusals', () => {
  const refusal = (act: (filter: FieldExtractionFilter) => unknown, path = '/nuncio.library.Library/Echo', end = false) => {
    const { record, filter, headers } = setUp('i32_list');
    headers.set(':path', path);
    filter.decodeHeaders(headers, end);
    act(filter);
    return record.replies.map((each) => [each.status, each.grpcStatus, each.body, each.details]);
  };
  const nothing = (): void => undefined;
  assert.deepEqual(refusal(nothing, '/a'), [[400, 3, ':path `/a` should be in form of `/package.service/method`', 'grpc_field_extraction_INVALID_ARGUMENT{BAD_REQUEST}']]);
  const out = [[400, 3, 'did not receive enough data to form a message.', 'grpc_field_extraction_INVALID_ARGUMENT{REQUEST_OUT_OF_DATA}']];
  assert.deepEqual(refusal(nothing, undefined, true), out);
  assert.deepEqual(refusal((filter) => filter.decodeData(Buffer.alloc(0), true)), out);
  assert.deepEqual(refusal((filter) => filter.decodeData(Buffer.from([0, 0]), true)), [[400, 3, 'Did not receive enough data for gRPC message parsing.', 'grpc_field_extraction_INVALID_ARGUMENT{REQUEST_BUFFER_CONVERSION_FAIL}']]);
  assert.deepEqual(refusal((filter) => filter.decodeData(Buffer.from([1, 0, 0, 0, 0]), true)), [[400, 3, "Unsupported gRPC frame 'Compressed-Flag'1", 'grpc_field_extraction_INVALID_ARGUMENT{REQUEST_BUFFER_CONVERSION_FAIL}']]);
  assert.deepEqual(refusal((filter) => filter.decodeData(Buffer.alloc(1_001), false)), [[400, 9, 'Rejected because internal buffer limits are exceeded.', 'grpc_field_extraction_FAILED_PRECONDITION{REQUEST_BUFFER_CONVERSION_FAIL}']]);
  assert.deepEqual(refusal((filter) => filter.decodeData(encodeGrpcFrame(vi(21, 1)), true)), [[500, 13, 'Failed to read pack primitive from request proto', 'grpc_field_extraction_INTERNAL{REQUEST_FIELD_EXTRACTION_FAILED}']]);
});

test('configurations that are refused', () => {
  const refused = (yaml: string, why: string): void => assert.throws(() => build(yaml), (error) => error instanceof ConfigError && error.message === why, yaml);
  refused('descriptor_set: {inline_string: x}', 'unsupported DataSource case `3` for configuring `descriptor_set`');
  refused('descriptor_set: {environment_variable: HOME}', 'unsupported DataSource case `4` for configuring `descriptor_set`');
  refused('descriptor_set: {filename: /nowhere}', 'unable to parse proto descriptor from file `/nowhere`');
  refused('descriptor_set: {inline_bytes: eHh4}', 'unable to parse proto descriptor from inline bytes: xxx');
  refused(`{descriptor_set: {inline_bytes: ${LIBRARY_BYTES.toString('base64')}}, extractions_by_method: {a.b: {}}}`, "couldn't find the gRPC method `a.b` defined in the proto descriptor");
  refused(withFields('child'), "couldn't init extractor for method `nuncio.library.Library.Echo`: leaf node 'child' must be numerical/string or timestamp type");
});
