import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { HOST_DEGRADED_ACTIVE_HC, HOST_FAILED_ACTIVE_HC } from '../../contract/upstream.ts';
import type { ClusterEntry } from './cluster-entry.ts';
import { EdfScheduler } from './edf-scheduler.ts';
import { computePriorityLoad } from './priority-load.ts';
import { TestThread } from './test-support.ts';

let thread: TestThread;
beforeEach(() => {
  thread = new TestThread();
});
afterEach(() => thread.dispose());

/** A cluster whose endpoints are 192.0.2.1, 192.0.2.2, …; each entry a weight, each list a priority. */
function cluster(priorities: readonly (readonly number[])[], extra = ''): ClusterEntry {
  let host = 0;
  const endpoints = priorities.map((weights, priority) => ({
    priority,
    lb_endpoints: weights.map((weight) => ({
      load_balancing_weight: weight,
      endpoint: { address: { socket_address: { address: `192.0.2.${++host}`, port_value: 80 } } },
    })),
  }));
  return thread.addCluster(`{name: a, load_assignment: ${JSON.stringify({ cluster_name: 'a', endpoints })}${extra}}`);
}

/** Last digits of the picked addresses, `-` for none. */
function picks(entry: ClusterEntry, count: number): string {
  let out = '';
  for (let i = 0; i < count; i++) out += entry.loadBalancer.chooseHost(null)?.address.ip.slice(-1) ?? '-';
  return out;
}

/** Sets health flags as another thread would. */
function setHealth(entry: ClusterEntry, flags: number, ...hosts: readonly number[]): void {
  for (const host of hosts) entry.hosts[host - 1].healthFlags.store(flags);
  entry.info.healthVersion.add(1);
}

/** Sequences that Envoy 1.40 picked (hosts A, B, C with these weights), from wherever it began. */
const ENVOY_SEQUENCES: readonly (readonly [readonly number[], string])[] = [
  [[1, 2, 3], 'CBCABCCBCABCCBCABCCBCABC'],
  [[5, 1, 1], 'AAABCAAAAABCAAAAABCAAAAA'],
  [[3, 3, 1], 'BABABCABABABCABABABCABAB'],
];

for (const [weights, sequence] of ENVOY_SEQUENCES) {
  test(`EDF picks as Envoy does: ${weights.join(' ')}`, () => {
    const period = weights.reduce((sum, weight) => sum + weight, 0);
    const weightOf = (host: number): number => weights[host];
    for (let start = 0; start < 50; start++) {
      const scheduler = EdfScheduler.withPicks([0, 1, 2], weightOf, start);
      let picked = '';
      for (let i = 0; i < sequence.length + period; i++) picked += 'ABC'[scheduler.pick(weightOf) ?? 0];
      assert.ok(picked.includes(sequence.slice(0, sequence.length - period + 1)), `start ${start}: ${picked}`);
    }
  });
}

test('EDF: picks in advance leave the state that one by one would', () => {
  const weights = [7, 2, 9, 4];
  const weightOf = (host: number): number => weights[host];
  for (const start of [1, 5, 22, 101, 1_000]) {
    const slow = new EdfScheduler<number>();
    [0, 1, 2, 3].forEach((host) => slow.add(weightOf(host), host));
    for (let i = 0; i < start; i++) slow.pick(weightOf);
    const quick = EdfScheduler.withPicks([0, 1, 2, 3], weightOf, start);
    const counts = [new Array<number>(4).fill(0), new Array<number>(4).fill(0)];
    for (let i = 0; i < 22; i++) {
      counts[0][slow.pick(weightOf) ?? 0]++;
      counts[1][quick.pick(weightOf) ?? 0]++;
    }
    assert.deepEqual(counts[1], counts[0]);
    assert.deepEqual(counts[0], weights);
  }
});

test('EDF: nothing to pick', () => {
  assert.equal(new EdfScheduler<number>().pick(() => 1), null);
  assert.equal(EdfScheduler.withPicks<number>([], () => 1, 5).pick(() => 1), null);
});

test('equal weights: in turn, exactly', () => {
  const sequence = picks(cluster([[1, 1, 1]]), 9);
  assert.match(`${sequence}${sequence}`, /123123123/);
});

