import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { HttpPoolCallbacks } from '../../contract/upstream.ts';
import { PROTOCOL_HTTP11 } from '../../contract/stream-info.ts';
import { TestThread } from './test-support.ts';

let thread: TestThread;
beforeEach(() => {
  thread = new TestThread();
});
afterEach(() => {
  thread.clusters.shutdown();
  assert.equal(thread.dispatcher.armedTimers, 0, 'a timer is left');
  thread.dispose();
});

const HOSTS = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];

function addCluster(policy: string, weights: readonly number[] = [1, 1, 1]): void {
  const endpoints = HOSTS.map((ip, i) => `{load_balancing_weight: ${weights[i]}, endpoint: {address: {socket_address: {address: ${ip}, port_value: 80}}}}`);
  thread.addCluster(`{name: a, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [${endpoints.join(', ')}]}]}, preconnect_policy: ${policy}}`);
}

const callbacks: HttpPoolCallbacks = { onPoolReady: () => {}, onPoolFailure: () => {} };

/** Starts a request; returns the hosts that were connected to for it, in order. */
function request(): string[] {
  const before = thread.io.connects.length;
  thread.dispatcher.runInTurn(() => {
    const pool = thread.clusters.getThreadLocalCluster('a')?.httpPool(0, PROTOCOL_HTTP11, null) ?? null;
    assert.ok(pool !== null);
    pool.newStream({ decode1xxHeaders: () => {}, decodeHeaders: () => {}, decodeData: () => {}, decodeTrailers: () => {} }, callbacks);
  }, undefined);
  return thread.io.connects.slice(before).map((each) => each.remote.ip);
}

function ring(from: string, count: number): string[] {
  const at = HOSTS.indexOf(from);
  return Array.from({ length: count }, (_, i) => HOSTS[(at + i) % HOSTS.length]);
}

test('predictive: the hosts that are next in turn are connected to ahead', () => {
  addCluster('{predictive_preconnect_ratio: 2}');
  const [second, third, first] = request();
  assert.deepEqual([first, second, third], ring(first, 3));
  assert.equal(thread.stat('cluster.a.upstream_cx_total'), 3);
  // What was looked at ahead is what is picked then: no host is connected to twice.
  const next = request();
  assert.ok(!next.includes(second), `${second} has a connection under way: ${next.join()}`);
});

test('no more hosts are looked at ahead than are healthy', () => {
  addCluster('{predictive_preconnect_ratio: 3}');
  // The third that is looked at is the picked host itself.
  assert.deepEqual(request().sort(), HOSTS);
  // One was picked since, so one more may be looked at.
  assert.equal(request().length, 1);
  assert.equal(request().length, 1);
});

test('predictive with weights: picks follow what was looked at', () => {
  addCluster('{predictive_preconnect_ratio: 2}', [1, 2, 3]);
  const connects = request();
  assert.equal(connects.length, 3);
});

test('without a policy a request connects once', () => {
  addCluster('{}');
  assert.equal(request().length, 1);
  assert.equal(request().length, 1);
});
