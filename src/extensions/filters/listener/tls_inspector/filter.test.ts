import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { TlsInspector } from '#api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../../common/testing/fake-context.ts';
import { FakeListenerSocket } from '../../../../common/testing/fake-listener-socket.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { TLS_INSPECTOR } from './config.ts';
import { tlsInspector } from './index.ts';

/** An extension with its length, hex. */
function extension(type: number, body: string): string {
  return word(type) + word(body.length / 2) + body;
}

function word(value: number): string {
  return value.toString(16).padStart(4, '0');
}

/** `a.b` by SNI, `h2` by ALPN, GREASE in ciphers, extensions and groups. */
const EXTENSIONS =
  extension(0, '000600000361' + '2e62') + extension(0x2a2a, '') + extension(10, '00041a1a001d') + extension(11, '0100') +
  extension(13, '00040403' + '0804') + extension(16, '0003026832') + extension(43, '0403040303');

function clientHello(legacyVersion: string, extensions: string): string {
  const body = `${legacyVersion}${'11'.repeat(32)}00${'000a'}0a0a13011302c02f002f0100${word(extensions.length / 2)}${extensions}`;
  const message = `0100${word(body.length / 2)}${body}`;
  return `160301${word(message.length / 2)}${message}`;
}

const HELLO = clientHello('0303', EXTENSIONS);

let context: FakeContext;
beforeEach(() => {
  context = fakeContext();
});

function inspect(yaml = '{}'): FakeListenerSocket {
  const create = tlsInspector.create(fromYaml<TlsInspector>(TLS_INSPECTOR, yaml), context);
  return new FakeListenerSocket(create(), context.dispatcher);
}

function stats(): Record<string, number> {
  const seen: Record<string, number> = {};
  for (const [name, stat] of context.rootScope.all) if (stat.value !== 0) seen[name.replace('tls_inspector.', '')] = stat.value;
  return seen;
}

test('a ClientHello: name, protocols, fingerprints; nothing is consumed', () => {
  const hello = Buffer.from(HELLO, 'hex');
  const socket = inspect('{enable_ja3_fingerprinting: true, enable_ja4_fingerprinting: true}');
  assert.equal(socket.receive(hello.subarray(0, 40)), 'waits');
  assert.equal(socket.receive(hello), 'continues');
  assert.equal(socket.transportProtocol, 'tls');
  assert.deepEqual(socket.applicationProtocols, ['h2']);
  assert.equal(socket.streamInfo.requestedServerName, 'a.b');
  assert.match(socket.streamInfo.ja3Hash, /^[0-9a-f]{32}$/);
  assert.match(socket.streamInfo.ja4Hash, /^t13d0406h2_f0ee03a69c40_[0-9a-f]{12}$/);
  assert.equal(socket.drained, 0);
  assert.deepEqual(stats(), { tls_found: 1, sni_found: 1, alpn_found: 1, bytes_processed: hello.length });
});

test('no name, no ALPN, no fingerprints unless asked for', () => {
  const socket = inspect();
  assert.equal(socket.receive(Buffer.from(clientHello('0301', extension(11, '0100')), 'hex')), 'continues');
  assert.deepEqual([socket.streamInfo.requestedServerName, socket.streamInfo.ja3Hash, socket.streamInfo.ja4Hash], ['', '', '']);
  const { bytes_processed: size, ...rest } = stats();
  assert.ok(size > 0);
  assert.deepEqual(rest, { tls_found: 1, sni_not_found: 1, alpn_not_found: 1 });
});

const NOT_TLS: readonly (readonly [string, string, string])[] = [
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n').toString('hex'), '1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST'],
  ['CONNECT', Buffer.from('CONNECT a:1').toString('hex'), '1000009b:SSL routines:OPENSSL_internal:HTTPS_PROXY_REQUEST'],
  ['SSH', Buffer.from('SSH-2.0').toString('hex'), '100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER'],
  ['application data', '17030300020100', '100000e1:SSL routines:OPENSSL_internal:UNEXPECTED_RECORD'],
  ['an alert', '15030300020228', '10000410:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE'],
  ['a ServerHello', '160303000402000000', '100000df:SSL routines:OPENSSL_internal:UNEXPECTED_MESSAGE'],
  ['a ClientHello cut short', '1603010006010000020303', '10000083:SSL routines:OPENSSL_internal:CLIENTHELLO_PARSE_FAILED'],
  ['a message longer than any', '160301000a01010000030300000000', '10000096:SSL routines:OPENSSL_internal:EXCESSIVE_MESSAGE_SIZE'],
];

for (const [name, hex, reason] of NOT_TLS) {
  test(`not TLS: ${name}`, () => {
    const socket = inspect();
    assert.equal(socket.receive(Buffer.from(hex, 'hex')), 'continues');
    assert.equal(socket.transportProtocol, '');
    assert.equal(socket.streamInfo.downstreamTransportFailureReason, `TLS_error|error:${reason}:TLS_error_end`);
    assert.deepEqual(socket.streamInfo.dynamicMetadata?.get('envoy.filters.listener.tls_inspector'), { failure_reason: 'ClientHelloNotDetected' });
    assert.equal(stats()['tls_not_found'], 1);
    assert.equal(inspect('{close_connection_on_client_hello_parsing_errors: true}').receive(Buffer.from(hex, 'hex')), 'closes');
  });
}

test('SSL 3 is closed, with its name known', () => {
  const socket = inspect();
  assert.equal(socket.receive(Buffer.from(HELLO.replace(/^(.{18})0303/, '$10300'), 'hex')), 'closes');
  assert.equal(socket.streamInfo.requestedServerName, 'a.b');
  assert.match(socket.streamInfo.downstreamTransportFailureReason, /CONNECTION_REJECTED/);
  assert.equal(stats()['tls_not_found'], 1);
});

test('close_notify as the first word closes; warnings, empty records and four bytes wait', () => {
  assert.equal(inspect().receive(Buffer.from('15030300020100', 'hex')), 'closes');
  for (const hex of ['1503030002015a', '160303000001', '47455420']) assert.equal(inspect().receive(Buffer.from(hex, 'hex')), 'waits', hex);
});

test('limits: the first look grows; too long is closed', () => {
  const socket = inspect('{initial_read_buffer_size: 256, max_client_hello_size: 600}');
  assert.equal(socket.wants, 256);
  const start = Buffer.concat([Buffer.from('1603010fff01000ffb0303', 'hex'), Buffer.alloc(1_000)]);
  assert.equal(socket.receive(start.subarray(0, 256)), 'waits');
  assert.equal(socket.wants, 512);
  assert.equal(socket.receive(start.subarray(0, 512)), 'waits');
  assert.equal(socket.wants, 600);
  assert.equal(socket.receive(start.subarray(0, 600)), 'closes');
  assert.equal(stats()['client_hello_too_large'], 1);
  assert.deepEqual(socket.streamInfo.dynamicMetadata?.get('envoy.filters.listener.tls_inspector'), { failure_reason: 'ClientHelloTooLarge' });
});
