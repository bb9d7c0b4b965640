import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import { encodeGrpcFrame } from '../../codec/grpc/index.ts';
import { readGrpcService } from '../../common/grpc-service.ts';
import type { GrpcClient, GrpcRequestCallbacks, GrpcStreamCallbacks } from '../../contract/grpc-client.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP11, StreamInfo } from '../../contract/stream-info.ts';
import { TestProxy, splitMessage } from '../http/testing/proxy.ts';
import { ipAddress } from '../network/address.ts';
import { parseMessage } from '../upstream/test-support.ts';
import { EnvoyGrpcClient } from './envoy-client.ts';

const SERVICE = 'pkg.Service';
/** A response head in HTTP/1: the client does not care what carries it. */
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\nx-i: 1\r\n\r\n';

function frame(text: string, flags = 0): string {
  return encodeGrpcFrame(Buffer.from(text, 'latin1'), flags).toString('latin1');
}

function chunk(bytes: string): string {
  return `${bytes.length.toString(16)}\r\n${bytes}\r\n`;
}

function trailers(status: string, message = ''): string {
  return `0\r\n${status === '' ? '' : `grpc-status: ${status}\r\n`}${message === '' ? '' : `grpc-message: ${message}\r\n`}x-t: 2\r\n\r\n`;
}

class Caller implements GrpcRequestCallbacks, GrpcStreamCallbacks {
  readonly events: string[] = [];
  metadata: ((headers: HeaderMap) => void) | null = null;
  onNext: ((event: string) => void) | null = null;
  accept = true;

  hear(event: string): void {
    this.events.push(event);
    this.onNext?.(event);
  }

  onCreateInitialMetadata(headers: HeaderMap): void {
    this.metadata?.(headers);
  }

  onSuccess(message: Buffer): void {
    this.hear(`ok ${message.toString('latin1')}`);
  }

  onFailure(status: number, message: string): void {
    this.hear(`failed ${status} ${message}`);
  }

  onReceiveInitialMetadata(metadata: HeaderMap): void {
    this.hear(`initial ${metadata.get('x-i') ?? '-'}`);
  }

  onMessage(message: Buffer): boolean {
    this.hear(`message ${message.toString('latin1')}`);
    return this.accept;
  }

  onReceiveTrailingMetadata(metadata: HeaderMap): void {
    this.hear(`trailing ${metadata.get('x-t') ?? '-'}`);
  }

  onRemoteClose(status: number, message: string): void {
    this.hear(`closed ${status} ${message}`);
  }
}

function setUp(yaml = 'envoy_grpc: { cluster_name: origin }'): { proxy: TestProxy; client: GrpcClient; caller: Caller } {
  const proxy = new TestProxy();
  const config = readGrpcService(parseMessage<GrpcService>('envoy.config.core.v3.GrpcService', yaml));
  assert.equal(config.target.kind, 'envoy');
  if (config.target.kind !== 'envoy') throw new Error('unreachable');
  return { proxy, client: new EnvoyGrpcClient(config, config.target, proxy.asyncClients, proxy.dispatcher), caller: new Caller() };
}

function unary(yaml?: string): ReturnType<typeof setUp> {
  const all = setUp(yaml);
  all.client.send(SERVICE, 'Do', Buffer.from('ask'), all.caller);
  return all;
}

function expectClean(proxy: TestProxy): void {
  assert.equal(proxy.asyncClients.activeStreams, 0);
}

test('a unary call: path, headers, frame; the answer', () => {
  const { proxy, client, caller } = setUp('{ envoy_grpc: { cluster_name: origin, authority: svc.test }, initial_metadata: [{ key: X-A, value: "1" }] }');
  caller.metadata = (headers) => headers.add('k-bin', '\x00\xff');
  const call = client.send(SERVICE, 'Do', Buffer.from('ask'), caller, { timeout: 250 });
  assert.notEqual(call, null);
  const sent = splitMessage(proxy.origin.upstream.take());
  assert.equal(sent.firstLine, 'POST /pkg.Service/Do HTTP/1.1');
  for (const [name, value] of [
    ['host', 'svc.test'], ['te', 'trailers'], ['content-type', 'application/grpc'], ['grpc-timeout', '250m'], ['x-a', '1'], ['k-bin', 'AP8='],
    ['x-envoy-internal', 'true'],
  ]) assert.equal(sent.headers.get(name), value, name);
  assert.match(sent.body, /\x00\x00\x00\x00\x03ask/);
  proxy.origin.upstream.respond(HEAD + chunk(frame('answer')) + trailers('0'));
  assert.deepEqual(caller.events, ['ok answer']);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_200'), 1);
  expectClean(proxy);
});

