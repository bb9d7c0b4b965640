import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { RequestEncoder, ResponseDecoder } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { HttpConnectionPool, HttpPoolCallbacks } from '../../contract/upstream.ts';
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

function cluster(extra = ''): string {
  return `
name: a
type: STATIC
load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}}]}]}
${extra}`;
}

function options(text: string): string {
  return `typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {}}
    common_http_protocol_options: ${text}`;
}

/** One request and all that comes back for it, as words. */
class Client implements ResponseDecoder, HttpPoolCallbacks {
  readonly log: string[] = [];
  encoder: RequestEncoder | null = null;
  readonly end: boolean;

  constructor(end = true) {
    this.end = end;
  }

  onPoolReady(encoder: RequestEncoder, host: unknown, connection: unknown, protocol: number, streams: number): void {
    void host;
    void connection;
    this.log.push(`ready ${protocol} ${streams}`);
    this.encoder = encoder;
    encoder.stream.addCallbacks({
      onResetStream: (reason) => this.log.push(`reset ${reason}`),
      onAboveWriteBufferHighWatermark: () => {},
      onBelowWriteBufferLowWatermark: () => {},
    });
    encoder.encodeHeaders(HeaderMap.of([':method', 'GET'], [':path', '/'], [':authority', 'x']), this.end);
  }

  onPoolFailure(reason: number, text: string, host: { readonly address: { readonly text: string } } | null): void {
    this.log.push(`failure ${reason} '${text}' ${host?.address.text ?? 'no host'}`);
  }

  decode1xxHeaders(): void {
    this.log.push('1xx');
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.log.push(`headers ${headers.get(':status') ?? ''} ${endStream}`);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    this.log.push(`data '${data.toString('latin1')}' ${endStream}`);
  }

  decodeTrailers(): void {
    this.log.push('trailers');
  }
}

function pool(): HttpConnectionPool {
  const found = thread.clusters.getThreadLocalCluster('a')?.httpPool(0, PROTOCOL_HTTP11, null) ?? null;
  assert.ok(found !== null);
  return found;
}

function send(client: Client): ReturnType<HttpConnectionPool['newStream']> {
  let result: ReturnType<HttpConnectionPool['newStream']> = null;
  thread.dispatcher.runInTurn(() => {
    result = pool().newStream(client, client);
  }, undefined);
  return result;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('a request waits for the connection, and the next one reuses it', () => {
  thread.addCluster(cluster());
  const first = new Client();
  assert.notEqual(send(first), null);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_active'), 1);
  thread.io.last.connected();
  assert.deepEqual(first.log, ['ready 1 1']);
  assert.match(thread.io.last.written, /^GET \/ HTTP\/1\.1\r\nhost: x\r\n/);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 1);
  thread.io.last.receive(OK);
  assert.deepEqual(first.log.slice(1), ['headers 200 false', "data 'ok' true"]);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
  const second = new Client();
  assert.equal(send(second), null);
  assert.deepEqual(second.log, ['ready 1 2']);
  thread.io.last.receive(OK);
  assert.equal(thread.io.connects.length, 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_total'), 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_http1_total'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_total'), 2);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_total'), 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_rx_bytes_total'), OK.length * 2);
});

test('one request a connection: a second one at the same time opens another, and the last freed is used first', () => {
  thread.addCluster(cluster());
  const clients = [new Client(), new Client(), new Client()];
  clients.slice(0, 2).forEach(send);
  assert.equal(thread.io.connects.length, 2);
  thread.io.connects.forEach((each) => each.connected());
  thread.io.connects[1].receive(OK);
  thread.io.connects[0].receive(OK);
  send(clients[2]);
  assert.equal(thread.io.connects[0].batches.length, 2);
  assert.equal(thread.io.connects[1].batches.length, 1);
});

test('a refused connect fails every waiting request with its text', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.refused();
  assert.deepEqual(client.log, ["failure 2 'delayed connect error: Connection refused' 192.0.2.1:80"]);
  assert.equal(thread.stat('cluster.a.upstream_cx_connect_fail'), 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_remote'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_failure_eject'), 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_active'), 0);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_active'), 0);
});

