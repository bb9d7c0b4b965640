import assert from 'node:assert/strict';
import { afterEach, before, test } from 'node:test';
import { authority } from '../../../test/harness/certificates.ts';
import { sslRetention } from '../../common/ssl-retention.ts';
import { TlsConnectionInfo } from './connection-info.ts';
import type { TlsState } from './tls-engine.ts';

let der: Buffer;
before(async () => {
  der = Buffer.from((await (await authority()).issue({ subject: 'CN=peer' })).x509.rawData);
});
afterEach(() => {
  sslRetention.peerCertificate = false;
  sslRetention.sessionId = false;
  sslRetention.group = false;
});

/** Counts what it is asked; after `end` it knows nothing, as OpenSSL after a close. */
function connection(version: string): { info: TlsConnectionInfo; asked: Record<string, number>; readonly end: () => void } {
  const asked: Record<string, number> = {};
  let ended = false;
  const answer = <T>(name: string, value: T) => (): T => {
    assert.equal(ended, false, `${name} after the close`);
    asked[name] = (asked[name] ?? 0) + 1;
    return value;
  };
  const info = new TlsConnectionInfo();
  info.state = {
    protocol: answer('protocol', version), cipher: answer('cipher', { name: 'TLS_AES_128_GCM_SHA256', standardName: '', version: '' }), alpn: answer('alpn', 'h2'),
    serverName: answer('serverName', 'a.example'), isSessionReused: answer('reused', false), peerChain: answer('chain', [der]), verifyError: answer('verify', ''),
    ephemeralKey: answer('group', { type: 'ECDH', name: 'prime256v1', size: 256 }), sharedSignatureAlgorithms: answer('sigalgs', []), sessionId: answer('session', Buffer.from('0aff', 'hex')),
    exportKeyingMaterial: answer('export', Buffer.alloc(0)),
  } satisfies TlsState;
  return { info, asked, end: () => void (ended = true) };
}

test('each question is put once', () => {
  const { info, asked } = connection('TLSv1.2');
  for (let i = 0; i < 2; i++) {
    assert.deepEqual([info.tlsVersion, info.cipherName, info.cipherId, info.alpn, info.requestedServerName, info.sessionId, info.group], ['TLSv1.2', 'TLS_AES_128_GCM_SHA256', 0x1301, 'h2', 'a.example', '0aff', 'P-256']);
    assert.equal(info.peerChain[0]?.subject, 'CN=peer');
  }
  assert.deepEqual(asked, { protocol: 1, cipher: 1, alpn: 1, serverName: 1, session: 1, group: 1, chain: 1 });
});

test('what nobody reads later is gone with the connection', () => {
  const { info, end } = connection('TLSv1.2');
  info.keep();
  end();
  assert.deepEqual([info.tlsVersion, info.alpn, info.requestedServerName, info.peerPresented], ['TLSv1.2', 'h2', 'a.example', true]);
  assert.deepEqual([info.sessionId, info.group, info.peerChain.length], ['', '', 0]);
});

test('what a log reads later is kept', () => {
  Object.assign(sslRetention, { peerCertificate: true, sessionId: true, group: true });
  const { info, end } = connection('TLSv1.2');
  info.keep();
  end();
  assert.deepEqual([info.sessionId, info.group, info.peerChain[0]?.subject], ['0aff', 'P-256', 'CN=peer']);
});

test('TLS 1.3 has no session of its own', () => {
  assert.equal(connection('TLSv1.3').info.sessionId, '');
});

test('before the handshake all is empty', () => {
  const info = new TlsConnectionInfo();
  info.keep();
  assert.deepEqual([info.tlsVersion, info.cipherId, info.peerPresented, info.peerChain.length, info.sessionId], ['', 0xffff, false, 0, '']);
  assert.ok(Number.isNaN(info.handshakeComplete));
});
