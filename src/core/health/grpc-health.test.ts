import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { encodeGrpcFrame } from '../../codec/grpc/index.ts';
import { HOST_ACTIVE_HC_TIMEOUT, HOST_FAILED_ACTIVE_HC } from '../../contract/upstream.ts';
import { CheckedCluster } from './testing.ts';

/** The server's side of HTTP/2, frame by frame; header blocks are literals without Huffman. */
const frame = (type: number, flags: number, stream: number, payload: Buffer | string): string => {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]).toString('latin1');
};
const SETTINGS = frame(4, 0, 0, '');
const block = (fields: readonly (readonly [string, string])[]): string =>
  fields.map(([name, value]) => `\x00${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`).join('');
const headers = (stream: number, fields: readonly (readonly [string, string])[], end = false): string => frame(1, end ? 5 : 4, stream, block(fields));
const data = (stream: number, payload: Buffer | string, end = false): string => frame(0, end ? 1 : 0, stream, payload);
const goaway = (last: number, code: number): string => {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(last, 0);
  payload.writeUInt32BE(code, 4);
  return frame(7, 0, 0, payload);
};
const RST = (stream: number): string => frame(3, 0, stream, '\0\0\0\x08');
const HEAD = [[':status', '200'], ['content-type', 'application/grpc']] as const;
const message = (status: number): Buffer => encodeGrpcFrame(Uint8Array.of(8, status));
const serving = (stream: number): string => headers(stream, HEAD) + data(stream, message(1)) + headers(stream, [['grpc-status', '0']], true);

const HTTP2 = ', typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": ' +
  'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}';

let cluster: CheckedCluster;
afterEach(() => cluster.dispose());

function start(check = 'grpc_health_check: {}', common?: string): void {
  cluster = new CheckedCluster(check, { extra: HTTP2, ...(common === undefined ? {} : { common }) });
  cluster.socket.connected();
  cluster.socket.receive(SETTINGS);
}

/** The host is healthy by its first check. */
function startServing(...args: Parameters<typeof start>): void {
  start(...args);
  cluster.socket.receive(serving(1));
  assert.equal(cluster.flags, 0);
  cluster.sent();
}

const next = (): void => cluster.thread.advance(10_001);

test('SERVING is healthy; the next check is another stream of the same connection', () => {
  startServing();
  assert.deepEqual([cluster.counts, cluster.ready], [[1, 1, 0, 0, 0, 1], true]);
  next();
  assert.equal(cluster.connects, 1);
  assert.ok(cluster.sent().length > 0);
  cluster.socket.receive(serving(3));
  assert.deepEqual(cluster.counts, [2, 2, 0, 0, 0, 1]);
});

test('what is asked: path, service, authority, metadata', () => {
  start('grpc_health_check: {service_name: pkg.S, authority: h.test, initial_metadata: [{header: {key: x-m, value: v}}]}');
  const sent = cluster.sent();
  assert.ok(sent.includes(encodeGrpcFrame(Buffer.from('\x0a\x05pkg.S')).toString('latin1')), 'HealthCheckRequest{service}');
  cluster.socket.receive(serving(1));
});

const ENDS: readonly (readonly [what: string, bytes: string])[] = [
  ['NOT_SERVING', headers(1, HEAD) + data(1, message(2)) + headers(1, [['grpc-status', '0']], true)],
  ['a status that is not known', headers(1, HEAD) + data(1, message(77)) + headers(1, [['grpc-status', '0']], true)],
  ['no message', headers(1, HEAD) + headers(1, [['grpc-status', '0']], true)],
  ['an empty message', headers(1, HEAD) + data(1, encodeGrpcFrame(new Uint8Array(0))) + headers(1, [['grpc-status', '0']], true)],
  ['two messages', headers(1, HEAD) + data(1, Buffer.concat([message(1), message(1)])) + headers(1, [['grpc-status', '0']], true)],
  ['a message that is no protobuf', headers(1, HEAD) + data(1, encodeGrpcFrame(Uint8Array.of(0xff, 0xff)))],
  ['a compressed message', headers(1, HEAD) + data(1, encodeGrpcFrame(Uint8Array.of(8, 1), 1))],
  ['a frame with unknown flags', headers(1, HEAD) + data(1, encodeGrpcFrame(Uint8Array.of(8, 1), 0x80))],
  ['a frame that says it is huge', headers(1, HEAD) + data(1, '\0\x7f\xff\xff\xff')],
  ['a cut frame', headers(1, HEAD) + data(1, '\0\0\0') + headers(1, [['grpc-status', '0']], true)],
  ['an error status', headers(1, HEAD) + headers(1, [['grpc-status', '14'], ['grpc-message', 'down']], true)],
  ['trailers only', headers(1, [...HEAD, ['grpc-status', '12']], true)],
  ['trailers without a status', headers(1, HEAD) + data(1, message(1)) + headers(1, [['x', 'y']], true)],
  ['an end without trailers', headers(1, HEAD) + data(1, message(1), true)],
  ['headers that end without a status', headers(1, HEAD, true)],
  ['HTTP 503', headers(1, [[':status', '503']], true)],
  ['HTTP 503 with a body', headers(1, [[':status', '503']]) + data(1, 'no')],
  ['HTTP 200 of a web page', headers(1, [[':status', '200'], ['content-type', 'text/html']]) + data(1, '<p>', true)],
];

