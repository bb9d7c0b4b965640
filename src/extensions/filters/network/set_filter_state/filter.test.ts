import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IpObject, NumberObject, TextObject } from '../../../../common/filter-state/objects.ts';
import { fakeConnection } from '../../../../common/testing/fake-connection.ts';
import { FakeDispatcher, fakeContext } from '../../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { ConfigError, ConfigErrors } from '../../../../contract/errors.ts';
import type { Connection, ReadFilter } from '../../../../contract/network.ts';
import { SET_FILTER_STATE, setFilterStateFilter } from './index.ts';

function run(...values: string[]): ReadonlyMap<string, unknown> | null {
  const { streamInfo, start } = fakeConnection(new FakeDispatcher());
  const factory = setFilterStateFilter.create(fromYaml(SET_FILTER_STATE, `on_new_connection: [${values.join(', ')}]`), fakeContext());
  const adder: Partial<Connection> = { addReadFilter: (filter: ReadFilter) => assert.equal(start(filter), 0) };
  factory(adder as Connection);
  return streamInfo.filterState;
}

const format = (text: string, more = ''): string => `format_string: {text_format_source: {inline_string: '${text}'}${more}}`;

test('objects of all kinds', () => {
  assert.deepEqual(run(
    `{object_key: a, factory_key: envoy.string, ${format('from %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% ä')}}`,
    `{object_key: envoy.tcp_proxy.cluster, ${format('c')}}`,
    `{object_key: envoy.tcp_proxy.per_connection_idle_timeout_ms, ${format('250')}}`,
    `{object_key: b, factory_key: envoy.network.ip, ${format('%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%')}}`,
  ), new Map<string, unknown>([
    ['a', 'from 10.0.0.1 ä'], ['envoy.tcp_proxy.cluster', new TextObject('c')], ['envoy.tcp_proxy.per_connection_idle_timeout_ms', new NumberObject(250)],
    ['b', new IpObject('10.0.0.1', '10.0.0.1:0')],
  ]));
});

test('texts that make no object set nothing', () => {
  assert.equal(run(
    `{object_key: a, factory_key: envoy.network.ip, ${format('10.0.0')}}`,
    `{object_key: b, factory_key: envoy.tcp_proxy.per_connection_idle_timeout_ms, ${format('-1')}}`,
    `{object_key: c, factory_key: envoy.tcp_proxy.per_connection_idle_timeout_ms, ${format('99999999999999999999')}}`,
  ), null);
});

test('empty: a dash, an empty object, or none', () => {
  const value = '%DYNAMIC_METADATA(x)%';
  assert.deepEqual(run(`{object_key: a, factory_key: envoy.string, skip_if_empty: true, ${format(value)}}`), new Map([['a', '-']]));
  assert.deepEqual(run(`{object_key: a, factory_key: envoy.string, ${format(value, ', omit_empty_values: true')}}`), new Map([['a', '']]));
  assert.equal(run(`{object_key: a, factory_key: envoy.string, skip_if_empty: true, ${format(value, ', omit_empty_values: true')}}`), null);
});

test('what is read-only stays; an object keeps its kind', () => {
  const set = (value: string, readOnly: boolean): string => `{object_key: a, factory_key: envoy.string, read_only: ${readOnly}, ${format(value)}}`;
  const wins = (...values: string[]): unknown => run(...values)?.get('a');
  assert.deepEqual([wins(set('1', true), set('2', false)), wins(set('1', true), set('2', true)), wins(set('1', false), set('2', true)), wins(set('1', false), set('2', false))], ['1', '1', '1', '2']);
});

for (const [value, path, why] of [
  [`{object_key: foo, ${format('x')}}`, 'on_new_connection[0].factory_key', "'foo' does not have an object factory"],
  [`{object_key: foo, factory_key: bar, ${format('x')}}`, 'on_new_connection[0].factory_key', "'foo' does not have an object factory"],
  [`{object_key: foo, factory_key: toString, ${format('x')}}`, 'on_new_connection[0].factory_key', "'foo' does not have an object factory"],
  [`{object_key: envoy.network.upstream_server_name, ${format('x')}}`, 'on_new_connection[0].factory_key', "known to Envoy, not in nuncio yet: filter state object 'envoy.network.upstream_server_name'"],
] as const) {
  test(`refused: ${value}`, () => {
    assert.throws(() => run(value), (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.deepEqual([error.path, error.why], [path, why]);
      return true;
    });
  });
}

test('refused by the API: no key, no value', () => {
  assert.throws(() => run(`{factory_key: envoy.string, ${format('x')}}`), ConfigErrors);
  assert.throws(() => run('{object_key: a, factory_key: envoy.string}'), ConfigErrors);
});
