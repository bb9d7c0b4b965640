import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { authority } from '../../../test/harness/certificates.ts';
import type { Authority } from '../../../test/harness/certificates.ts';
import { ParsedCertificate } from './certificate-info.ts';
import { cipherIdOf } from './cipher-ids.ts';
import { readAlternativeNames } from './der.ts';

let ca: Authority;
before(async () => {
  ca = await authority('CN=a root');
});

test('names are those of RFC 2253, last to first', async () => {
  const { x509 } = await ca.issue({ subject: 'C=DE, O="a, b", OU=x\\+y, CN=ä' });
  const info = new ParsedCertificate(Buffer.from(x509.rawData), null);
  assert.equal(info.subject, 'CN=\\C3\\A4,OU=x\\+y,O=a\\, b,C=DE');
  assert.equal(info.issuer, 'CN=a root');
  assert.equal(info.validTo, Math.floor(x509.notAfter.getTime() / 1_000) * 1_000);
  assert.match(info.serialNumber, /^([0-9a-f]{2})+$/);
  assert.equal(decodeURIComponent(info.urlEncodedPem), info.pem);
});

test('an empty subject is an empty text', async () => {
  const { x509 } = await ca.issue({ subject: '', names: [] });
  const info = new ParsedCertificate(Buffer.from(x509.rawData), null);
  assert.deepEqual([info.subject, info.dnsSans, info.uriSans, info.ipSans], ['', [], [], []]);
});

test('bytes that are no certificate have no names, wherever they are cut', async () => {
  const { x509 } = await ca.issue();
  const der = Buffer.from(x509.rawData);
  assert.deepEqual(readAlternativeNames(der).dns, ['localhost']);
  for (let cut = 0; cut < der.length; cut++) {
    const names = readAlternativeNames(der.subarray(0, cut));
    assert.ok(names.dns.length <= 1 && names.other.length === 0);
  }
  for (let at = 0; at < der.length; at++) {
    const bent = Buffer.from(der);
    bent[at] ^= 0xff;
    assert.doesNotThrow(() => readAlternativeNames(bent));
  }
});

test('numbers of cipher suites', () => {
  assert.equal(cipherIdOf('TLS_AES_128_GCM_SHA256'), 0x1301);
  assert.equal(cipherIdOf('ECDHE-RSA-AES128-GCM-SHA256'), 0xc02f);
  assert.equal(cipherIdOf('unheard of'), 0xffff);
});

test('line ends of names do not get through', async () => {
  const { x509 } = await ca.issue({ names: [{ type: 'url', value: 'spiffe://x/aaevil: 1' }, { type: 'dns', value: 'bbc.example' }] });
  const der = Buffer.from(x509.rawData);
  // The generator refuses to make such ones.
  der.write('\r\n', der.indexOf('aaevil'), 'latin1');
  der.write('\0\x7f', der.indexOf('bbc.example'), 'latin1');
  const info = new ParsedCertificate(der, null);
  assert.deepEqual(info.uriSans, ['spiffe://x/%0D%0Aevil: 1']);
  assert.deepEqual(info.dnsSans, ['%00%7Fc.example']);
});
