import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterConfig } from '#api/envoy/extensions/filters/http/grpc_stats/v3/config_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { GRPC_STATS_CONFIG, grpcStatsConfig } from './config.ts';

const read = (yaml: string) => grpcStatsConfig(fromYaml<FilterConfig>(GRPC_STATS_CONFIG, yaml));

test('defaults and settings', () => {
  const defaults = { emitFilterState: false, upstreamStats: false, replaceDots: false, allMethods: false, allowlist: new Map() };
  assert.deepEqual(read('{}'), defaults);
  assert.deepEqual(read('stats_for_all_methods: false'), defaults);
  assert.deepEqual(
    read('{emit_filter_state: true, stats_for_all_methods: true, enable_upstream_stats: true, replace_dots_in_grpc_service_name: true}'),
    { emitFilterState: true, upstreamStats: true, replaceDots: true, allMethods: true, allowlist: new Map() },
  );
});

test('an allowlist may name a service twice', () => {
  const { allowlist } = read(
    'individual_method_stats_allowlist: {services: [{name: a, method_names: [x]}, {name: b, method_names: [w]}, {name: a, method_names: [z]}]}',
  );
  assert.deepEqual(allowlist, new Map([['a', new Set(['x', 'z'])], ['b', new Set(['w'])]]));
});

test('bad YAML: why and where', () => {
  const refused = (yaml: string, text: string): void => {
    assert.throws(() => read(yaml), (error) => error instanceof Error && error.message === text, yaml);
  };
  refused('individual_method_stats_allowlist: {services: [{method_names: [x]}]}',
    'individual_method_stats_allowlist.services[0].name: value length must be at least 1 characters');
  refused('individual_method_stats_allowlist: {services: [{name: a}]}',
    'individual_method_stats_allowlist.services[0].method_names: value must contain at least 1 item(s)');
  refused('emit_state: true', `emit_state: no such field: 'emit_state' in ${GRPC_STATS_CONFIG}`);
});
