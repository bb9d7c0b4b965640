import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { DnsAnswer, DnsLookup } from './dns-lookup.ts';
import { TestThread } from './test-support.ts';

/** Name servers that answer when the test says so. */
class FakeDns implements DnsLookup {
  readonly asked: { readonly name: string; readonly family: number; readonly done: (answer: DnsAnswer) => void }[] = [];

  resolve(name: string, family: number, _wantTtl: boolean, done: (answer: DnsAnswer) => void): void {
    this.asked.push({ name, family, done });
  }

  answer(addresses: readonly string[], ttl = Infinity): void {
    this.next().done({ ok: true, addresses, ttl, error: '' });
  }

  fail(): void {
    this.next().done({ ok: false, addresses: [], ttl: Infinity, error: 'timeout' });
  }

  private next(): { readonly done: (answer: DnsAnswer) => void } {
    const next = this.asked.shift();
    assert.ok(next !== undefined, 'nothing was asked');
    return next;
  }
}

let thread: TestThread;
let dns: FakeDns;
let ready: boolean;

function start(extra: string, names: readonly string[] = ['one.example']): void {
  dns = new FakeDns();
  thread = new TestThread({ dnsLookup: dns });
  ready = false;
  const endpoints = names.map((name) => `{endpoint: {address: {socket_address: {address: '${name}', port_value: 80}}}}`).join(', ');
  thread.addCluster(`{name: a, type: STRICT_DNS, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [${endpoints}]}]}${extra}}`);
  thread.clusters.start(() => {
    ready = true;
  });
}

function answer(...args: Parameters<FakeDns['answer']>): void {
  dns.answer(...args);
  thread.dispatcher.runPosted();
}

function hosts(): string[] {
  return (thread.clusters.getThreadLocalCluster('a')?.hosts ?? []).map((host) => host.address.text);
}

afterEach(() => {
  thread.clusters.shutdown();
  assert.equal(thread.dispatcher.armedTimers, 0);
  thread.dispose();
});

test('every address of every name is a host; ready after the first answers', () => {
  start('', ['one.example', 'two.example', '192.0.2.9']);
  thread.dispatcher.runPosted();
  answer(['192.0.2.1', '2001:db8::1']);
  assert.equal(ready, false);
  answer(['192.0.2.2', '192.0.2.1']);
  assert.equal(ready, true);
  assert.deepEqual(hosts(), ['192.0.2.1:80', '[2001:db8::1]:80', '192.0.2.2:80', '192.0.2.9:80']);
  assert.equal(thread.clusters.getThreadLocalCluster('a')?.hosts[0].hostname, 'one.example');
  assert.equal(thread.stat('cluster.a.membership_total'), 4);
  assert.equal(thread.stat('cluster.a.update_success'), 3);
});

test('refresh after 5 s; hosts that stay are the same objects; no change is no rebuild', () => {
  start('');
  answer(['192.0.2.1', '192.0.2.2']);
  const [first] = thread.clusters.getThreadLocalCluster('a')?.hosts ?? [];
  thread.advance(4_999);
  assert.equal(dns.asked.length, 0);
  thread.advance(2);
  answer(['192.0.2.2', '192.0.2.1']);
  assert.equal(thread.stat('cluster.a.update_no_rebuild'), 1);
  thread.advance(5_001);
  answer(['192.0.2.1', '192.0.2.3']);
  assert.deepEqual(hosts(), ['192.0.2.1:80', '192.0.2.3:80']);
  assert.equal(thread.clusters.getThreadLocalCluster('a')?.hosts[0], first);
  assert.equal(thread.stat('cluster.a.membership_change'), 2);
});

test('a failure keeps what was known; a name without addresses empties the cluster', () => {
  start('');
  answer(['192.0.2.1']);
  thread.advance(5_001);
  dns.fail();
  thread.dispatcher.runPosted();
  assert.deepEqual(hosts(), ['192.0.2.1:80']);
  assert.equal(thread.stat('cluster.a.update_failure'), 1);
  thread.advance(5_001);
  answer([]);
  assert.deepEqual(hosts(), []);
  assert.equal(thread.stat('cluster.a.update_empty'), 1);
});

test('a first failure counts as an answer for readiness', () => {
  start('');
  dns.fail();
  thread.dispatcher.runPosted();
  assert.equal(ready, true);
});

test('respect_dns_ttl', () => {
  start(', respect_dns_ttl: true');
  answer(['192.0.2.1'], 30);
  thread.advance(29_000);
  assert.equal(dns.asked.length, 0);
  thread.advance(1_001);
  assert.equal(dns.asked.length, 1);
});

test('dns_failure_refresh_rate backs off within its maximum', () => {
  start(', dns_failure_refresh_rate: {base_interval: 0.1s, max_interval: 0.2s}');
  for (let i = 0; i < 5; i++) {
    dns.fail();
    thread.dispatcher.runPosted();
    assert.equal(dns.asked.length, 0);
    thread.advance(202);
    assert.equal(dns.asked.length, 1);
  }
});

test('dns_jitter is added', () => {
  start(', dns_refresh_rate: 1s, dns_jitter: 4s');
  answer(['192.0.2.1']);
  thread.advance(1_001);
  const asked = dns.asked.length;
  thread.advance(4_000);
  assert.deepEqual([asked, dns.asked.length], [0, 1]);
});

test('hosts that leave lose their idle connections', () => {
  start('');
  answer(['192.0.2.1']);
  const entry = thread.clusters.getThreadLocalCluster('a');
  const callbacks = { onPoolReady: () => {}, onPoolFailure: () => {} };
  thread.dispatcher.runInTurn(() => entry?.tcpPool(0, null)?.newConnection(callbacks)?.cancel(false), undefined);
  thread.io.last.connected();
  thread.advance(5_001);
  answer(['192.0.2.2']);
  assert.equal(thread.io.last.closed, 'closed');
});

test('workers are told, also those that start later', () => {
  dns = new FakeDns();
  thread = new TestThread({ dnsLookup: dns });
  thread.addCluster('{name: a, type: STRICT_DNS, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: x.example, port_value: 80}}}}]}]}}');
  thread.clusters.start(() => {});
  answer(['192.0.2.1']);
  const updates = structuredClone(thread.clusters.hostUpdates);
  assert.deepEqual(updates, [{ cluster: 'a', priorities: [[{ ip: '192.0.2.1', port: 80, spec: 0 }]] }]);
  for (const update of updates) thread.clusters.applyHostUpdate({ ...update, priorities: [[{ ip: '192.0.2.7', port: 80, spec: 0 }]] });
  assert.deepEqual(hosts(), ['192.0.2.7:80']);
  thread.clusters.applyHostUpdate({ cluster: 'unknown', priorities: [] });
});
