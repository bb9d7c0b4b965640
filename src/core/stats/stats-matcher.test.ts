import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatsMatcher } from '#api/envoy/config/metrics/v3/stats_pb.js';
import { fromYaml } from '../../common/testing/messages.ts';
import { StatsMerger } from './merger.ts';
import { buildStatsMatcher } from './stats-matcher.ts';
import { StatsStore } from './store.ts';

/** Names that are seen under a stats_matcher. */
function seen(yaml: string): string[] {
  const merger = new StatsMerger();
  const source = merger.attach();
  const root = new StatsStore((definition) => source.apply(definition)).root();
  root.counter('http.a.rq').inc();
  root.gauge('cluster.c.active').set(1);
  root.scope('server').histogram('time', 'milliseconds').record(3);
  const filter = buildStatsMatcher(fromYaml<StatsMatcher>('envoy.config.metrics.v3.StatsMatcher', yaml));
  if (filter !== null) merger.restrictTo(filter);
  const names: string[] = [];
  merger.forEach((stat) => names.push(stat.name));
  return names.sort();
}

const ALL = ['cluster.c.active', 'http.a.rq', 'server.time'];

test('stats_matcher: inclusion and exclusion lists, all or nothing', () => {
  assert.deepEqual(seen('reject_all: false'), ALL);
  assert.deepEqual(seen('reject_all: true'), []);
  assert.deepEqual(seen('exclusion_list: {patterns: [{prefix: http.}]}'), ['cluster.c.active', 'server.time']);
  assert.deepEqual(seen('inclusion_list: {patterns: [{prefix: http.}, {safe_regex: {regex: "server\\\\..*"}}]}'), ['http.a.rq', 'server.time']);
});
