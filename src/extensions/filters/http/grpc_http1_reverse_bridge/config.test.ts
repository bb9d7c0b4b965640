import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterConfig, FilterConfigPerRoute } from '#api/envoy/extensions/filters/http/grpc_http1_reverse_bridge/v3/config_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { REVERSE_BRIDGE, REVERSE_BRIDGE_PER_ROUTE, reverseBridgeConfig, reverseBridgeRoute } from './config.ts';

test('settings of the filter and of routes', () => {
  const read = (yaml: string) => reverseBridgeConfig(fromYaml<FilterConfig>(REVERSE_BRIDGE, yaml));
  assert.deepEqual(read('content_type: a/b'), { contentType: 'a/b', withholdFrames: false, sizeHeader: '' });
  const all = read('{content_type: a/b, withhold_grpc_frames: true, response_size_header: X-Size}');
  assert.deepEqual(all, { contentType: 'a/b', withholdFrames: true, sizeHeader: 'x-size' });
  assert.deepEqual(reverseBridgeRoute(fromYaml<FilterConfigPerRoute>(REVERSE_BRIDGE_PER_ROUTE, 'disabled: true')), { disabled: true });
});

test('bad YAML: why and where', () => {
  const refused = (yaml: string, text: string): void => {
    assert.throws(() => fromYaml<FilterConfig>(REVERSE_BRIDGE, yaml), (error) => error instanceof Error && error.message === text, yaml);
  };
  refused('{}', 'content_type: value length must be at least 1 characters');
  refused('{content_type: a, response_size_header: "a\\nb"}', 'response_size_header: value does not match regex pattern "^[^\\x00\\x0A\\x0D]*$"');
  refused('{content_type: a, withhold: true}', `withhold: no such field: 'withhold' in ${REVERSE_BRIDGE}`);
});
