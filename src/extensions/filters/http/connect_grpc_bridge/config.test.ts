import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterConfig } from '#api/envoy/extensions/filters/http/connect_grpc_bridge/v3/config_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { CONNECT_GRPC_BRIDGE, checkConnectGrpcBridgeConfig } from './config.ts';

test('there is nothing to configure', () => {
  checkConnectGrpcBridgeConfig(fromYaml<FilterConfig>(CONNECT_GRPC_BRIDGE, '{}'));
  assert.throws(() => fromYaml<FilterConfig>(CONNECT_GRPC_BRIDGE, 'unary: true'), (error) => error instanceof Error &&
    error.message === `unary: no such field: 'unary' in ${CONNECT_GRPC_BRIDGE}`);
});
