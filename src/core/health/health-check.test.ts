import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  HOST_ACTIVE_HC_TIMEOUT, HOST_DEGRADED_ACTIVE_HC, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL, HOST_FAILED_ACTIVE_HC,
} from '../../contract/upstream.ts';
import { CheckedCluster } from './testing.ts';

let cluster: CheckedCluster;

afterEach(() => cluster.dispose());

function start(...args: ConstructorParameters<typeof CheckedCluster>): void {
  cluster = new CheckedCluster(...args);
}

const HTTP = 'http_health_check: {path: /ok}';
const GOOD = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const BAD = 'HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n';

test('a host begins unhealthy; the first good answer is enough, and the cluster is ready then', () => {
  start(HTTP);
  assert.deepEqual([cluster.flags, cluster.ready, cluster.membershipHealthy], [HOST_FAILED_ACTIVE_HC, false, 0]);
  assert.equal(cluster.accept(), 'GET /ok HTTP/1.1\r\nhost: a\r\nuser-agent: Envoy/HC\r\n\r\n');
  cluster.socket.receive(GOOD);
  assert.deepEqual([cluster.flags, cluster.ready, cluster.membershipHealthy], [0, true, 1]);
  assert.deepEqual(cluster.counts, [1, 1, 0, 0, 0, 1]);
  assert.equal(cluster.stat('membership_change'), 1);
  assert.equal(cluster.stat('upstream_cx_total'), 0);
});

test('the connection is kept between checks; the next comes after the interval', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.thread.advance(9_999);
  assert.equal(cluster.sent(), '');
  cluster.thread.advance(2);
  assert.match(cluster.sent(), /^GET \/ok/);
  cluster.socket.receive('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  assert.equal(cluster.socket.closed, 'closed');
  cluster.thread.advance(10_001);
  assert.equal(cluster.connects, 2);
});

test('reuse_connection: false connects for each check', () => {
  start(`${HTTP}, reuse_connection: false`);
  cluster.accept();
  cluster.socket.receive(GOOD);
  assert.equal(cluster.socket.closed, 'closed');
  cluster.thread.advance(10_001);
  assert.equal(cluster.connects, 2);
});

test('a bad answer is unhealthy at once; two good ones make it healthy again', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.thread.advance(10_001);
  cluster.socket.receive(BAD);
  assert.deepEqual([cluster.flags, cluster.membershipHealthy], [HOST_FAILED_ACTIVE_HC, 0]);
  cluster.thread.advance(10_001);
  cluster.socket.receive(GOOD);
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
  cluster.thread.advance(10_001);
  cluster.socket.receive(GOOD);
  assert.deepEqual([cluster.flags, cluster.membershipHealthy], [0, 1]);
  assert.deepEqual(cluster.counts, [4, 3, 1, 0, 0, 1]);
});

test('retriable statuses and lost connections count against unhealthy_threshold', () => {
  start('http_health_check: {path: /, retriable_statuses: [{start: 500, end: 501}]}');
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.thread.advance(10_001);
  cluster.socket.receive(BAD);
  assert.equal(cluster.flags, 0);
  cluster.thread.advance(10_001);
  cluster.socket.end();
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
  assert.deepEqual(cluster.counts, [3, 1, 2, 1, 0, 0]);
});

test('a timeout closes the connection and shows in the flags', () => {
  start(HTTP);
  cluster.accept();
  cluster.thread.advance(1_001);
  assert.equal(cluster.socket.closed, 'closed');
  assert.deepEqual([cluster.flags, cluster.ready], [HOST_FAILED_ACTIVE_HC | HOST_ACTIVE_HC_TIMEOUT, true]);
  assert.deepEqual(cluster.counts, [1, 0, 1, 1, 0, 0]);
  cluster.thread.advance(10_001);
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.thread.advance(10_001);
  cluster.socket.receive(GOOD);
  assert.equal(cluster.flags, 0);
});

test('a refused connection, and one that is never made, are failures of the network', () => {
  start(HTTP);
  cluster.socket.refused();
  assert.deepEqual(cluster.counts, [1, 0, 1, 1, 0, 0]);
  cluster.thread.advance(10_001);
  assert.equal(cluster.connects, 2);
  cluster.thread.advance(1_001);
  assert.deepEqual(cluster.counts, [2, 0, 2, 2, 0, 0]);
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC | HOST_ACTIVE_HC_TIMEOUT);
});

test('a server that closes between two checks costs nothing', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.socket.end();
  assert.deepEqual(cluster.counts, [1, 1, 0, 0, 0, 1]);
  cluster.thread.advance(10_001);
  assert.equal(cluster.connects, 2);
});

