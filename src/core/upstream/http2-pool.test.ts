import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Peer, data, frame, goAway, reset, settingsFrame } from '../../codec/http2/testing.ts';
import type { RequestEncoder, ResponseDecoder } from '../../contract/codec.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP11, PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { Cancellable, HttpConnectionPool, HttpPoolCallbacks } from '../../contract/upstream.ts';
import type { MemoryTransport } from '../network/io/memory-backend.ts';
import { TestThread } from './test-support.ts';

let thread: TestThread;
beforeEach(() => {
  thread = new TestThread();
});
afterEach(() => {
  thread.clusters.shutdown();
  thread.dispatcher.runPosted();
  assert.equal(thread.dispatcher.armedTimers, 0, 'a timer is left');
  thread.dispose();
});

function addCluster(http2 = '', common = '', extra = ''): void {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  thread.addCluster(`{name: a, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address:
    {address: 192.0.2.1, port_value: 80}}}}]}]}, typed_extension_protocol_options: {${type}: {'@type': type.googleapis.com/${type},
    explicit_http_config: {http2_protocol_options: {${http2}}}, common_http_protocol_options: {${common}}}} ${extra}}`);
}

const stat = (name: string): number => thread.stat(`cluster.a.${name}`);

/** One request and all that comes back for it, as words. */
class Client implements ResponseDecoder, HttpPoolCallbacks {
  readonly log: string[] = [];
  encoder: RequestEncoder | null = null;
  cancellable: Cancellable | null = null;
  private readonly end: boolean;

  constructor(end = true) {
    this.end = end;
  }

