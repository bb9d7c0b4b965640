import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcWeb } from '#api/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { GRPC_WEB, checkGrpcWebConfig } from './config.ts';

test('there is nothing to configure', () => {
  checkGrpcWebConfig(fromYaml<GrpcWeb>(GRPC_WEB, '{}'));
  assert.throws(() => fromYaml<GrpcWeb>(GRPC_WEB, 'text: true'), (error) => error instanceof Error &&
    error.message === `text: no such field: 'text' in ${GRPC_WEB}`);
});
