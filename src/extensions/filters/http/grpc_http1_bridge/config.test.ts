import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '#api/envoy/extensions/filters/http/grpc_http1_bridge/v3/config_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { GRPC_HTTP1_BRIDGE, grpcHttp1BridgeConfig } from './config.ts';

test('both settings are off unless they are said', () => {
  const read = (yaml: string) => grpcHttp1BridgeConfig(fromYaml<Config>(GRPC_HTTP1_BRIDGE, yaml));
  assert.deepEqual(read('{}'), { upgradeProtobuf: false, ignoreQuery: false });
  assert.deepEqual(read('{upgrade_protobuf_to_grpc: true, ignore_query_parameters: true}'), { upgradeProtobuf: true, ignoreQuery: true });
});

test('bad YAML: why and where', () => {
  const refused = (yaml: string, text: string): void => {
    assert.throws(() => fromYaml<Config>(GRPC_HTTP1_BRIDGE, yaml), (error) => error instanceof Error && error.message === text, yaml);
  };
  refused('upgrade_protobuf: true', `upgrade_protobuf: no such field: 'upgrade_protobuf' in ${GRPC_HTTP1_BRIDGE}`);
  refused('ignore_query_parameters: yes please', 'ignore_query_parameters: expected true or false, not the string "yes please"');
});
