import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatsMerger } from './merger.ts';
import type { StatsSource } from './merger.ts';
import { approximateSum, countBelow, quantiles, totalCount } from './log-linear.ts';
import { StatsStore, defineStatsSchema } from './store.ts';

const schema = defineStatsSchema({
  id: 'test.family',
  counters: ['hits', 'misses'],
  gauges: ['active'],
  histograms: [['time', 'milliseconds']],
});

function thread(merger: StatsMerger): { store: StatsStore; source: StatsSource } {
  const source = merger.attach();
  // structuredClone is what a message port does to a definition.
  return { store: new StatsStore((definition) => source.apply(structuredClone(definition))), source };
}

function names(merger: StatsMerger): string[] {
  const all: string[] = [];
  merger.forEach((stat) => all.push(`${stat.name}=${stat.value}`));
  return all.sort();
}

test('counters and gauges of several threads add up', () => {
  const merger = new StatsMerger();
  const a = thread(merger);
  const b = thread(merger);
  for (const { store } of [a, b]) {
    const scope = store.root().scope('http.front');
    scope.counter('rq_total').add(3);
    scope.gauge('rq_active').inc();
    assert.equal(scope.counter('rq_total'), store.root().scope('http.front').counter('rq_total'));
  }
  assert.deepEqual(names(merger), ['http.front.rq_active=2', 'http.front.rq_total=6']);
  a.source.end();
  assert.deepEqual(names(merger), ['http.front.rq_active=1', 'http.front.rq_total=6'], 'an ended thread leaves its counts, not its gauges');
  merger.resetCounters();
  assert.deepEqual(names(merger), ['http.front.rq_active=1', 'http.front.rq_total=0']);
});

test('a block lists all members at zero before any is used, and costs no cells', () => {
  const merger = new StatsMerger();
  const { store } = thread(merger);
  const scope = store.root().scope('cluster.a:1');
  const block = scope.block(schema);
  assert.equal(store.space.chunks.length, 0);
  assert.deepEqual(names(merger), ['cluster.a_1.active=0', 'cluster.a_1.hits=0', 'cluster.a_1.misses=0', 'cluster.a_1.time=0']);
  block.counter('hits').inc();
  block.gauge('active').set(7);
  block.histogram('time').record(12);
  assert.equal(merger.find('cluster.a_1.hits')?.value, 1);
  assert.equal(merger.find('cluster.a_1.active')?.value, 7);
  assert.equal(merger.find('cluster.a_1.time')?.bins.length, 1);
  merger.resetCounters();
  assert.equal(merger.find('cluster.a_1.hits')?.value, 0);
  assert.equal(merger.find('cluster.a_1.active')?.value, 7);
  scope.dispose();
  assert.deepEqual(names(merger), []);
});

test('stats are freed with their last scope and cells are used again, zeroed', () => {
  const merger = new StatsMerger();
  const { store } = thread(merger);
  const one = store.root().scope('x');
  const two = store.root().scope('x');
  one.counter('c').add(5);
  two.counter('c').add(1);
  one.dispose();
  assert.equal(merger.find('x.c')?.value, 6);
  two.dispose();
  assert.equal(merger.find('x.c'), null);
  store.root().scope('y').counter('d');
  assert.deepEqual(merger.find('y.d'), { kind: 'counter', name: 'y.d', unit: 'unspecified', value: 0, used: false, bins: [] });
});

test('a gauge that came back to zero has been used, one that never moved has not', () => {
  const merger = new StatsMerger();
  const { store } = thread(merger);
  const gauge = store.root().gauge('g');
  assert.equal(merger.find('g')?.used, false);
  gauge.inc();
  gauge.dec();
  assert.deepEqual([merger.find('g')?.value, merger.find('g')?.used], [0, true]);
});

test('histograms keep two digits of every value', () => {
  const merger = new StatsMerger();
  const { store } = thread(merger);
  const histogram = store.root().histogram('t', 'milliseconds');
  for (const value of [0, 1, 9, 10, 99, 100, 109, 110, 12_345, 1e15]) histogram.record(value);
  const bins = merger.find('t')?.bins ?? [];
  assert.deepEqual(
    bins.map((bin) => [bin.left, bin.width, bin.count]),
    [[0, 0, 1], [1, 0.1, 1], [9, 0.1, 1], [10, 1, 1], [99, 1, 1], [100, 10, 2], [110, 10, 1], [12_000, 1_000, 1], [1e15, 1e14, 1]],
  );
  assert.equal(totalCount(bins), 10);
});

// Envoy 1.40's own figures for these recordings.
test('quantiles, sums and counts are those of Envoy', () => {
  const three = [{ left: 2, width: 0.1, count: 3 }];
  assert.deepEqual(quantiles(three, [0, 0.25, 0.5, 0.75, 1]), [2.025, 2.025, 2.05, 2.075, 2.075]);
  assert.equal(approximateSum(three).toFixed(6), '6.146341');
  const two = [{ left: 1, width: 0.1, count: 2 }, { left: 2, width: 0.1, count: 1 }];
  assert.deepEqual(quantiles(two, [0, 0.5, 0.75]), [1.0333333333333334, 1.0666666666666667, 2.05]);
  assert.equal(approximateSum(two).toFixed(6), '4.144019');
  assert.deepEqual([0.5, 1, 5].map((bound) => countBelow(two, bound)), [0, 2, 3]);
  assert.ok(Number.isNaN(quantiles([], [0.5])[0]));
});

test('a text readout is told on', () => {
  const merger = new StatsMerger();
  const { store } = thread(merger);
  store.root().textReadout('control_plane.identifier').set('cp-1');
  const texts: string[] = [];
  merger.forEachText((name, value) => texts.push(`${name}=${value}`));
  assert.deepEqual(texts, ['control_plane.identifier=cp-1']);
});

test('a name of a block that is asked for at its scope is the block\'s: it is listed once', () => {
  const merger = new StatsMerger();
  const { store } = thread(merger);
  const scope = store.root().scope('x');
  scope.block(schema).counter('hits').inc();
  scope.counter('hits').inc();
  scope.gauge('active').inc();
  scope.counter('other').inc();
  assert.deepEqual(names(merger).filter((each) => !each.startsWith('x.time')), ['x.active=1', 'x.hits=2', 'x.misses=0', 'x.other=1']);
});

test('gauges of an ended thread stay where their schema says so', () => {
  const kept = defineStatsSchema({ id: 'test.kept', counters: [], gauges: ['open'], histograms: [], gaugesOutliveThreads: true });
  const merger = new StatsMerger();
  const one = thread(merger);
  const two = thread(merger);
  one.store.root().scope('k').block(kept).gauge('open').inc();
  one.source.end();
  const open = two.store.root().scope('k').block(kept).gauge('open');
  assert.deepEqual(names(merger), ['k.open=1']);
  open.dec();
  assert.deepEqual(names(merger), ['k.open=0']);
});
