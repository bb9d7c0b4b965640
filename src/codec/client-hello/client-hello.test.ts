import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { HELLO_INCOMPLETE, HELLO_INVALID, parseClientHello } from './client-hello.ts';
import type { ClientHello } from './client-hello.ts';

/** The first flight of Node's own client. */
async function flight(options: ConnectionOptions): Promise<Buffer> {
  let first: (bytes: Buffer) => void = () => {};
  const written = new Promise<Buffer>((resolve) => (first = resolve));
  const wire = new Duplex({ read() {}, write(chunk: Buffer, _encoding, done) { first(chunk); done(); } });
  const client = connect({ ...options, socket: wire, rejectUnauthorized: false });
  client.on('error', () => {});
  const bytes = await written;
  client.destroy();
  if (!client.closed) await once(client, 'close');
  return bytes;
}

function parsed(bytes: Buffer): ClientHello {
  const hello = parseClientHello(bytes);
  assert.ok(typeof hello === 'object', String(hello));
  return hello;
}

test('a TLS 1.3 client: names, protocols, versions, groups', async () => {
  const hello = parsed(await flight({ servername: 'WWW.Example.com', ALPNProtocols: ['h2', 'http/1.1'] }));
  assert.equal(hello.serverName, 'www.example.com');
  assert.deepEqual(hello.alpn, ['h2', 'http/1.1']);
  assert.ok(hello.versions.includes(0x0304) && hello.versions.includes(0x0303));
  assert.equal(hello.legacyVersion, 0x0303);
  assert.ok(hello.cipherSuites.includes(0x1301) && hello.groups.includes(29) && hello.signatureAlgorithms.includes(0x0403));
  assert.equal(hello.wantsOcsp, false);
  assert.equal(hello.ticket, null);
  assert.ok(hello.extensions.includes(0) && hello.extensions.includes(16));
});

test('a TLS 1.2 client without names; an OCSP request', async () => {
  const hello = parsed(await flight({ maxVersion: 'TLSv1.2', requestOCSP: true }));
  assert.equal(hello.serverName, '');
  assert.deepEqual(hello.alpn, []);
  assert.deepEqual(hello.versions, [0x0303]);
  assert.equal(hello.wantsOcsp, true);
});

test('any cut is incomplete, never wrong', async () => {
  const bytes = await flight({ servername: 'a.example' });
  for (let length = 0; length < bytes.length; length++) assert.equal(parseClientHello(bytes.subarray(0, length)), HELLO_INCOMPLETE, `${length}`);
});

test('a message over several records is joined', async () => {
  const bytes = await flight({ servername: 'a.example', ALPNProtocols: ['h2'] });
  const message = bytes.subarray(5);
  for (const size of [1, 3, 5, 100]) {
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += size) {
      const part = message.subarray(at, at + size);
      records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
    }
    assert.deepEqual(parseClientHello(Buffer.concat(records)), parseClientHello(bytes));
  }
});

test('what is no ClientHello is invalid at the first byte that says so', async () => {
  assert.equal(parseClientHello(Buffer.from('GET / HTTP/1.1\r\n')), HELLO_INVALID);
  assert.equal(parseClientHello(Buffer.from([22, 2])), HELLO_INVALID);
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0, 0])), HELLO_INVALID);
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0xff, 0xff])), HELLO_INVALID);
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0, 4, 2])), HELLO_INVALID);
  assert.equal(parseClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])), HELLO_INVALID);
  const bytes = await flight({ servername: 'a.example' });
  for (const at of [43, 44, 46, 76, 77, 78]) {
    const broken = Buffer.from(bytes);
    broken[at] = 0xff;
    const result = parseClientHello(broken);
    assert.notEqual(result, HELLO_INCOMPLETE, `${at}`);
  }
});
