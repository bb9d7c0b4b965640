import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { TcpProxy } from '#api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type { LogContext } from '../../../../contract/access-log.ts';
import { CLOSE_NO_FLUSH, STATE_CLOSED } from '../../../../contract/network.ts';
import { RESPONSE_FLAGS } from '../../../../contract/response-flags.ts';
import { ipAddress } from '../../../../core/network/address.ts';
import { NetworkConnection } from '../../../../core/network/connection.ts';
import { MemoryTransport } from '../../../../core/network/io/memory-backend.ts';
import { parseMessage, TestThread } from '../../../../core/upstream/test-support.ts';
import { readTcpProxy } from './config.ts';
import { TcpProxyFilter } from './filter.ts';

const ECONNRESET = 104;
const ETIMEDOUT = 110;

let thread: TestThread;
let downstream: MemoryTransport;
let connection: NetworkConnection;
let logged: string[];

beforeEach(() => {
  thread = new TestThread();
  logged = [];
  thread.addCluster('{name: a, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}}]}]}}');
  thread.addCluster('{name: empty, load_assignment: {cluster_name: empty}}');
  thread.addCluster('{name: full, circuit_breakers: {thresholds: [{max_connections: 0}]}, load_assignment: {cluster_name: full, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 192.0.2.2, port_value: 80}}}}]}]}}');
});
afterEach(() => {
  if (connection.state !== STATE_CLOSED) turn(() => connection.close(CLOSE_NO_FLUSH, 'test'));
  thread.clusters.shutdown();
  assert.equal(thread.dispatcher.armedTimers, 0, 'a timer is left');
  thread.dispose();
});

function turn(run: () => void): void {
  thread.dispatcher.runInTurn(run, undefined);
}

/** A client connects to a tcp_proxy with these settings. */
function start(extra = 'cluster: a'): void {
  const message = parseMessage<TcpProxy>('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', `{stat_prefix: t, ${extra}}`);
  const config = { ...readTcpProxy(message, thread.context), accessLogs: [{ log: record }] };
  downstream = new MemoryTransport(thread.dispatcher);
  connection = new NetworkConnection({
    dispatcher: thread.dispatcher,
    transport: downstream,
    remoteAddress: ipAddress('192.0.2.100', 1),
    localAddress: ipAddress('192.0.2.200', 2),
    connecting: false,
  });
  turn(() => {
    connection.addReadFilter(new TcpProxyFilter(config));
    connection.start();
  });
}

function record(context: LogContext): void {
  const { streamInfo, type } = context;
  const flags = RESPONSE_FLAGS.filter((_, i) => streamInfo.hasResponseFlag(i)).map((each) => each.short);
  logged.push(`${type} ${flags.join(',')} ${streamInfo.bytesReceived}/${streamInfo.bytesSent} ${streamInfo.upstream?.host?.address.text ?? '-'}`);
}

function stat(name: string): number {
  return thread.stat(`tcp.t.${name}`);
}

test('bytes both ways; the client is not read before the upstream is there', () => {
  start();
  assert.equal(downstream.reading, false);
  thread.io.last.connected();
  assert.equal(downstream.reading, true);
  downstream.receive('ping');
  assert.equal(thread.io.last.written, 'ping');
  thread.io.last.receive('pong!');
  assert.equal(downstream.written, 'pong!');
  turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  assert.deepEqual(logged, ['TcpConnectionEnd  4/5 192.0.2.1:80']);
  assert.deepEqual([stat('downstream_cx_total'), stat('downstream_cx_rx_bytes_total'), stat('downstream_cx_tx_bytes_total')], [1, 4, 5]);
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_local_with_active_rq'), 1);
});

test('half close of the client goes on, and the rest of the answer comes', () => {
  start();
  thread.io.last.connected();
  downstream.receive('question');
  downstream.end();
  assert.equal(thread.io.last.shutdownSeen, true);
  thread.io.last.receive('answer');
  assert.equal(downstream.written, 'answer');
  thread.io.last.end();
  assert.equal(connection.state, STATE_CLOSED);
  assert.equal(thread.io.last.closed, 'closed');
});

test('the upstream closes: what it sent goes out, then the client is closed', () => {
  start();
  thread.io.last.connected();
  downstream.room = 1;
  thread.io.last.receive('bye');
  thread.io.last.fail(ETIMEDOUT);
  assert.notEqual(connection.state, STATE_CLOSED);
  downstream.drain();
  assert.equal(connection.state, STATE_CLOSED);
});

test('RST goes on: from the upstream to the client, with UR', () => {
  start();
  thread.io.last.connected();
  thread.io.last.fail(ECONNRESET);
  assert.equal(downstream.closed, 'reset');
  assert.deepEqual(logged, ['TcpConnectionEnd UR 0/0 192.0.2.1:80']);
});

test('RST goes on: from the client to the upstream', () => {
  start();
  thread.io.last.connected();
  downstream.fail(ECONNRESET);
  assert.equal(thread.io.last.closed, 'reset');
  assert.deepEqual(logged, ['TcpConnectionEnd  0/0 192.0.2.1:80']);
});

