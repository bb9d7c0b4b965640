import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { TcpProxy } from '#api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type { LogContext } from '../../../../contract/access-log.ts';
import type { ExtensionFactory } from '../../../../contract/extension.ts';
import type { FilterStateObject } from '../../../../contract/stream-info.ts';
import { CLOSE_NO_FLUSH, STATE_CLOSED } from '../../../../contract/network.ts';
import { ipAddress } from '../../../../core/network/address.ts';
import { NetworkConnection } from '../../../../core/network/connection.ts';
import { MemoryTransport } from '../../../../core/network/io/memory-backend.ts';
import { parseMessage, TestThread } from '../../../../core/upstream/test-support.ts';
import { readTcpProxy } from './config.ts';
import { TcpProxyFilter } from './filter.ts';

const UUID: ExtensionFactory = { name: 'envoy.request_id.uuid', category: 'envoy.request_id', configTypes: [], status: 'works' };

let thread: TestThread;
let downstream: MemoryTransport;
let connection: NetworkConnection;

beforeEach(() => {
  thread = new TestThread();
  thread.addCluster('{name: a, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}}]}]}}');
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

/** A client connects; its bytes go through a tunnel with these settings. */
function start(tunneling: string, extra = '', log: (context: LogContext) => void = () => {}): void {
  const tunnel = tunneling === '' ? '' : `, tunneling_config: {hostname: "h:1", ${tunneling}}`;
  const registry = { ...thread.context.registry, find: () => UUID };
  const message = parseMessage<TcpProxy>('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', `{stat_prefix: t, cluster: a${tunnel}${extra}}`);
  const config = { ...readTcpProxy(message, { ...thread.context, registry }), accessLogs: [{ log }] };
  downstream = new MemoryTransport(thread.dispatcher);
  connection = new NetworkConnection({
    dispatcher: thread.dispatcher, transport: downstream, remoteAddress: ipAddress('192.0.2.100', 1), localAddress: ipAddress('192.0.2.200', 2),
    connecting: false,
  });
  turn(() => {
    connection.addReadFilter(new TcpProxyFilter(config));
    connection.start();
  });
}

const CONNECT = 'CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n';

test('the client is read when the tunnel stands, and its bytes are the body', () => {
  start('use_post: false');
  thread.io.last.connected();
  assert.equal(thread.io.last.written, CONNECT);
  assert.equal(downstream.reading, false);
  thread.io.last.receive('HTTP/1.1 200 OK\r\n\r\nhello');
  assert.equal(downstream.written, 'hello');
  downstream.receive('up');
  assert.equal(thread.io.last.written, `${CONNECT}up`);
});

test('POST: chunks, a path, headers, an id under another name', () => {
  let metadata: unknown;
  start(
    `use_post: true, post_path: /p, headers_to_add: [{header: {key: x-a, value: "%DOWNSTREAM_REMOTE_ADDRESS%"}}], request_id_header: X-Tunnel,
     request_id_metadata_key: k, request_id_extension: {typed_config: {"@type": type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig}}`,
    '', (context) => {
      metadata = context.streamInfo.dynamicMetadata?.get('envoy.filters.network.tcp_proxy');
    });
  thread.io.last.connected();
  const [, id] = /^POST \/p HTTP\/1\.1\r\nhost: h:1\r\nx-tunnel: ([-0-9a-f]{36})\r\nx-a: 192\.0\.2\.100:1\r\ntransfer-encoding: chunked\r\n\r\n$/.exec(thread.io.last.written) ?? [];
  assert.ok(id !== undefined, thread.io.last.written);
  turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  assert.deepEqual(metadata, { k: id });
});

for (const [name, rest] of [
  ['with its length', 'content-length: 5\r\n\r\nhello'],
  ['with trailers', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n'],
] as const) {
  test(`a response to POST that ends, ${name}, ends the session (Envoy crashes)`, () => {
    start('use_post: true');
    thread.io.last.connected();
    thread.io.last.receive(`HTTP/1.1 200 OK\r\n${rest}`);
    assert.equal(downstream.written, 'hello');
    assert.equal(connection.state, STATE_CLOSED);
    assert.equal(thread.stat('cluster.a.upstream_cx_active'), 0);
  });
}

test('an answer that is none is a failed connect, and tried again', () => {
  let line = '';
  start('use_post: false', ', max_connect_attempts: 2', (context) => {
    line = `${context.streamInfo.attemptCount} ${context.streamInfo.upstream?.transportFailureReason}`;
  });
  thread.io.last.connected();
  thread.io.last.receive('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
  thread.advance(1);
  assert.equal(thread.io.connects.length, 2);
  thread.io.last.connected();
  thread.io.last.receive('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n');
  assert.equal(connection.state, STATE_CLOSED);
  assert.equal(connection.localCloseReason, 'tcp_initializion_failure:0');
  assert.equal(line, '2 tunnel_response:407');
  assert.equal(thread.stat('cluster.a.upstream_cx_connect_attempts_exceeded'), 1);
});

test('the client goes before the tunnel stands', () => {
  start('use_post: false');
  thread.io.last.connected();
  turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
  assert.equal(thread.stat('cluster.a.upstream_cx_active'), 0);
});

test('headers of the answer are kept for the log', () => {
  let kept: unknown;
  start('propagate_response_headers: true', '', (context) => {
    const state = context.streamInfo.filterState?.get('envoy.tcp_proxy.propagate_response_headers') as FilterStateObject | undefined;
    kept = state?.filterStateJson(false);
  });
  thread.io.last.connected();
  thread.io.last.receive('HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n');
  turn(() => connection.close(CLOSE_NO_FLUSH, ''));
  assert.deepEqual(kept, { headers: [{ key: ':status', value: '200' }, { key: 'x-a', value: 'b' }] });
});

test('early data is kept up to its limit, and sent when there is an upstream', () => {
  start('', ', upstream_connect_mode: ON_DOWNSTREAM_DATA, max_early_data_bytes: 4');
  assert.equal(thread.io.connects.length, 0);
  assert.equal(downstream.reading, true);
  downstream.receive('abc');
  assert.equal(thread.io.connects.length, 1);
  assert.equal(downstream.reading, true);
  downstream.receive('de');
  assert.equal(downstream.reading, false);
  thread.io.last.connected();
  assert.equal(thread.io.last.written, 'abcde');
  assert.equal(downstream.reading, true);
  assert.equal(thread.stat('tcp.t.early_data_received_count_total'), 2);
});