test('a response that is no HTTP', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive('garbage\r\n\r\n');
  assert.deepEqual(cluster.counts, [1, 0, 1, 1, 0, 0]);
  assert.equal(cluster.stat('upstream_cx_protocol_error'), 1);
  assert.equal(cluster.socket.closed, 'closed');
});

test('host, method, payload, headers and expected bytes', () => {
  start(
    'http_health_check: {host: h.test, path: /p, method: POST, send: {text: "616263"}, receive: [{text: 6f6b}, {text: "21"}], ' +
    'expected_statuses: [{start: 200, end: 300}], request_headers_to_add: [{header: {key: x-h, value: "%UPSTREAM_REMOTE_ADDRESS%"}}], ' +
    'request_headers_to_remove: [user-agent]}',
  );
  const sent = cluster.accept();
  assert.match(sent, /^POST \/p HTTP\/1.1\r\nhost: h.test\r\n/);
  assert.match(sent, /x-h: 192.0.2.1:80\r\n/);
  assert.match(sent, /content-length: 3\r\n/);
  assert.ok(sent.endsWith('\r\n\r\nabc') && !sent.includes('user-agent'));
  cluster.socket.receive('HTTP/1.1 204 x\r\n\r\n');
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
  cluster.thread.advance(10_001);
  cluster.socket.receive('HTTP/1.1 201 x\r\ncontent-length: 5\r\n\r\n.o');
  cluster.socket.receive('k.!');
  cluster.thread.advance(10_001);
  cluster.socket.receive('HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nok!\r\n0\r\n\r\n');
  assert.equal(cluster.flags, 0);
});

test('only so much of the response is looked at', () => {
  start('http_health_check: {path: /, receive: [{text: 6f6b}], response_buffer_size: 4}');
  cluster.accept();
  cluster.socket.receive('HTTP/1.1 200 x\r\ncontent-length: 6\r\n\r\n....ok');
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
});

test('degraded, and no longer', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive('HTTP/1.1 200 OK\r\nx-envoy-degraded: \r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual([cluster.flags, cluster.stat('health_check.degraded'), cluster.stat('membership_degraded')], [HOST_DEGRADED_ACTIVE_HC, 1, 1]);
  cluster.thread.advance(10_001);
  cluster.socket.receive(GOOD);
  assert.deepEqual([cluster.flags, cluster.stat('membership_degraded'), cluster.membershipHealthy], [0, 0, 1]);
});

test('the name of the checked service', () => {
  start('http_health_check: {path: /, service_name_matcher: {prefix: loc}}');
  cluster.accept();
  cluster.socket.receive('HTTP/1.1 200 OK\r\nx-envoy-upstream-healthchecked-cluster: other\r\ncontent-length: 0\r\n\r\n');
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
  assert.equal(cluster.stat('health_check.verify_cluster'), 1);
});

test('a failing answer that says so excludes the host', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive('HTTP/1.1 503 x\r\nx-envoy-immediate-health-check-fail: true\r\ncontent-length: 0\r\n\r\n');
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC | HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
  assert.equal(cluster.stat('membership_excluded'), 1);
});

test('a response of the data path that says so: out at once, and back by checks', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.host.healthMonitor?.setUnhealthy();
  assert.equal(cluster.flags, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
  cluster.thread.dispatcher.runPosted();
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC | HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
  assert.deepEqual(cluster.counts, [1, 1, 1, 0, 1, 0]);
  cluster.thread.advance(10_001);
  cluster.socket.receive(GOOD);
  cluster.thread.advance(10_001);
  cluster.socket.receive(GOOD);
  assert.equal(cluster.flags, 0);
});

test('intervals: without traffic, unhealthy, edges', () => {
  start(HTTP, {
    common: 'timeout: 1s, interval: 10s, no_traffic_interval: 60s, no_traffic_healthy_interval: 90s, unhealthy_interval: 20s, ' +
      'unhealthy_edge_interval: 3s, healthy_edge_interval: 2s, unhealthy_threshold: 2, healthy_threshold: 2',
  });
  const next = (): number => {
    const before = cluster.stat('health_check.attempt');
    for (let waited = 500; ; waited += 500) {
      cluster.thread.advance(500);
      if (cluster.stat('health_check.attempt') > before) return waited;
      assert.ok(waited < 200_000, 'no check comes');
    }
  };
  cluster.accept();
  cluster.socket.receive(GOOD);
  assert.equal(next(), 90_000);
  cluster.socket.receive(BAD);
  assert.equal(next(), 60_000);
  cluster.socket.receive(BAD);
  // Somebody uses the cluster.
  cluster.host.stats.cxTotal.add(1);
  assert.equal(next(), 60_000);
  cluster.socket.receive(BAD);
  assert.equal(next(), 20_000);
  cluster.socket.receive(GOOD);
  assert.equal(next(), 2_000);
  cluster.socket.receive(GOOD);
  assert.equal(next(), 10_000);
  cluster.socket.end();
  assert.equal(next(), 3_000);
});