test('connect timeout', () => {
  thread.addCluster(cluster('connect_timeout: 0.25s'));
  const client = new Client();
  send(client);
  thread.advance(249);
  assert.deepEqual(client.log, []);
  thread.advance(2);
  assert.deepEqual(client.log, ["failure 3 '' 192.0.2.1:80"]);
  assert.equal(thread.stat('cluster.a.upstream_cx_connect_timeout'), 1);
  assert.equal(thread.io.last.closed, 'closed');
});

test('an error of the platform at once comes in a later turn', () => {
  thread.addCluster(cluster());
  thread.io.refuse = { errno: 101, step: 'connect' };
  const client = new Client();
  send(client);
  assert.deepEqual(client.log, []);
  thread.io.refuse = null;
  thread.dispatcher.runPosted();
  assert.deepEqual(client.log, ["failure 2 'immediate connect error: Network is unreachable|remote address:192.0.2.1:80' 192.0.2.1:80"]);
});

test('connection: close ends the connection after the response', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.connected();
  thread.io.last.receive('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  assert.deepEqual(client.log.slice(1), ['headers 200 true']);
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_close_notify'), 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_local'), 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_with_active_rq'), 0);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
});

test('a response delimited by close is complete at the close', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.connected();
  thread.io.last.receive('HTTP/1.1 200 OK\r\n\r\nabc');
  thread.io.last.end();
  assert.deepEqual(client.log.slice(1), ['headers 200 false', "data 'abc' false", "data '' true"]);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
  assert.equal(thread.stat('cluster.a.upstream_cx_active'), 0);
});

test('a connection that dies under a request resets it', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.connected();
  thread.io.last.end();
  assert.deepEqual(client.log.slice(1), ['reset 7']);
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_remote_with_active_rq'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
});

test('a reset by the caller closes the connection', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.connected();
  thread.dispatcher.runInTurn(() => client.encoder?.stream.resetStream(0), undefined);
  assert.deepEqual(client.log.slice(1), ['reset 0']);
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_local_with_active_rq'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
});

test('bytes on an idle connection poison it', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.connected();
  thread.io.last.receive(OK);
  thread.io.last.receive('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_protocol_error'), 1);
  send(new Client());
  assert.equal(thread.io.connects.length, 2);
});

test('a 408 on an idle connection closes it without an error', () => {
  thread.addCluster(cluster());
  send(new Client());
  thread.io.last.connected();
  thread.io.last.receive(OK);
  thread.io.last.receive('HTTP/1.1 408 Request Timeout\r\n\r\n');
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_protocol_error'), 0);
});

test('bytes after a response close the connection, and the response stands', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client);
  thread.io.last.connected();
  thread.io.last.receive(`${OK}HTTP/1.1 200 OK\r\n`);
  assert.deepEqual(client.log.slice(1), ['headers 200 false', "data 'ok' true"]);
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
});

test('idle timeout', () => {
  thread.addCluster(cluster(options('{idle_timeout: 10s}')));
  send(new Client());
  thread.io.last.connected();
  thread.advance(9_000);
  thread.io.last.receive(OK);
  thread.advance(9_000);
  assert.equal(thread.io.last.closed, 'no');
  thread.advance(1_100);
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_idle_timeout'), 1);
});

test('max_requests_per_connection drains the connection', () => {
  thread.addCluster(cluster(options('{max_requests_per_connection: 1}')));
  send(new Client());
  thread.io.last.connected();
  assert.equal(thread.stat('cluster.a.upstream_cx_max_requests'), 1);
  thread.io.last.receive(OK);
  assert.equal(thread.io.last.closed, 'closed');
});