test('different weights: exactly by weight over each round', () => {
  const sequence = picks(cluster([[1, 2, 3]]), 60);
  assert.deepEqual(['1', '2', '3'].map((host) => sequence.split(host).length - 1), [10, 20, 30]);
});

test('no hosts: none', () => {
  assert.equal(picks(cluster([]), 2), '--');
});

test('the host that a retry does not want is asked for again', () => {
  const entry = cluster([[1, 1]]);
  const context = {
    hashKey: () => null,
    metadataMatch: null,
    downstreamHeaders: null,
    downstreamConnection: null,
    hostSelectionRetryCount: 1,
    shouldSelectAnotherHost: (host: { readonly address: { readonly ip: string } }) => host.address.ip === '192.0.2.1',
  };
  for (let i = 0; i < 4; i++) assert.equal(entry.loadBalancer.chooseHost(context)?.address.ip, '192.0.2.2');
});

test('unhealthy hosts get nothing, as soon as any thread says so', () => {
  const entry = cluster([[1, 1, 1, 1]]);
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 2);
  assert.equal(picks(entry, 30).includes('2'), false);
  setHealth(entry, 0, 2);
  assert.equal(picks(entry, 4).includes('2'), true);
});

test('panic: below the threshold all hosts are used, and counted', () => {
  const entry = cluster([[1, 1, 1, 1]]);
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 1, 2, 3);
  assert.deepEqual([...new Set(picks(entry, 8))].sort(), ['1', '2', '3', '4']);
  assert.equal(thread.stat('cluster.a.lb_healthy_panic'), 8);
});

test('panic: fail_traffic_on_panic gives nothing', () => {
  const entry = cluster([[1, 1]], ', common_lb_config: {zone_aware_lb_config: {fail_traffic_on_panic: true}}');
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 1, 2);
  assert.equal(picks(entry, 3), '---');
});

test('panic threshold 0: no panic, and nothing when all are down', () => {
  const entry = cluster([[1, 1]], ', common_lb_config: {healthy_panic_threshold: {value: 0}}');
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 1, 2);
  assert.equal(picks(entry, 3), '---');
});

/** The examples of Envoy's documentation on priority levels. */
const PRIORITY_CASES: readonly { readonly down: number; readonly healthy: readonly number[] }[] = [
  { down: 0, healthy: [100, 0] },
  { down: 29, healthy: [99, 1] },
  { down: 50, healthy: [70, 30] },
  { down: 75, healthy: [35, 65] },
];

for (const { down, healthy } of PRIORITY_CASES) {
  test(`priorities: ${100 - down} % of P0 healthy`, () => {
    const entry = cluster([new Array<number>(100).fill(1).map(() => 1), [1]]);
    const hosts = Array.from({ length: down }, (_, i) => i + 1);
    setHealth(entry, HOST_FAILED_ACTIVE_HC, ...hosts);
    entry.prioritySet.resort();
    const load = computePriorityLoad(entry.prioritySet, 50);
    assert.deepEqual(load.healthy, healthy);
    assert.deepEqual(load.panic, [false, false]);
  });
}

test('priorities: both low is normalised to 100', () => {
  const entry = cluster([[1, 1, 1, 1], [1, 1, 1, 1]]);
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 1, 2, 3, 5, 6, 7);
  entry.prioritySet.resort();
  const load = computePriorityLoad(entry.prioritySet, 0);
  assert.deepEqual(load.healthy, [50, 50]);
});

test('priorities: all in panic, by number of hosts', () => {
  const entry = cluster([[1, 1, 1], [1]]);
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 1, 2, 3, 4);
  entry.prioritySet.resort();
  const load = computePriorityLoad(entry.prioritySet, 50);
  assert.deepEqual(load, { healthy: [75, 25], degraded: [0, 0], panic: [true, true], onlyFirst: false });
});

test('degraded hosts come after the healthy ones of all priorities', () => {
  const entry = cluster([[1, 1], [1, 1]]);
  setHealth(entry, HOST_FAILED_ACTIVE_HC, 1, 3, 4);
  setHealth(entry, HOST_DEGRADED_ACTIVE_HC, 2);
  entry.prioritySet.resort();
  const load = computePriorityLoad(entry.prioritySet, 0);
  assert.deepEqual(load.healthy, [0, 0]);
  assert.deepEqual(load.degraded, [100, 0]);
  assert.deepEqual([...new Set(picks(entry, 4))], ['2']);
});