test('skip_envoy_headers leaves them out', () => {
  const { proxy } = unary('envoy_grpc: { cluster_name: origin, skip_envoy_headers: true }');
  const sent = splitMessage(proxy.origin.upstream.take());
  assert.equal(sent.headers.has('x-envoy-internal') || sent.headers.has('x-forwarded-for'), false);
});

const UNARY_ENDS: readonly (readonly [what: string, bytes: string, expected: string])[] = [
  ['a status with a message', HEAD + trailers('5', 'no such thing'), 'failed 5 no such thing{via_upstream}'],
  ['OK without a message', HEAD + trailers('0'), 'failed 13 '],
  ['no status in the trailers', HEAD + chunk(frame('x')) + trailers(''), 'failed 2 via_upstream'],
  ['a status that is no number', HEAD + trailers('abc'), 'failed -1 via_upstream'],
  ['a status that gRPC does not define', HEAD + trailers('99'), 'failed -1 via_upstream'],
  ['trailers only', 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 7\r\ngrpc-message: denied\r\ncontent-length: 0\r\n\r\n', 'failed 7 denied{via_upstream}'],
  ['trailers only with an HTTP error', 'HTTP/1.1 503 x\r\ngrpc-status: 8\r\ncontent-length: 0\r\n\r\n', 'failed 8 via_upstream'],
  ['an HTTP error without a status', 'HTTP/1.1 403 x\r\ncontent-length: 0\r\n\r\n', 'failed 7 via_upstream'],
  ['an HTTP error with a body', 'HTTP/1.1 404 x\r\ncontent-length: 2\r\n\r\nab', 'failed 12 via_upstream'],
  ['200 that is no gRPC', 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\n<html></html', 'failed 13 via_upstream'],
  ['no trailers at all', `${HEAD}${chunk(frame('x'))}0\r\n\r\n`, 'failed 2 via_upstream'],
  ['a compressed message', HEAD + chunk(frame('x', 1)) + trailers('0'), 'failed 13 via_upstream'],
  ['an empty compressed message is none', HEAD + chunk(frame('', 1)) + trailers('0'), 'ok '],
  ['a flag that gRPC does not know', HEAD + chunk(frame('x', 0x40)), 'failed 13 via_upstream'],
  ['a cut frame', HEAD + chunk(frame('xyz').slice(0, 6)) + trailers('0'), 'failed 13 '],
  ['several messages: the last', HEAD + chunk(frame('a') + frame('b')) + trailers('0'), 'ok b'],
];

for (const [what, bytes, expected] of UNARY_ENDS) {
  test(`a server that sends ${what}`, () => {
    const { proxy, caller } = unary();
    proxy.origin.upstream.respond(bytes);
    assert.deepEqual(caller.events, [expected]);
    expectClean(proxy);
  });
}

test('a message longer than allowed: RESOURCE_EXHAUSTED from its header on', () => {
  const { proxy, caller } = unary('envoy_grpc: { cluster_name: origin, max_receive_message_length: 4 }');
  proxy.origin.upstream.respond(HEAD + chunk(frame('12345').slice(0, 5)));
  assert.deepEqual(caller.events, ['failed 8 via_upstream']);
  assert.equal(proxy.origin.upstream.reset, true);
  const fits = unary('envoy_grpc: { cluster_name: origin, max_receive_message_length: 4 }');
  fits.proxy.origin.upstream.respond(HEAD + chunk(frame('1234')) + trailers('0'));
  assert.deepEqual(fits.caller.events, ['ok 1234']);
});

test('no cluster, no host, connection lost, deadline', () => {
  const missing = unary('envoy_grpc: { cluster_name: other }');
  assert.deepEqual(missing.caller.events, ['failed 14 Cluster not available']);
  const empty = setUp();
  empty.proxy.origin.mode = 'none';
  assert.equal(empty.client.send(SERVICE, 'Do', Buffer.from('x'), empty.caller), null);
  assert.deepEqual(empty.caller.events, ['failed 14 no healthy upstream{no_healthy_upstream}']);
  const lost = unary();
  lost.proxy.origin.upstream.close();
  assert.match(lost.caller.events[0], /^failed 14 upstream connect error.*{upstream_reset_before_response_started{connection_termination}}$/);
  const cut = unary();
  cut.proxy.origin.upstream.respond(HEAD + chunk(frame('x')));
  cut.proxy.origin.upstream.close();
  assert.match(cut.caller.events[0], /^failed 13 upstream_reset_after_response_started/);
  const late = setUp();
  late.client.send(SERVICE, 'Do', Buffer.from('x'), late.caller, { timeout: 100 });
  late.proxy.advance(101);
  assert.deepEqual(late.caller.events, ['failed 14 upstream request timeout{response_timeout}']);
  for (const each of [missing, empty, lost, cut, late]) expectClean(each.proxy);
});

test('retries by gRPC status, with back-off; the answer of the second try counts', () => {
  const { proxy, caller } = unary('{ envoy_grpc: { cluster_name: origin }, retry_policy: { retry_on: unavailable, num_retries: 1 } }');
  const refused = 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\ncontent-length: 0\r\n\r\n';
  proxy.origin.upstream.respond(refused);
  assert.deepEqual([proxy.origin.upstreams.length, caller.events.length], [1, 0]);
  proxy.advance(1_001);
  assert.equal(proxy.origin.upstreams.length, 2);
  assert.match(proxy.origin.upstream.take(), /\x00\x00\x00\x00\x03ask/);
  proxy.origin.upstream.respond(HEAD + chunk(frame('yes')) + trailers('0'));
  assert.deepEqual(caller.events, ['ok yes']);
  assert.equal(proxy.stat('cluster.origin.upstream_rq_retry'), 1);
});

test('initial metadata is formatted from the stream on whose behalf the call is made, else sent as written', () => {
  const yaml = '{ envoy_grpc: { cluster_name: origin }, initial_metadata: [{ key: x-peer, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%|%REQ(x-q)%" }] }';
  const { proxy, client, caller } = setUp(yaml);
  const peer = ipAddress('10.7.7.7', 5);
  client.send(SERVICE, 'Do', Buffer.alloc(0), caller, { parent: new StreamInfo(PROTOCOL_HTTP11, 0, 0, peer, peer), parentRequestHeaders: HeaderMap.of(['x-q', 'q']) });
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.get('x-peer'), '10.7.7.7|q');
  client.send(SERVICE, 'Do', Buffer.alloc(0), caller);
  assert.equal(splitMessage(proxy.origin.upstream.take()).headers.get('x-peer'), '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%|%REQ(x-q)%');
});

test('cancel: nothing is heard', () => {
  const { proxy, client, caller } = setUp();
  const call = client.send(SERVICE, 'Do', Buffer.from('x'), caller, { timeout: 50 });
  call?.cancel();
  call?.cancel();
  assert.equal(proxy.origin.upstream.reset, true);
  proxy.advance(1_000);
  assert.deepEqual(caller.events, []);
  expectClean(proxy);
});

test('a stream: messages both ways in their order, however they are cut', () => {
  const { proxy, client, caller } = setUp();
  const stream = client.start(SERVICE, 'Talk', caller);
  stream?.sendMessage(Buffer.from('one'), false);
  stream?.sendMessage(Buffer.alloc(20_000, 'y'), false);
  stream?.closeStream();
  const sent = proxy.origin.upstream.take();
  assert.ok(sent.includes(frame('one')) && sent.includes('y'.repeat(20_000)) && sent.endsWith('0\r\n\r\n'));
  const answers = frame('a') + frame('') + frame('long answer');
  proxy.origin.upstream.respond(HEAD);
  for (const byte of answers) proxy.origin.upstream.respond(chunk(byte));
  proxy.origin.upstream.respond(trailers('0'));
  assert.deepEqual(caller.events, ['initial 1', 'message a', 'message ', 'message long answer', 'trailing 2', 'closed 0 via_upstream']);
  stream?.sendMessage(Buffer.from('late'), true);
  stream?.resetStream();
  assert.equal(caller.events.length, 6);
  expectClean(proxy);
});

test('a stream that breaks off, or is refused, closes once with a status', () => {
  const broken = setUp();
  broken.client.start(SERVICE, 'Talk', broken.caller);
  broken.proxy.origin.upstream.respond(HEAD);
  broken.proxy.origin.upstream.close();
  assert.deepEqual(broken.caller.events.slice(0, 2), ['initial 1', 'trailing -']);
  assert.match(broken.caller.events[2], /^closed 13 upstream_reset_after_response_started/);
  const refused = setUp();
  refused.client.start(SERVICE, 'Talk', refused.caller);
  refused.proxy.origin.upstream.respond('HTTP/1.1 401 x\r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual(refused.caller.events, ['initial -', 'trailing -', 'closed 16 via_upstream']);
  const missing = setUp('envoy_grpc: { cluster_name: other }');
  assert.equal(missing.client.start(SERVICE, 'Talk', missing.caller), null);
  assert.deepEqual(missing.caller.events, ['closed 14 Cluster not available']);
  for (const each of [broken, refused]) expectClean(each.proxy);
});

test('a message that its receiver refuses ends the stream with INTERNAL', () => {
  const { proxy, client, caller } = setUp();
  caller.accept = false;
  client.start(SERVICE, 'Talk', caller);
  proxy.origin.upstream.respond(HEAD + chunk(frame('a') + frame('b')));
  assert.deepEqual(caller.events, ['initial 1', 'message a', 'trailing -', 'closed 13 via_upstream']);
  assert.equal(proxy.origin.upstream.reset, true);
  expectClean(proxy);
});

test('a reset from within any callback is the last event', () => {
  for (const last of ['initial 1', 'message a', 'trailing 2']) {
    const { proxy, client, caller } = setUp();
    const stream = client.start(SERVICE, 'Talk', caller);
    caller.onNext = (event) => {
      if (event === last) stream?.resetStream();
    };
    proxy.origin.upstream.respond(HEAD + chunk(frame('a') + frame('b')) + trailers('0'));
    assert.equal(caller.events.at(-1), last);
    expectClean(proxy);
  }
});

test('a new call from within the close of the old one', () => {
  const { proxy, client, caller } = setUp();
  let again: unknown = null;
  caller.onNext = (event) => {
    if (event.startsWith('closed') && again === null) again = client.start(SERVICE, 'Talk', caller);
  };
  client.start(SERVICE, 'Talk', caller);
  proxy.origin.upstream.respond(HEAD + trailers('14'));
  assert.equal(proxy.origin.upstreams.length, 2);
  proxy.origin.upstream.respond(HEAD + trailers('0'));
  assert.equal(caller.events.filter((each) => each.startsWith('closed')).length, 2);
  expectClean(proxy);
});

test('waitForRemoteCloseAndDelete: silent, and reset when the server does not end it', () => {
  const { proxy, client, caller } = setUp();
  const stream = client.start(SERVICE, 'Talk', caller);
  stream?.closeStream();
  stream?.waitForRemoteCloseAndDelete(500);
  proxy.origin.upstream.respond(HEAD + chunk(frame('a')));
  assert.deepEqual(caller.events, []);
  proxy.advance(499);
  assert.equal(proxy.asyncClients.activeStreams, 1);
  proxy.advance(2);
  assert.equal(proxy.origin.upstream.reset, true);
  expectClean(proxy);

  const ended = setUp();
  const other = ended.client.start(SERVICE, 'Talk', ended.caller);
  other?.closeStream();
  other?.waitForRemoteCloseAndDelete();
  ended.proxy.origin.upstream.respond(HEAD + trailers('0'));
  assert.deepEqual([ended.caller.events.length, ended.proxy.origin.upstream.reset], [0, false]);
  expectClean(ended.proxy);
});

test('flow control: a stream without a connection tells its producer, a reader pauses the server', () => {
  const { proxy, client, caller } = setUp();
  proxy.origin.mode = 'later';
  const stream = client.start(SERVICE, 'Talk', caller, { bufferLimit: 10 });
  let above = 0;
  stream?.setWatermarkCallbacks({ onAboveWriteBufferHighWatermark: () => above++, onBelowWriteBufferLowWatermark: () => above-- });
  stream?.sendMessage(Buffer.alloc(11), false);
  assert.deepEqual([above, stream?.isAboveWriteBufferHighWatermark], [1, true]);
  proxy.origin.ready();
  assert.equal(above, 0);
  proxy.origin.upstream.respond(HEAD);
  stream?.readDisable(true);
  assert.equal(proxy.origin.upstream.connection.pauses, 1);
  stream?.readDisable(false);
  assert.equal(proxy.origin.upstream.connection.pauses, 0);
  stream?.resetStream();
});