  onPoolReady(encoder: RequestEncoder, _host: unknown, _connection: unknown, protocol: number, streams: number): void {
    this.log.push(`ready ${protocol} ${streams}`);
    this.encoder = encoder;
    encoder.stream.addCallbacks({
      onResetStream: (reason) => this.log.push(`reset ${reason}`),
      onAboveWriteBufferHighWatermark: () => {},
      onBelowWriteBufferLowWatermark: () => {},
    });
    encoder.encodeHeaders(HeaderMap.of([':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'x']), this.end);
  }

  onPoolFailure(reason: number, text: string): void {
    this.log.push(`failure ${reason} '${text}'`);
  }

  decode1xxHeaders(): void {
    this.log.push('1xx');
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.log.push(`headers ${headers.get(':status') ?? ''}${endStream ? ' end' : ''}`);
  }

  decodeData(bytes: Buffer, endStream: boolean): void {
    this.log.push(`data ${bytes.toString('latin1')}${endStream ? ' end' : ''}`);
  }

  decodeTrailers(): void {
    this.log.push('trailers');
  }
}

function send(end = true): Client {
  const client = new Client(end);
  thread.dispatcher.runInTurn(() => {
    const pool: HttpConnectionPool | null = thread.clusters.getThreadLocalCluster('a')?.httpPool(0, PROTOCOL_HTTP11, null) ?? null;
    assert.ok(pool !== null);
    client.cancellable = pool.newStream(client, client);
  }, undefined);
  return client;
}

/** The origin's end of one connection. */
class Origin {
  readonly transport: MemoryTransport;
  private readonly peer = new Peer();
  private read = 0;

  constructor(index = -1) {
    const transport = thread.io.connects.at(index);
    assert.ok(transport !== undefined);
    this.transport = transport;
    transport.connected();
  }

  /** Frames that came since the last call, without those of the beginning. */
  frames(): string[] {
    // The loop's end: what many streams have written leaves then.
    thread.dispatcher.runPosted();
    const written = this.transport.written;
    const fresh = Buffer.from(written.slice(this.read), 'latin1');
    this.read = written.length;
    return this.peer.read(fresh).filter((each) => !each.startsWith('SETTINGS') && !each.startsWith('WINDOW'));
  }

  say(...frames: readonly Buffer[]): void {
    this.transport.receive(Buffer.concat(frames).toString('latin1'));
  }

  answer(stream: number): Buffer {
    return this.peer.headers(stream, [[':status', '200']], true);
  }

  head(stream: number): Buffer {
    return this.peer.headers(stream, [[':status', '200']]);
  }
}

const SETTINGS = settingsFrame();
const MAX_CONCURRENT_STREAMS = 3;

test('requests share one connection, and wait for it together', () => {
  addCluster();
  const clients = [send(), send(), send()];
  assert.deepEqual([thread.io.connects.length, stat('upstream_rq_pending_active')], [1, 3]);
  const origin = new Origin();
  assert.deepEqual(clients.map((each) => each.log), [['ready 2 1'], ['ready 2 2'], ['ready 2 3']]);
  assert.deepEqual(origin.frames(), [1, 3, 5].map((id) => `HEADERS ${id} end :method=GET|:scheme=http|:path=/|:authority=x`));
  assert.deepEqual([stat('upstream_cx_http2_total'), stat('upstream_rq_active'), stat('upstream_rq_pending_active')], [1, 3, 0]);
  origin.say(SETTINGS, origin.answer(3), origin.head(1), data(1, 'ab', true));
  assert.deepEqual(clients.map((each) => each.log.slice(1)), [['headers 200', 'data ab end'], ['headers 200 end'], []]);
  assert.deepEqual([stat('upstream_rq_active'), send().log, thread.io.connects.length], [1, ['ready 2 4'], 1]);
});

test('a connection that is full is followed by another', () => {
  addCluster('max_concurrent_streams: 2');
  const clients = [send(), send(), send()];
  assert.equal(thread.io.connects.length, 2);
  const first = new Origin(0);
  const second = new Origin(1);
  first.say(SETTINGS);
  second.say(SETTINGS);
  assert.deepEqual(clients.map((each) => each.log[0]), ['ready 2 1', 'ready 2 2', 'ready 2 1']);
  first.say(first.answer(1));
  // The one that became free last is used first.
  assert.deepEqual([send().log, thread.io.connects.length], [['ready 2 3'], 2]);
});

test('the origin allows fewer streams: the others wait, and go on when it allows more', () => {
  addCluster('', '', ', circuit_breakers: {thresholds: [{max_connections: 1}]}');
  send();
  const origin = new Origin();
  origin.say(settingsFrame([MAX_CONCURRENT_STREAMS, 1]));
  const waiting = send();
  assert.deepEqual([waiting.log, stat('upstream_cx_overflow'), stat('upstream_rq_pending_active')], [[], 1, 1]);
  origin.say(settingsFrame([MAX_CONCURRENT_STREAMS, 2]));
  thread.dispatcher.runPosted();
  assert.deepEqual(waiting.log, ['ready 2 2']);
  origin.say(origin.answer(1), origin.answer(3));
  assert.deepEqual([stat('upstream_rq_active'), thread.io.connects.length], [0, 1]);
});

test('GOAWAY: what runs may finish, what comes takes another connection', () => {
  addCluster();
  const running = send();
  const origin = new Origin();
  origin.say(SETTINGS, goAway(1, 0));
  assert.equal(stat('upstream_cx_close_notify'), 1);
  const next = send();
  assert.deepEqual([next.log, thread.io.connects.length, origin.transport.closed], [[], 2, 'no']);
  origin.say(origin.head(1), data(1, 'late', true));
  assert.deepEqual([running.log.slice(1), origin.transport.closed], [['headers 200', 'data late end'], 'closed']);
  new Origin(1).say(SETTINGS);
  assert.deepEqual(next.log, ['ready 2 1']);
  assert.equal(stat('upstream_cx_destroy_local_with_active_rq'), 0);
});

test('GOAWAY on an idle connection closes it', () => {
  addCluster();
  send();
  const origin = new Origin();
  origin.say(SETTINGS, origin.answer(1));
  origin.say(goAway(1, 0));
  assert.deepEqual([origin.transport.closed, stat('upstream_cx_destroy_local'), stat('upstream_cx_protocol_error')], ['closed', 1, 0]);
});

test('a stream that the origin resets leaves the others alone', () => {
  addCluster();
  const clients = [send(), send(), send()];
  const origin = new Origin();
  origin.say(SETTINGS, reset(1, 7), reset(3, 8));
  assert.deepEqual(clients.map((each) => each.log.slice(1)), [['reset 3'], ['reset 2'], []]);
  assert.deepEqual([stat('upstream_rq_rx_reset'), stat('upstream_rq_tx_reset'), stat('upstream_rq_active')], [1, 0, 1]);
  origin.say(origin.answer(5));
  assert.deepEqual(clients[2].log.slice(1), ['headers 200 end']);
});

test('a stream that is given up is reset at the origin', () => {
  addCluster();
  const client = send(false);
  const origin = new Origin();
  origin.say(SETTINGS);
  origin.frames();
  thread.dispatcher.runInTurn(() => client.encoder?.stream.resetStream(RESET_LOCAL_RESET), undefined);
  assert.deepEqual([origin.frames(), stat('upstream_rq_tx_reset'), stat('upstream_rq_active')], [['RST 1 2'], 1, 0]);
});

test('a response before its request is complete: the stream lives until both are', () => {
  addCluster();
  const client = send(false);
  const origin = new Origin();
  origin.say(SETTINGS, origin.answer(1));
  assert.deepEqual([client.log.slice(1), stat('upstream_rq_active')], [['headers 200 end'], 1]);
  thread.dispatcher.runInTurn(() => client.encoder?.encodeData(Buffer.from('late'), true), undefined);
  assert.equal(stat('upstream_rq_active'), 0);
});

test('the connection dies: all streams with it', () => {
  addCluster();
  const clients = [send(), send()];
  const origin = new Origin();
  origin.say(SETTINGS);
  origin.transport.end();
  assert.deepEqual(clients.map((each) => each.log.slice(1)), [['reset 7'], ['reset 7']]);
  assert.deepEqual(
    ['upstream_cx_destroy_remote_with_active_rq', 'upstream_rq_pending_failure_eject', 'upstream_rq_active', 'upstream_cx_active'].map(stat), [1, 2, 0, 0],
  );
});

test('a frame that HTTP/2 forbids ends the connection as a protocol error', () => {
  addCluster();
  const client = send();
  const origin = new Origin();
  origin.say(SETTINGS, frame(0, 0, 0, 'DATA on stream 0'));
  assert.deepEqual([client.log.slice(1), stat('upstream_cx_protocol_error'), origin.transport.closed], [['reset 10'], 1, 'closed']);
});

test('nobody listens: those who wait hear it', () => {
  addCluster();
  const clients = [send(), send()];
  thread.io.last.refused();
  assert.deepEqual(clients.map((each) => each.log), [["failure 2 'delayed connect error: Connection refused'"], ["failure 2 'delayed connect error: Connection refused'"]]);
  assert.deepEqual(['upstream_cx_connect_fail', 'upstream_rq_pending_failure_eject', 'upstream_rq_pending_active'].map(stat), [1, 2, 0]);
});

test('a request that is cancelled while it waits', () => {
  addCluster();
  const client = send();
  thread.dispatcher.runInTurn(() => client.cancellable?.cancel(false), undefined);
  const origin = new Origin();
  assert.deepEqual([client.log, origin.frames(), stat('upstream_rq_cancelled')], [[], [], 1]);
});

test('max_requests_per_connection: the connection closes after its last stream', () => {
  addCluster('', 'max_requests_per_connection: 2');
  const clients = [send(), send(), send()];
  const origin = new Origin(0);
  origin.say(SETTINGS);
  assert.deepEqual([clients.map((each) => each.log.length), stat('upstream_cx_max_requests'), thread.io.connects.length], [[1, 1, 0], 1, 2]);
  origin.say(origin.answer(1), origin.answer(3));
  assert.equal(origin.transport.closed, 'closed');
  assert.deepEqual(clients[1].log.slice(1), ['headers 200 end']);
});

test('max_requests of the circuit breaker', () => {
  addCluster('', '', ', circuit_breakers: {thresholds: [{max_requests: 1}]}');
  send();
  const origin = new Origin();
  origin.say(SETTINGS);
  assert.deepEqual([send().log, stat('upstream_rq_active_overflow')], [["failure 0 ''"], 1]);
});

test('an idle connection closes', () => {
  addCluster('', 'idle_timeout: 5s');
  send();
  const origin = new Origin();
  origin.say(SETTINGS);
  thread.advance(6_000);
  assert.equal(origin.transport.closed, 'no');
  origin.say(origin.answer(1));
  thread.advance(4_999);
  assert.equal(origin.transport.closed, 'no');
  thread.advance(1);
  assert.deepEqual([origin.transport.closed, stat('upstream_cx_idle_timeout')], ['closed', 1]);
});

test('max_connection_duration: no new streams, and the end with the last one', () => {
  addCluster('', 'max_connection_duration: 5s');
  const running = send();
  const origin = new Origin();
  origin.say(SETTINGS);
  thread.advance(5_000);
  assert.equal(stat('upstream_cx_max_duration_reached'), 1);
  send();
  assert.equal(thread.io.connects.length, 2);
  origin.say(origin.answer(1));
  assert.deepEqual([running.log.slice(1), origin.transport.closed], [['headers 200 end'], 'closed']);
});

test('connection_keepalive: an origin that does not answer PING is given up', () => {
  addCluster('connection_keepalive: {interval: 1s, timeout: 0.5s, interval_jitter: {value: 0}}');
  const client = send();
  const origin = new Origin();
  origin.say(SETTINGS);
  origin.frames();
  thread.advance(1_000);
  const [ping] = origin.frames();
  assert.match(ping, /^PING [0-9a-f]{16}$/);
  thread.advance(500);
  assert.deepEqual([client.log.slice(1), stat('http2.keepalive_timeout')], [['reset 7'], 1]);
});

test('connection_keepalive: a PING ahead of a request on a connection that was quiet', () => {
  addCluster('connection_keepalive: {timeout: 1s, connection_idle_interval: 2s}');
  send();
  const origin = new Origin();
  origin.say(SETTINGS, origin.answer(1));
  origin.frames();
  thread.advance(2_001);
  send();
  const frames = origin.frames();
  assert.deepEqual([frames.length, frames[0].startsWith('PING '), frames[1].startsWith('HEADERS 3 ')], [2, true, true]);
});

test('the protocol follows the downstream where it shall', () => {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  thread.addCluster(`{name: a, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address:
    {address: 192.0.2.1, port_value: 80}}}}]}]}, typed_extension_protocol_options: {${type}: {'@type': type.googleapis.com/${type},
    use_downstream_protocol_config: {http2_protocol_options: {}}}}}`);
  const cluster = thread.clusters.getThreadLocalCluster('a');
  const http1 = cluster?.httpPool(0, PROTOCOL_HTTP11, null);
  const http2 = cluster?.httpPool(0, PROTOCOL_HTTP2, null);
  assert.deepEqual([http1?.constructor.name, http2?.constructor.name], ['Http1Pool', 'Http2Pool']);
  assert.equal(cluster?.httpPool(0, PROTOCOL_HTTP11, null), http1);
});