test('jitter: initial, of the interval, in percent; bounded by the runtime', () => {
  start(HTTP, { common: 'timeout: 1s, interval: 10s, no_traffic_interval: 10s, initial_jitter: 5s, interval_jitter: 1s, unhealthy_threshold: 1, healthy_threshold: 1' });
  assert.equal(cluster.connects, 0);
  cluster.thread.advance(5_001);
  assert.equal(cluster.connects, 1);
  cluster.accept();
  cluster.socket.receive(GOOD);
  cluster.thread.advance(9_999);
  assert.equal(cluster.stat('health_check.attempt'), 1);
  cluster.thread.advance(1_002);
  assert.equal(cluster.stat('health_check.attempt'), 2);
});

test('the address, port and name for checks; hosts that are not checked', () => {
  start(HTTP, {
    hosts: [
      '{address: {socket_address: {address: 192.0.2.1, port_value: 80}}, health_check_config: {port_value: 81, hostname: own.test}}',
      '{address: {socket_address: {address: 192.0.2.2, port_value: 80}}, health_check_config: {disable_active_health_check: true}}',
    ],
  });
  assert.equal(cluster.connects, 1);
  assert.equal(cluster.socket.remote.text, '192.0.2.1:81');
  assert.equal(cluster.membershipHealthy, 1);
  assert.match(cluster.accept(), /host: own.test\r\n/);
  cluster.socket.receive(GOOD);
  assert.equal(cluster.membershipHealthy, 2);
});

test('ready only when every host has been checked', () => {
  start(HTTP, { hosts: ['{address: {socket_address: {address: 192.0.2.1, port_value: 80}}}', '{address: {socket_address: {address: 192.0.2.2, port_value: 80}}}'] });
  const [one, two] = cluster.thread.io.connects;
  one.refused();
  assert.equal(cluster.ready, false);
  two.connected();
  two.receive(GOOD);
  assert.equal(cluster.ready, true);
  assert.deepEqual([cluster.stat('membership_total'), cluster.membershipHealthy], [2, 1]);
});

test('TCP: a connection is enough', () => {
  start('tcp_health_check: {}');
  cluster.socket.connected();
  assert.equal(cluster.flags, 0);
  assert.equal(cluster.socket.closed, 'closed');
  cluster.thread.advance(10_001);
  cluster.socket.refused();
  assert.equal(cluster.flags, 0);
  cluster.thread.advance(10_001);
  cluster.socket.refused();
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
  assert.deepEqual(cluster.counts, [3, 1, 2, 2, 0, 0]);
});

test('TCP: bytes to send and to wait for, on a connection that is kept', () => {
  start('tcp_health_check: {send: {text: 50494e47}, receive: [{text: 504f}, {text: "4e47"}]}');
  assert.equal(cluster.accept(), 'PING');
  cluster.socket.receive('xPO');
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC);
  cluster.socket.receive('-NG');
  assert.equal(cluster.flags, 0);
  cluster.thread.advance(10_001);
  assert.equal(cluster.sent(), 'PING');
  cluster.thread.advance(1_001);
  assert.equal(cluster.socket.closed, 'closed');
  assert.deepEqual(cluster.counts, [2, 1, 1, 1, 0, 1]);
  cluster.thread.advance(10_001);
  cluster.accept();
  cluster.socket.end();
  assert.deepEqual([cluster.flags, cluster.counts[3]], [HOST_FAILED_ACTIVE_HC, 2]);
});

test('TCP: what never matches is not kept without end', () => {
  start('tcp_health_check: {receive: [{text: ff}]}');
  cluster.accept();
  for (let i = 0; i < 20 && cluster.socket.closed === 'no'; i++) cluster.socket.receive('x'.repeat(100_000));
  assert.equal(cluster.socket.closed, 'closed');
  assert.deepEqual(cluster.counts, [1, 0, 1, 1, 0, 0]);
});

