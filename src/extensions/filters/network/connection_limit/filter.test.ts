import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fakeConnection } from '../../../../common/testing/fake-connection.ts';
import type { FakeConnection } from '../../../../common/testing/fake-connection.ts';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { ConfigError, ConfigErrors } from '../../../../contract/errors.ts';
import { CONNECTION_LIMIT, readConnectionLimit } from './config.ts';
import type { ConnectionLimitConfig } from './config.ts';
import { ConnectionLimitFilter } from './filter.ts';

let context: FakeContext;

beforeEach(() => {
  context = fakeContext();
});

function read(yaml: string): ConnectionLimitConfig {
  return readConnectionLimit(fromYaml(CONNECTION_LIMIT, yaml), context);
}

function connect(config: ConnectionLimitConfig): FakeConnection & { readonly filter: ConnectionLimitFilter; readonly status: number } {
  const connection = fakeConnection(context.dispatcher);
  const filter = new ConnectionLimitFilter(config);
  return Object.assign(connection, { filter, status: connection.start(filter) });
}

const active = (): number => context.rootScope.value('connection_limit.p.active_connections');
const limited = (): number => context.rootScope.value('connection_limit.p.limited_connections');

test('over the limit a connection is closed at once; a close makes room', () => {
  const config = read('{stat_prefix: p, max_connections: 2}');
  const first = connect(config);
  const second = connect(config);
  const third = connect(config);
  assert.deepEqual([first.status, second.status, third.status, third.closed], [0, 0, 1, '2 over_connection_limit']);
  assert.equal(first.filter.onData(), 0);
  assert.equal(third.filter.onData(), 1);
  assert.deepEqual([active(), limited()], [2, 1]);
  first.remoteClose();
  assert.equal(connect(config).status, 0);
  assert.deepEqual([active(), limited()], [2, 1]);
});

test('with a delay it stays, counts, and is closed later', () => {
  const config = read('{stat_prefix: p, max_connections: 1, delay: 0.2s}');
  const first = connect(config);
  const second = connect(config);
  assert.deepEqual([second.status, second.closed, second.filter.onData(), active()], [1, '', 1, 2]);
  first.remoteClose();
  assert.equal(connect(config).status, 1, 'the one in its delay still counts');
  context.dispatcher.advance(199);
  assert.equal(second.closed, '');
  context.dispatcher.advance(2);
  assert.equal(second.closed, '2 over_connection_limit');
  assert.deepEqual([active(), limited(), context.dispatcher.armedTimers], [0, 2, 0]);
});

test('a client that leaves during its delay takes its timer with it', () => {
  const config = read('{stat_prefix: p, max_connections: 1, delay: 0.2s}');
  connect(config);
  connect(config).remoteClose();
  assert.deepEqual([active(), context.dispatcher.armedTimers], [1, 0]);
});

test('switched off by the runtime nothing is counted, and switched on again the count is right', () => {
  const config = read('{stat_prefix: p, max_connections: 1, runtime_enabled: {default_value: true, runtime_key: k}}');
  context.runtime.values.set('k', 0);
  const [one, two] = [connect(config), connect(config)];
  assert.deepEqual([one.status, two.status, active(), limited()], [0, 0, 0, 0]);
  context.runtime.values.set('k', 1);
  one.remoteClose();
  assert.deepEqual([connect(config).status, connect(config).status, active()], [0, 1, 1]);
});

test('two filters of a listener count apart; a second thread counts with the first', () => {
  const yaml = '{stat_prefix: p, max_connections: 1}';
  const [one, two] = [read(yaml), read(yaml)];
  assert.deepEqual([connect(one).status, connect(two).status], [0, 0]);
  const { sharedCells } = context;
  context = { ...fakeContext(), sharedCells };
  assert.equal(connect(read(yaml)).status, 1);
});

test('refused: no limit', () => {
  assert.throws(() => read('{stat_prefix: p}'), (error: unknown) =>
    error instanceof ConfigError && error.path === 'max_connections' && error.why === "Field 'max_connections' is missing");
});

for (const yaml of ['{max_connections: 1}', '{stat_prefix: p, max_connections: 0}']) {
  test(`refused: ${yaml}`, () => assert.throws(() => read(yaml), ConfigErrors));
}
