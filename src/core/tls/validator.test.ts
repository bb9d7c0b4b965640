import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { CertificateValidationContext } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { authority } from '../../../test/harness/certificates.ts';
import { fromYaml } from '../../common/testing/messages.ts';
import { FakeScope } from '../../common/testing/fake-context.ts';
import { subjectAltNames } from './certificate.ts';
import { TlsConnectionInfo } from './connection-info.ts';
import { SslStats } from './ssl-stats.ts';
import type { TlsState } from './tls-engine.ts';
import { CertificateValidator, dnsNameMatches, NO_EXPECTED_NAMES } from './validator.ts';
import type { ExpectedNames } from './validator.ts';

const TYPE = 'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext';

test('DNS names match as in certificates', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['a.example', 'a.example', true], ['A.Example', 'a.eXample', true], ['a.example', '*.example', true], ['b.a.example', '*.example', false],
    ['example', '*.example', false], ['foobar.example', 'foo*.example', true], ['foo.example', 'f*o*.example', false], ['foo.example', '*.*', false],
    ['fo.example', 'foo*.example', false], ['a.example', 'example', false], ['xn--a.example', 'xn--*.example', false], ['a.b', 'a.*', false],
  ];
  for (const [host, pattern, matches] of rows) assert.equal(dnsNameMatches(host, pattern), matches, `${host} ${pattern}`);
});

describe('a peer is judged', () => {
  let certificate: X509Certificate;
  let ca = '';

  before(async () => {
    const root = await authority();
    ca = root.certificate;
    const names = [{ type: 'dns', value: '*.a.example' }, { type: 'url', value: 'spiffe://trust/x, DNS:evil' }, { type: 'ip', value: '10.0.0.1' }, { type: 'email', value: 'me@a.example' }] as const;
    certificate = new X509Certificate((await root.issue({ names })).certificate);
  });

  function judge(yaml: string, verdict = '', expected: ExpectedNames = NO_EXPECTED_NAMES): { problem: string; validated: boolean; counted: string[] } {
    const scope = new FakeScope();
    const stats = new SslStats(scope);
    const info = new TlsConnectionInfo();
    info.state = { peerChain: () => [certificate.raw], verifyError: () => verdict } as unknown as TlsState;
    const problem = new CertificateValidator(fromYaml<CertificateValidationContext>(TYPE, yaml), 'ca').verify(info, stats, expected);
    return { problem, validated: info.peerValidated, counted: [...scope.all].filter(([, stat]) => stat.value > 0).map(([name]) => name) };
  }

  const trusted = (): string => `trusted_ca: {inline_string: ${JSON.stringify(ca)}}`;

  test('names of OpenSSL come apart, also where one tries to look like two', () => {
    assert.deepEqual(subjectAltNames(certificate).map(({ kind, value }) => `${kind}=${value}`), [
      'DNS=*.a.example', 'URI=spiffe://trust/x, DNS:evil', 'IP Address=10.0.0.1', 'email=me@a.example',
    ]);
  });

  test('by the chain', () => {
    assert.deepEqual(judge(trusted()), { problem: '', validated: true, counted: [] });
    const bad = judge(trusted(), 'CERT_HAS_EXPIRED');
    assert.equal(bad.problem, 'X509_verify_cert: certificate verification error at depth 0: certificate has expired');
    assert.deepEqual(bad.counted, ['ssl.fail_verify_error']);
    assert.deepEqual(judge(`${trusted()}\ntrust_chain_verification: ACCEPT_UNTRUSTED`, 'CERT_HAS_EXPIRED'), { problem: '', validated: false, counted: ['ssl.fail_verify_error'] });
  });

  test('by names, each of its kind', () => {
    const san = (type: string, matcher: string): string => `match_typed_subject_alt_names: [{san_type: ${type}, matcher: ${matcher}}]`;
    for (const good of [san('DNS', '{exact: www.a.example}'), san('DNS', '{suffix: .a.example}'), san('URI', '{prefix: "spiffe://trust/"}'), san('IP_ADDRESS', '{exact: 10.0.0.1}'), san('EMAIL', '{exact: me@a.example}')]) {
      assert.deepEqual(judge(good), { problem: '', validated: true, counted: [] }, good);
    }
    for (const bad of [san('DNS', '{exact: evil}'), san('URI', '{exact: www.a.example}'), san('DNS', '{exact: b.example}')]) {
      assert.deepEqual(judge(bad), { problem: 'SAN matcher', validated: false, counted: ['ssl.fail_verify_san'] }, bad);
    }
  });

  test('by pins', () => {
    const hash = certificate.fingerprint256;
    assert.equal(judge(`verify_certificate_hash: ["${hash}"]`).problem, '');
    assert.equal(judge(`verify_certificate_hash: ["${hash.replaceAll(':', '').toLowerCase()}"]`).problem, '');
    assert.deepEqual(judge(`verify_certificate_hash: ["${'00'.repeat(32)}"]`), { problem: 'cert hash and spki', validated: false, counted: ['ssl.fail_verify_cert_hash'] });
    assert.throws(() => judge('verify_certificate_hash: ["0000000000000000000000000000000000000000000000000000000000000000zz"]'), /Invalid hex-encoded SHA-256/);
    assert.throws(() => judge(`verify_certificate_spki: ["${'A'.repeat(44)}"]`), /Invalid base64-encoded SHA-256/);
  });

  test('by names of the connection', () => {
    assert.equal(judge(trusted(), '', { names: ['x.a.example'], serverName: '' }).problem, '');
    assert.equal(judge(trusted(), '', { names: ['10.0.0.1'], serverName: '' }).problem, '');
    assert.equal(judge(trusted(), '', { names: ['b.example'], serverName: '' }).problem, 'verify SAN list');
    assert.equal(judge(trusted(), '', { names: [], serverName: 'x.a.example' }).problem, '');
    assert.equal(judge(trusted(), '', { names: [], serverName: 'x.y.a.example' }).problem, 'SAN matcher');
  });

  test('what cannot be honoured is refused, not ignored', () => {
    assert.throws(() => judge('allow_expired_certificate: true'), /not in nuncio yet: CertificateValidationContext.allow_expired_certificate/);
    assert.throws(() => judge('trusted_ca: {inline_string: nonsense}'), /Failed to load trusted CA certificates from <inline>/);
    assert.throws(() => judge('match_typed_subject_alt_names: [{san_type: OTHER_NAME, oid: 1.2.3, matcher: {exact: a}}]'), /OTHER_NAME/);
  });
});