test('TCP: a PROXY protocol header goes first', () => {
  start('tcp_health_check: {send: {text: "61"}, receive: [{text: "62"}], proxy_protocol_config: {version: V1}}');
  assert.equal(cluster.accept(), 'PROXY TCP4 192.0.2.254 192.0.2.1 40000 80\r\na');
  cluster.dispose();
  start('tcp_health_check: {receive: [{text: "62"}], proxy_protocol_config: {version: V2}}');
  assert.equal(Buffer.from(cluster.accept(), 'latin1').toString('hex'), '0d0a0d0a000d0a515549540a20000000');
});

test('a host that fails: its pools take no new streams on their connections', () => {
  start(HTTP);
  cluster.accept();
  cluster.socket.receive(GOOD);
  const entry = cluster.thread.clusters.getThreadLocalCluster('a');
  const check = cluster.socket;
  entry?.httpPool(0, 1, null)?.newStream(
    { decode1xxHeaders: () => {}, decodeHeaders: () => {}, decodeData: () => {}, decodeTrailers: () => {} },
    { onPoolReady: (encoder) => encoder.stream.resetStream(0), onPoolFailure: () => {} },
  );
  const pooled = cluster.socket;
  assert.notEqual(pooled, check);
  cluster.thread.advance(10_001);
  check.receive(BAD);
  assert.equal(pooled.closed, 'closed');
});

test('a check with a name is counted under it', () => {
  start(`name: one, ${HTTP}`);
  cluster.accept();
  cluster.socket.receive(GOOD);
  assert.equal(cluster.stat('health_check.name.one.success'), 1);
  assert.throws(() => cluster.stat('health_check.success'));
});

test('several checks: a host is what the worst of them says, and ready when all have spoken', () => {
  start([`name: one, ${HTTP}`, 'name: two, tcp_health_check: {send: {text: "61"}, receive: [{text: "62"}]}']);
  const [one, two] = cluster.thread.io.connects;
  const of = (name: string): number[] => ['healthy', 'degraded'].map((each) => cluster.stat(`health_check.${name}${each}`));
  one.connected();
  one.receive(GOOD);
  assert.deepEqual([cluster.flags, cluster.ready, of('name.one.'), of('')], [HOST_FAILED_ACTIVE_HC, false, [1, 0], [0, 0]]);
  two.connected();
  two.receive('b');
  assert.deepEqual([cluster.flags, cluster.ready, of('name.two.'), of(''), cluster.membershipHealthy], [0, true, [1, 0], [1, 0], 1]);
  cluster.thread.advance(10_001);
  one.receive('HTTP/1.1 200 OK\r\nx-envoy-degraded: 1\r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual([cluster.flags, of('')], [HOST_DEGRADED_ACTIVE_HC, [1, 1]]);
  cluster.thread.advance(1_001);
  assert.equal(cluster.flags, HOST_DEGRADED_ACTIVE_HC);
  cluster.thread.advance(9_000);
  one.receive(GOOD);
  cluster.thread.advance(1_002);
  cluster.thread.io.last.connected();
  cluster.thread.advance(1_002);
  assert.deepEqual([cluster.flags, of(''), of('name.one.'), of('name.two.')], [HOST_FAILED_ACTIVE_HC | HOST_ACTIVE_HC_TIMEOUT, [0, 0], [1, 0], [0, 0]]);
  cluster.host.healthMonitor?.setUnhealthy();
  cluster.thread.dispatcher.runPosted();
  assert.equal(cluster.stat('health_check.name.one.passive_failure') + cluster.stat('health_check.name.two.passive_failure'), 2);
});

test('changes of a large cluster are told together, and it is ready with all of them', () => {
  const hosts = Array.from({ length: 150 }, (_, i) => `{address: {socket_address: {address: 192.0.2.${i + 1}, port_value: 80}}}`);
  start('tcp_health_check: {}', { hosts, common: 'timeout: 1s, interval: 10s, no_traffic_interval: 10s, unhealthy_threshold: 1, healthy_threshold: 1' });
  const entry = cluster.thread.clusters.getThreadLocalCluster('a');
  const version = (): number => entry?.info.healthVersion.load() ?? -1;
  for (const transport of cluster.thread.io.connects) transport.connected();
  assert.deepEqual([version(), cluster.ready, cluster.membershipHealthy], [1, true, 150]);
  cluster.thread.advance(10_001);
  for (const transport of cluster.thread.io.connects.slice(150, 250)) transport.refused();
  assert.deepEqual([version(), cluster.membershipHealthy], [2, 149]);
  cluster.thread.advance(51);
  assert.deepEqual([version(), cluster.membershipHealthy], [3, 50]);
});
