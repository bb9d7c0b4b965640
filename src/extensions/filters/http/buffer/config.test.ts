import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Buffer, BufferPerRoute } from '#api/envoy/extensions/filters/http/buffer/v3/buffer_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { BUFFER, BUFFER_PER_ROUTE, bufferRouteSettings, bufferSettings } from './config.ts';

test('settings of the filter and of routes', () => {
  assert.deepEqual(bufferSettings(fromYaml<Buffer>(BUFFER, 'max_request_bytes: 5')), { disabled: false, maxRequestBytes: 5 });
  const route = (yaml: string) => bufferRouteSettings(fromYaml<BufferPerRoute>(BUFFER_PER_ROUTE, yaml));
  assert.deepEqual(route('disabled: true'), { disabled: true, maxRequestBytes: 0 });
  assert.deepEqual(route('buffer: {max_request_bytes: 7}'), { disabled: false, maxRequestBytes: 7 });
});

test('bad YAML: why and where', () => {
  const refused = (type: typeof BUFFER | typeof BUFFER_PER_ROUTE, yaml: string, text: string): void => {
    assert.throws(() => fromYaml<Buffer | BufferPerRoute>(type, yaml), (error) => error instanceof Error && error.message === text, yaml);
  };
  refused(BUFFER, '{}', 'max_request_bytes: value is required');
  refused(BUFFER, 'max_request_bytes: 0', 'max_request_bytes: value must be greater than 0');
  refused(BUFFER, 'max_request_bytes: many', 'max_request_bytes: expected an integer, not the string "many"');
  refused(BUFFER, 'max_bytes: 1', "max_bytes: no such field: 'max_bytes' in envoy.extensions.filters.http.buffer.v3.Buffer");
  refused(BUFFER_PER_ROUTE, 'disabled: false', 'disabled: value must equal true');
});