for (const [what, bytes] of ENDS) {
  test(`unhealthy: ${what}`, () => {
    start();
    cluster.socket.receive(bytes);
    assert.deepEqual([cluster.flags, cluster.counts], [HOST_FAILED_ACTIVE_HC, [1, 0, 1, 0, 0, 0]]);
    // The connection is good for the next check.
    next();
    assert.equal(cluster.connects, 1);
    cluster.socket.receive(serving(3));
    assert.deepEqual(cluster.counts, [2, 1, 1, 0, 0, 0]);
  });
}

test('a reset stream and a lost connection are failures of the network', () => {
  startServing();
  next();
  cluster.socket.receive(RST(3));
  assert.deepEqual([cluster.flags, cluster.counts], [0, [2, 1, 1, 1, 0, 1]]);
  next();
  cluster.socket.end();
  assert.deepEqual([cluster.flags, cluster.counts], [HOST_FAILED_ACTIVE_HC, [3, 1, 2, 2, 0, 0]]);
  next();
  assert.equal(cluster.connects, 2);
});

test('a refused connection is a failure of the network', () => {
  cluster = new CheckedCluster('grpc_health_check: {}', { extra: HTTP2 });
  cluster.socket.refused();
  assert.deepEqual(cluster.counts, [1, 0, 1, 1, 0, 0]);
});

test('a timeout resets the stream and keeps the connection', () => {
  startServing();
  next();
  cluster.thread.advance(1_001);
  assert.deepEqual([cluster.flags, cluster.socket.closed, cluster.counts], [0, 'no', [2, 1, 1, 1, 0, 1]]);
  cluster.socket.receive(serving(3));
  assert.deepEqual(cluster.counts, [2, 1, 1, 1, 0, 1]);
  next();
  cluster.thread.advance(1_001);
  assert.equal(cluster.flags, HOST_FAILED_ACTIVE_HC | HOST_ACTIVE_HC_TIMEOUT);
});

test('a timeout while connecting', () => {
  cluster = new CheckedCluster('grpc_health_check: {}', { extra: HTTP2 });
  cluster.thread.advance(1_001);
  assert.deepEqual(cluster.counts, [1, 0, 1, 1, 0, 0]);
  cluster.socket.connected();
  cluster.socket.receive(SETTINGS);
  next();
  cluster.socket.receive(serving(1));
  assert.deepEqual(cluster.counts, [2, 1, 1, 1, 0, 0]);
});

test('a graceful GOAWAY: the check under way finishes, the next one connects anew', () => {
  startServing();
  next();
  cluster.socket.receive(goaway(3, 0));
  assert.deepEqual([cluster.flags, cluster.socket.closed], [0, 'no']);
  cluster.socket.receive(serving(3));
  assert.deepEqual([cluster.flags, cluster.counts, cluster.socket.closed], [0, [2, 2, 0, 0, 0, 1], 'closed']);
  next();
  assert.equal(cluster.connects, 2);
});

test('a GOAWAY between checks closes; one with an error fails the check', () => {
  startServing();
  cluster.socket.receive(goaway(1, 0));
  assert.deepEqual([cluster.socket.closed, cluster.counts], ['closed', [1, 1, 0, 0, 0, 1]]);
  next();
  cluster.socket.connected();
  cluster.socket.receive(SETTINGS + goaway(1, 2));
  assert.deepEqual([cluster.socket.closed, cluster.counts], ['closed', [2, 1, 1, 1, 0, 1]]);
  next();
  assert.equal(cluster.connects, 3);
});

test('a graceful GOAWAY and a timeout: the connection is closed', () => {
  startServing();
  next();
  cluster.socket.receive(goaway(3, 0));
  cluster.thread.advance(1_001);
  assert.equal(cluster.socket.closed, 'closed');
});

test('reuse_connection: false', () => {
  startServing('grpc_health_check: {}, reuse_connection: false');
  assert.equal(cluster.socket.closed, 'closed');
  next();
  assert.equal(cluster.connects, 2);
});

test('gRPC checks need a cluster that speaks HTTP/2', () => {
  startServing();
  assert.throws(() => new CheckedCluster('grpc_health_check: {}'), /cluster must support HTTP\/2 for gRPC healthchecking/);
});
