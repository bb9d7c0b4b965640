import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { HOST_FAILED_ACTIVE_HC, HOST_PENDING_ACTIVE_HC, HOST_PENDING_DYNAMIC_REMOVAL } from '../../contract/upstream.ts';
import type { DnsAnswer, DnsLookup } from '../upstream/dns-lookup.ts';
import { TestThread } from '../upstream/test-support.ts';

const GOOD = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const BAD = 'HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n';

/** A STRICT_DNS cluster with a check; the test is the name server and the hosts. */
class Names implements DnsLookup {
  private done: ((answer: DnsAnswer) => void) | null = null;
  readonly thread: TestThread;
  ready = false;

  constructor(extra = '') {
    this.thread = new TestThread({ dnsLookup: this });
    this.thread.addCluster(
      '{name: a, type: STRICT_DNS, dns_refresh_rate: 1s, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: a.test, port_value: 80}}}}]}]}, ' +
      `health_checks: [{timeout: 1s, interval: 10s, no_traffic_interval: 10s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {path: /}}]${extra}}`,
    );
    this.thread.clusters.start(() => {
      this.ready = true;
    });
  }

  resolve(_name: string, _family: number, _wantTtl: boolean, done: (answer: DnsAnswer) => void): void {
    this.done = done;
  }

  /** The next answer, after the refresh time where one was given before. */
  answer(...addresses: string[]): void {
    if (this.done === null) this.thread.advance(1_001);
    const { done } = this;
    this.done = null;
    done?.({ ok: true, addresses, ttl: Infinity, error: '' });
    this.thread.dispatcher.runPosted();
  }

  /** The newest check of this host is answered. */
  check(ip: string, answer: string): void {
    const transport = this.thread.io.connects.findLast((each) => each.remote.ip === ip && each.closed === 'no');
    assert.ok(transport !== undefined, `${ip} is not checked`);
    if (!transport.written.includes('GET')) transport.connected();
    transport.receive(answer);
  }

  /** Address and flags of every host. */
  get hosts(): readonly (readonly [string, number])[] {
    return (this.thread.clusters.getThreadLocalCluster('a')?.hosts ?? []).map((host) => [host.address.ip, host.healthFlags.load()]);
  }

  stat(name: string): number {
    return this.thread.stat(`cluster.a.${name}`);
  }
}

let names: Names;

afterEach(() => {
  names.thread.clusters.shutdown();
  assert.equal(names.thread.dispatcher.armedTimers, 0);
  names.thread.dispose();
});

test('ready when names are resolved and every host has been checked', () => {
  names = new Names();
  names.answer('192.0.2.1', '192.0.2.2');
  assert.deepEqual([names.ready, names.hosts], [false, [['192.0.2.1', HOST_FAILED_ACTIVE_HC], ['192.0.2.2', HOST_FAILED_ACTIVE_HC]]]);
  names.check('192.0.2.1', GOOD);
  assert.equal(names.ready, false);
  names.check('192.0.2.2', BAD);
  assert.deepEqual([names.ready, names.stat('membership_healthy')], [true, 1]);
});

test('a name without addresses does not keep the proxy waiting', () => {
  names = new Names();
  names.answer();
  assert.equal(names.ready, true);
});

test('a host that leaves while it is checked for the first time does not, either', () => {
  names = new Names();
  names.answer('192.0.2.1');
  assert.equal(names.ready, false);
  names.answer('192.0.2.2');
  names.check('192.0.2.2', GOOD);
  assert.equal(names.ready, true);
});

test('a healthy host that is not found any more stays until it fails', () => {
  names = new Names();
  names.answer('192.0.2.1', '192.0.2.2');
  names.check('192.0.2.1', GOOD);
  names.check('192.0.2.2', GOOD);
  names.answer('192.0.2.2');
  assert.deepEqual(names.hosts, [['192.0.2.2', 0], ['192.0.2.1', HOST_PENDING_DYNAMIC_REMOVAL]]);
  names.answer('192.0.2.2', '192.0.2.1');
  assert.deepEqual(names.hosts.map(([, flags]) => flags), [0, 0]);
  names.answer('192.0.2.2');
  names.thread.advance(10_001);
  names.check('192.0.2.1', BAD);
  assert.deepEqual(names.hosts, [['192.0.2.2', 0]]);
  assert.deepEqual([names.stat('membership_total'), names.stat('health_check.healthy')], [1, 1]);
});

test('an unhealthy host goes at once; so does a healthy one with ignore_health_on_host_removal', () => {
  names = new Names();
  names.answer('192.0.2.1', '192.0.2.2');
  names.check('192.0.2.1', BAD);
  names.check('192.0.2.2', GOOD);
  names.answer('192.0.2.2');
  assert.deepEqual(names.hosts, [['192.0.2.2', 0]]);
  names.thread.clusters.shutdown();
  names.thread.dispose();
  names = new Names(', ignore_health_on_host_removal: true');
  names.answer('192.0.2.1', '192.0.2.2');
  names.check('192.0.2.1', GOOD);
  names.check('192.0.2.2', GOOD);
  names.answer('192.0.2.2');
  assert.deepEqual(names.hosts, [['192.0.2.2', 0]]);
});

test('a host that comes back begins anew', () => {
  names = new Names();
  names.answer('192.0.2.1', '192.0.2.2');
  names.check('192.0.2.1', BAD);
  names.check('192.0.2.2', GOOD);
  names.answer('192.0.2.2');
  names.answer('192.0.2.1', '192.0.2.2');
  assert.deepEqual(names.hosts, [['192.0.2.1', HOST_FAILED_ACTIVE_HC], ['192.0.2.2', 0]]);
  names.check('192.0.2.1', GOOD);
  assert.deepEqual([names.hosts.map(([, flags]) => flags), names.stat('membership_healthy')], [[0, 0], 2]);
});

test('ignore_new_hosts_until_first_hc: a new host is not counted', () => {
  names = new Names(', common_lb_config: {ignore_new_hosts_until_first_hc: true}');
  names.answer('192.0.2.1');
  assert.deepEqual(names.hosts, [['192.0.2.1', HOST_FAILED_ACTIVE_HC | HOST_PENDING_ACTIVE_HC]]);
  assert.equal(names.stat('membership_excluded'), 1);
  names.check('192.0.2.1', BAD);
  assert.deepEqual([names.hosts[0][1], names.stat('membership_excluded')], [HOST_FAILED_ACTIVE_HC, 0]);
});

test('a cluster that is removed is checked no more', () => {
  names = new Names();
  names.answer('192.0.2.1');
  names.check('192.0.2.1', GOOD);
  names.thread.clusters.removeCluster('a', names.thread.context);
  names.thread.advance(100_000);
  assert.equal(names.thread.io.connects.length, 1);
  assert.notEqual(names.thread.io.connects[0].closed, 'no');
});
