import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientHello } from '../../codec/client-hello/client-hello.ts';
import { CertificateSelector, ecdsaGroupsOf } from './certificate-selector.ts';

interface Entry {
  readonly id: string;
  readonly certificate: { readonly material: { readonly pfx: Buffer }; readonly names: readonly string[]; readonly group: number };
}

function entry(id: string, names: readonly string[], group: number): Entry {
  return { id, certificate: { material: { pfx: Buffer.alloc(0) }, names, group } };
}

const HELLO: ClientHello = {
  legacyVersion: 0x0303, versions: [0x0304, 0x0303], cipherSuites: [0x1301, 0xc02f], extensions: [], serverName: '', alpn: [], groups: [29, 23],
  pointFormats: [0], signatureAlgorithms: [0x0403, 0x0804], wantsOcsp: false, ticket: null,
};

const hello = (changes: Partial<ClientHello>): ClientHello => ({ ...HELLO, ...changes });
const RSA_ONLY = hello({ signatureAlgorithms: [0x0804] });

test('by exact name, then by the wildcard one level up, then the first', () => {
  const selector = new CertificateSelector([entry('a', ['a.example'], 0), entry('w', ['.b.example'], 0), entry('x', ['x.b.example'], 0)], false);
  const pick = (serverName: string): string => selector.select(hello({ serverName })).id;
  assert.deepEqual(['a.example', 'x.b.example', 'y.b.example', 'z.y.b.example', 'b.example', 'other'].map(pick), ['a', 'x', 'w', 'a', 'a', 'a']);
});

test('ECDSA for clients that can, RSA for others, whatever the order', () => {
  const selector = new CertificateSelector([entry('rsa', ['a.example'], 0), entry('p256', ['a.example'], 23), entry('p384', ['a.example'], 24)], false);
  assert.equal(selector.select(hello({ serverName: 'a.example' })).id, 'p256');
  assert.equal(selector.select(hello({ serverName: 'a.example', signatureAlgorithms: [0x0503, 0x0804] })).id, 'p384');
  assert.equal(selector.select({ ...RSA_ONLY, serverName: 'a.example' }).id, 'rsa');
  assert.equal(selector.select(hello({})).id, 'p256');
  assert.equal(selector.select(RSA_ONLY).id, 'rsa');
});

test('an unknown name takes the first, or with a full scan the best', () => {
  const all = [entry('rsa', ['a.example'], 0), entry('p256', ['b.example'], 23)];
  assert.equal(new CertificateSelector(all, false).select(hello({ serverName: 'c.example' })).id, 'rsa');
  assert.equal(new CertificateSelector(all, true).select(hello({ serverName: 'c.example' })).id, 'p256');
});

test('no hello, or nothing that fits: the first', () => {
  const all = [entry('p384', [], 24), entry('p256', [], 23)];
  assert.equal(new CertificateSelector(all, false).select(null).id, 'p384');
  assert.equal(new CertificateSelector(all, false).select(RSA_ONLY).id, 'p384');
});

test('what a client can verify: schemes in TLS 1.3, suites and groups in TLS 1.2', () => {
  assert.deepEqual(ecdsaGroupsOf(hello({ signatureAlgorithms: [0x0804, 0x0603, 0x0403] })), [25, 23]);
  assert.deepEqual(ecdsaGroupsOf(hello({ versions: [0x0303], cipherSuites: [0xc02b], groups: [29, 24, 23] })), [24, 23]);
  assert.deepEqual(ecdsaGroupsOf(hello({ versions: [0x0303], cipherSuites: [0xc02f], groups: [23] })), []);
});