test('the client goes while the upstream is slow: the upstream is flushed alone', () => {
  start();
  thread.io.last.connected();
  const upstream = thread.io.last;
  upstream.room = 1;
  downstream.receive('data');
  downstream.fail(ETIMEDOUT);
  assert.equal(connection.state, STATE_CLOSED);
  assert.equal(upstream.closed, 'no');
  assert.equal(stat('upstream_flush_active'), 1);
  upstream.drain();
  assert.equal(upstream.closed, 'closed');
  assert.deepEqual([stat('upstream_flush_active'), stat('upstream_flush_total')], [0, 1]);
});

test('a refused connect closes with UF and URX', () => {
  start();
  thread.io.last.refused();
  assert.equal(connection.state, STATE_CLOSED);
  assert.equal(connection.localCloseReason, 'tcp_initializion_failure:0');
  assert.deepEqual(logged, ['TcpConnectionEnd UF,URX 0/0 192.0.2.1:80']);
  assert.equal(thread.stat('cluster.a.upstream_cx_connect_attempts_exceeded'), 1);
});

test('max_connect_attempts tries again in another round', () => {
  start('cluster: a, max_connect_attempts: 2');
  thread.io.last.refused();
  assert.equal(thread.io.connects.length, 1);
  thread.advance(1);
  assert.equal(thread.io.connects.length, 2);
  thread.io.last.connected();
  downstream.receive('x');
  assert.equal(thread.io.last.written, 'x');
  assert.equal(connection.streamInfo.attemptCount, 2);
});

for (const [cluster, flag, reason] of [
  ['unknown', 'NC', 3],
  ['empty', 'UH', 1],
  ['full', 'UO', 2],
] as const) {
  test(`${flag}: cluster ${cluster}`, () => {
    start(`cluster: ${cluster}`);
    assert.equal(connection.state, STATE_CLOSED);
    assert.deepEqual(logged, [`TcpConnectionEnd ${flag} 0/0 -`]);
    assert.equal(connection.localCloseReason, `tcp_initializion_failure:${reason}`);
    if (flag === 'NC') assert.equal(stat('downstream_cx_no_route'), 1);
  });
}

test('the client goes while the upstream is connecting', () => {
  start();
  turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_rq_cancelled'), 1);
});

test('idle timeout counts from the last byte in either direction', () => {
  start('cluster: a, idle_timeout: 10s');
  thread.io.last.connected();
  thread.advance(9_000);
  thread.io.last.receive('x');
  thread.advance(9_000);
  downstream.receive('y');
  thread.advance(9_999);
  assert.notEqual(connection.state, STATE_CLOSED);
  thread.advance(2);
  assert.equal(connection.state, STATE_CLOSED);
  assert.equal(connection.localCloseReason, 'tcp_session_idle_timeout');
  assert.equal(stat('idle_timeout'), 1);
});

test('max_downstream_connection_duration', () => {
  start('cluster: a, max_downstream_connection_duration: 3s');
  thread.io.last.connected();
  thread.advance(3_001);
  assert.equal(connection.state, STATE_CLOSED);
  assert.match(logged[0], /^TcpConnectionEnd DT /);
  assert.equal(stat('max_downstream_connection_duration'), 1);
});

test('a slow upstream pauses the client, a slow client the upstream', () => {
  start();
  thread.io.last.connected();
  const upstream = thread.io.last;
  upstream.room = 0;
  downstream.receive('x'.repeat(1_048_577));
  assert.equal(downstream.reading, false);
  assert.equal(stat('downstream_flow_control_paused_reading_total'), 1);
  upstream.drain();
  assert.equal(downstream.reading, true);
  assert.equal(stat('downstream_flow_control_resumed_reading_total'), 1);
  downstream.room = 0;
  upstream.receive('y'.repeat(1_048_577));
  assert.equal(upstream.reading, false);
  assert.equal(thread.stat('cluster.a.upstream_flow_control_paused_reading_total'), 1);
  downstream.drain();
  assert.equal(upstream.reading, true);
});

test('weighted clusters', () => {
  let first = 0;
  for (let i = 0; i < 60; i++) {
    start('weighted_clusters: {clusters: [{name: a, weight: 2}, {name: empty, weight: 1}]}');
    if (connection.state !== STATE_CLOSED) first++;
    turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  }
  assert.ok(first > 28 && first < 52, String(first));
});

test('access log moments', () => {
  start('cluster: a, access_log_options: {flush_access_log_on_start: true, flush_access_log_on_connected: true, access_log_flush_interval: 1s}');
  thread.io.last.connected();
  thread.advance(1_001);
  turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  assert.deepEqual(logged.map((line) => line.split(' ')[0]), ['TcpConnectionStart', 'TcpUpstreamConnected', 'TcpPeriodic', 'TcpConnectionEnd']);
});
