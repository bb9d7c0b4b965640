import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextObject } from '../../../../common/filter-state/objects.ts';
import { setFilterState } from '../../../../common/filter-state/write.ts';
import { fakeConnection } from '../../../../common/testing/fake-connection.ts';
import { FakeDispatcher } from '../../../../common/testing/fake-context.ts';
import { SniClusterFilter } from './filter.ts';

test('the server name is the cluster, until somebody sets another', () => {
  const { streamInfo, start } = fakeConnection(new FakeDispatcher());
  streamInfo.requestedServerName = 'a.example';
  assert.equal(start(new SniClusterFilter()), 0);
  assert.deepEqual(streamInfo.filterState, new Map([['envoy.tcp_proxy.cluster', new TextObject('a.example')]]));
  assert.equal(setFilterState(streamInfo, 'envoy.tcp_proxy.cluster', new TextObject('b'), false), true);
});

test('without a server name nothing is set', () => {
  const { streamInfo, start } = fakeConnection(new FakeDispatcher());
  assert.equal(start(new SniClusterFilter()), 0);
  assert.equal(streamInfo.filterState, null);
});
