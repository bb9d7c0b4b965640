import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { BufferFilter } from './filter.ts';

function setUp(perFilter: readonly object[] = []) {
  const record = fakeFilterCallbacks();
  record.perFilter = perFilter;
  const filter = new BufferFilter({ disabled: false, maxRequestBytes: 10 });
  filter.setDecoderFilterCallbacks(record.callbacks);
  return { record, filter };
}

test('a request without body passes', () => {
  const { record, filter } = setUp();
  const headers = testRequest('/');
  assert.equal(filter.decodeHeaders(headers, true), HEADERS_CONTINUE);
  assert.equal(record.bufferLimit, 0);
  assert.equal(headers.has('content-length'), false);
});

test('a body is held until it is complete, and gets its length', () => {
  const { record, filter } = setUp();
  const headers = testRequest('/');
  assert.equal(filter.decodeHeaders(headers, false), HEADERS_STOP_ITERATION);
  assert.equal(record.bufferLimit, 10);
  assert.equal(filter.decodeData(Buffer.from('abc'), false), DATA_STOP_ITERATION_AND_BUFFER);
  assert.equal(filter.decodeData(Buffer.from('de'), true), DATA_CONTINUE);
  assert.equal(headers.get('content-length'), '5');
});

test('trailers end the body too; a length that is there stays', () => {
  const { filter } = setUp();
  const headers = testRequest('/', ['content-length', '3']);
  filter.decodeHeaders(headers, false);
  filter.decodeData(Buffer.from('abc'), false);
  assert.equal(filter.decodeTrailers(), TRAILERS_CONTINUE);
  assert.equal(headers.get('content-length'), '3');
});

test('a route switches it off or sets another limit', () => {
  const off = setUp([{ disabled: true, maxRequestBytes: 0 }]);
  const headers = testRequest('/');
  assert.equal(off.filter.decodeHeaders(headers, false), HEADERS_CONTINUE);
  assert.equal(off.filter.decodeData(Buffer.from('abc'), false), DATA_CONTINUE);
  assert.equal(headers.has('content-length'), false);
  const other = setUp([{ disabled: true, maxRequestBytes: 0 }, { disabled: false, maxRequestBytes: 99 }]);
  assert.equal(other.filter.decodeHeaders(testRequest('/'), false), HEADERS_STOP_ITERATION);
  assert.equal(other.record.bufferLimit, 99);
});

test('after destruction nothing happens', () => {
  const { filter } = setUp();
  filter.decodeHeaders(testRequest('/'), false);
  filter.onDestroy();
  assert.equal(filter.decodeTrailers(), TRAILERS_CONTINUE);
});