test('max_connection_duration closes an idle connection and drains a busy one', () => {
  thread.addCluster(cluster(options('{max_connection_duration: 5s}')));
  send(new Client());
  send(new Client());
  thread.io.connects.forEach((each) => each.connected());
  thread.io.connects[0].receive(OK);
  thread.advance(5_001);
  assert.deepEqual(thread.io.connects.map((each) => each.closed), ['closed', 'no']);
  thread.io.connects[1].receive(OK);
  assert.equal(thread.io.connects[1].closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_max_duration_reached'), 2);
});

test('max_pending_requests overflows at once', () => {
  thread.addCluster(cluster('circuit_breakers: {thresholds: [{max_pending_requests: 1, track_remaining: true}]}'));
  const clients = [new Client(), new Client()];
  clients.forEach(send);
  assert.deepEqual(clients[1].log, ["failure 0 '' no host"]);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_overflow'), 1);
  assert.equal(thread.stat('cluster.a.circuit_breakers.default.rq_pending_open'), 1);
  assert.equal(thread.stat('cluster.a.circuit_breakers.default.remaining_pending'), 0);
  thread.io.last.connected();
  assert.equal(thread.stat('cluster.a.circuit_breakers.default.rq_pending_open'), 0);
  assert.equal(thread.stat('cluster.a.circuit_breakers.default.remaining_pending'), 1);
});

test('max_connections lets requests wait; a host without any may open one', () => {
  thread.addCluster(cluster('circuit_breakers: {thresholds: [{max_connections: 0}]}'));
  const clients = [new Client(), new Client()];
  clients.forEach(send);
  assert.equal(thread.io.connects.length, 1);
  assert.equal(thread.stat('cluster.a.upstream_cx_overflow'), 2);
  thread.io.last.connected();
  thread.io.last.receive(OK);
  assert.deepEqual(clients[1].log, [], 'waits for the next round of the loop');
  thread.dispatcher.runPosted();
  assert.deepEqual(clients[1].log, ['ready 1 2']);
});

test('max_requests overflows when the stream would begin', () => {
  thread.addCluster(cluster('circuit_breakers: {thresholds: [{max_requests: 0}]}'));
  const client = new Client();
  send(client);
  thread.io.last.connected();
  assert.deepEqual(client.log, ["failure 0 '' 192.0.2.1:80"]);
  assert.equal(thread.stat('cluster.a.upstream_rq_active_overflow'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_overflow'), 0);
});

test('cancelling a waiting request keeps its connection unless told otherwise', () => {
  thread.addCluster(cluster());
  const client = new Client();
  send(client)?.cancel(false);
  assert.equal(thread.io.last.closed, 'no');
  assert.equal(thread.stat('cluster.a.upstream_rq_cancelled'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_pending_active'), 0);
  thread.io.last.connected();
  assert.deepEqual(client.log, []);
  const other = new Client();
  const busy = new Client();
  send(busy);
  send(other)?.cancel(true);
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_connect_fail'), 1);
});

test('per_upstream_preconnect_ratio opens ahead', () => {
  thread.addCluster(cluster('preconnect_policy: {per_upstream_preconnect_ratio: 2}'));
  send(new Client());
  assert.equal(thread.io.connects.length, 2);
});

test('a response before the request is complete closes the connection', () => {
  thread.addCluster(cluster());
  const client = new Client(false);
  send(client);
  thread.io.last.connected();
  thread.io.last.receive(OK);
  assert.deepEqual(client.log.slice(1, 3), ['headers 200 false', "data 'ok' true"]);
  assert.equal(thread.io.last.closed, 'closed');
  assert.equal(thread.stat('cluster.a.upstream_cx_destroy_local_with_active_rq'), 1);
  assert.equal(thread.stat('cluster.a.upstream_rq_active'), 0);
});

test('a retry from within a failure is not failed with the others', () => {
  thread.addCluster(cluster());
  const retry = new Client();
  const client = new (class extends Client {
    override onPoolFailure(reason: number, text: string, host: null): void {
      super.onPoolFailure(reason, text, host);
      pool().newStream(retry, retry);
    }
  })();
  send(client);
  thread.io.connects[0].refused();
  assert.equal(client.log.length, 1);
  assert.deepEqual(retry.log, []);
  assert.equal(thread.io.connects.length, 2);
  thread.io.connects[1].connected();
  assert.deepEqual(retry.log, ['ready 1 1']);
});
