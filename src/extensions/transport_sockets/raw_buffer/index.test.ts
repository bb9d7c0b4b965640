import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { api } from '../../../config/api/registry.ts';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { rawBufferDownstream, rawBufferUpstream } from './index.ts';

test('a plain socket is wrapped in nothing, on both sides', () => {
  const config = create(api().message(`${rawBufferDownstream.configTypes[0]}`));
  const context = fakeContext();
  assert.equal(rawBufferDownstream.create(config, [], context), null);
  assert.equal(rawBufferUpstream.create(config, context.rootScope, context), null);
});
