import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fakeConnection } from '../../../../common/testing/fake-connection.ts';
import type { FakeConnection } from '../../../../common/testing/fake-connection.ts';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { NETWORK_RBAC, readNetworkRbac } from './config.ts';
import type { NetworkRbacConfig } from './config.ts';
import { NetworkRbacFilter } from './filter.ts';

const PORT_80 = 'policies: {web: {permissions: [{destination_port: 80}], principals: [{any: true}]}}';
const PORT_81 = 'policies: {other: {permissions: [{destination_port: 81}], principals: [{any: true}]}}';

let context: FakeContext;

beforeEach(() => {
  context = fakeContext();
});

function read(fields: string): NetworkRbacConfig {
  return readNetworkRbac(fromYaml(NETWORK_RBAC, `{stat_prefix: p, ${fields}}`), context);
}

function connect(fields: string): FakeConnection & { readonly filter: NetworkRbacFilter } {
  const connection = fakeConnection(context.dispatcher);
  const filter = new NetworkRbacFilter(read(fields));
  assert.equal(connection.start(filter), 0, 'nothing is judged before the first byte');
  return Object.assign(connection, { filter });
}

function counts(...names: string[]): number[] {
  return names.map((name) => context.rootScope.value(`p.rbac.${name}`));
}

test('allowed once, not judged again', () => {
  const one = connect(`rules: {${PORT_80}}`);
  assert.deepEqual([one.filter.onData(), one.filter.onData(), one.closed], [0, 0, '']);
  assert.deepEqual(counts('allowed', 'denied'), [1, 0]);
});

test('denied: closed at once, with the reason in the log', () => {
  const one = connect(`rules: {${PORT_81}}`);
  assert.deepEqual([one.filter.onData(), one.closed], [1, '2 rbac_deny_close']);
  assert.equal(one.streamInfo.connectionTerminationDetails, 'rbac_access_denied_matched_policy[none]');
  const two = connect(`rules: {action: DENY, ${PORT_80}}`);
  assert.equal(two.filter.onData(), 1);
  assert.equal(two.streamInfo.connectionTerminationDetails, 'rbac_access_denied_matched_policy[web]');
  assert.deepEqual(counts('allowed', 'denied'), [0, 2]);
});

test('CONTINUOUS: judged with everything that comes', () => {
  const one = connect('enforcement_type: CONTINUOUS, rules: {policies: {m: {permissions: [{metadata: {filter: f, path: [{key: ok}], value: {bool_match: true}}}], principals: [{any: true}]}}}');
  one.streamInfo.dynamicMetadata = new Map([['f', { ok: true }]]);
  assert.deepEqual([one.filter.onData(), one.filter.onData()], [0, 0]);
  one.streamInfo.dynamicMetadata.set('f', { ok: false });
  assert.deepEqual([one.filter.onData(), one.closed], [1, '2 rbac_deny_close']);
  assert.deepEqual(counts('allowed', 'denied'), [2, 1]);
});

test('delay_deny: not read any more, closed later', () => {
  const one = connect(`delay_deny: 0.5s, rules: {${PORT_81}}`);
  assert.deepEqual([one.filter.onData(), one.closed, one.readDisables], [1, '', 1]);
  assert.equal(one.filter.onData(), 1);
  assert.deepEqual(counts('denied'), [1]);
  context.dispatcher.advance(501);
  assert.equal(one.closed, '2 rbac_deny_close');
  const two = connect(`delay_deny: 0.5s, rules: {${PORT_81}}`);
  two.filter.onData();
  two.remoteClose();
  assert.equal(context.dispatcher.armedTimers, 0);
});

test('shadow rules are counted and told, and have no effect', () => {
  const one = connect(`shadow_rules: {${PORT_81}}, shadow_rules_stat_prefix: next_`);
  assert.deepEqual([one.filter.onData(), one.closed], [0, '']);
  assert.deepEqual(one.streamInfo.dynamicMetadata, new Map([['envoy.filters.network.rbac', { next_shadow_engine_result: 'denied' }]]));
  const two = connect(`rules: {${PORT_80}}, shadow_rules: {${PORT_80}}, shadow_rules_stat_prefix: next_`);
  two.filter.onData();
  assert.deepEqual(two.streamInfo.dynamicMetadata?.get('envoy.filters.network.rbac'), { next_shadow_engine_result: 'allowed', next_shadow_effective_policy_id: 'web' });
  assert.deepEqual(counts('allowed', 'denied', 'next_.shadow_allowed', 'next_.shadow_denied'), [1, 0, 1, 1]);
});

test('the action LOG marks and allows', () => {
  const one = connect(`rules: {action: LOG, ${PORT_80}}`);
  assert.equal(one.filter.onData(), 0);
  assert.deepEqual(one.streamInfo.dynamicMetadata, new Map([['envoy.common', { access_log_hint: true }]]));
});

for (const [fields, path, why] of [
  ['rules: {policies: {a: {permissions: [{and_rules: {rules: [{header: {name: x}}]}}], principals: [{any: true}]}}}', 'rules.policies.a.permissions[0].and_rules.rules[0].header', 'Found header(name: "x") rule,not supported by RBAC network filter'],
  ['shadow_rules: {policies: {a: {permissions: [{any: true}], principals: [{not_id: {header: {name: x}}}]}}}', 'shadow_rules.policies.a.principals[0].not_id.header', 'Found header(name: "x") rule,not supported by RBAC network filter'],
  ['matcher: {}', 'matcher', 'known to Envoy, not in nuncio yet: envoy.extensions.filters.network.rbac.v3.RBAC.matcher'],
] as const) {
  test(`refused: ${path}`, () => {
    assert.throws(() => read(fields), (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.deepEqual([error.path, error.why], [path, why]);
      return true;
    });
  });
}
