import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CertificateValidationContext } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { authority } from '../../../test/harness/certificates.ts';
import { fromYaml } from '../../common/testing/messages.ts';
import { ParsedCertificate } from './certificate-info.ts';
import type { OwnCertificate } from './certificate.ts';
import type { CommonTls } from './common-context.ts';
import { mergeMessages } from './secrets.ts';
import { sessionContext, sharedTicketKey } from './session-context.ts';
import { CertificateValidator } from './validator.ts';

const VALIDATION = 'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext';
const X = '11'.repeat(32);
const Y = '22'.repeat(32);

let first: OwnCertificate;
let renewed: OwnCertificate;
let other: OwnCertificate;

before(async () => {
  const ca = await authority();
  const own = async (name: string): Promise<OwnCertificate> => {
    const { x509 } = await ca.issue({ names: [{ type: 'dns', value: name }] });
    return { material: { pfx: Buffer.alloc(0) }, names: [name], info: new ParsedCertificate(Buffer.from(x509.rawData), null), statName: '', path: '', group: 23 };
  };
  first = await own('a.example');
  renewed = await own('a.example');
  other = await own('b.example');
});

function common(certificate: OwnCertificate, validation = '{}'): CommonTls {
  return { certificates: [certificate], validator: new CertificateValidator(fromYaml<CertificateValidationContext>(VALIDATION, validation), 'ca'), keyLog: null, alpn: [], options: {} };
}

test('a session belongs to names and to the way of judging, not to one certificate', () => {
  const base = sessionContext(common(first), [], false);
  assert.equal(base.length, 32);
  assert.equal(sessionContext(common(renewed), [], false), base);
  const different = [
    sessionContext(common(other), [], false),
    sessionContext(common(first), ['a.example'], false),
    sessionContext(common(first), [], true),
    sessionContext(common(first, '{match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a}}]}'), [], false),
    sessionContext(common(first, `{verify_certificate_hash: ["${'00'.repeat(32)}"]}`), [], false),
  ];
  assert.equal(new Set([base, ...different]).size, 6);
});

test('ticket keys follow from the secret and the context', () => {
  const secret = Buffer.alloc(32, 1);
  assert.equal(sharedTicketKey(secret, 'a').length, 48);
  assert.deepEqual(sharedTicketKey(secret, 'a'), sharedTicketKey(secret, 'a'));
  assert.notDeepEqual(sharedTicketKey(secret, 'a'), sharedTicketKey(secret, 'b'));
  assert.notDeepEqual(sharedTicketKey(secret, 'a'), sharedTicketKey(Buffer.alloc(32, 2), 'a'));
});

test('messages merge as protobuf merges them', () => {
  const base = fromYaml<CertificateValidationContext>(VALIDATION, `{trusted_ca: {inline_string: a}, verify_certificate_hash: ["${X}"], trust_chain_verification: ACCEPT_UNTRUSTED}`);
  const over = fromYaml<CertificateValidationContext>(VALIDATION, `{trusted_ca: {filename: f}, verify_certificate_hash: ["${Y}"], crl: {inline_string: c}}`);
  const merged = mergeMessages(base, over);
  assert.deepEqual(merged.trustedCa?.specifier, { case: 'filename', value: 'f' });
  assert.deepEqual(merged.verifyCertificateHash, [X, Y]);
  assert.equal(Number(merged.trustChainVerification), 1);
  assert.deepEqual(merged.crl?.specifier, { case: 'inlineString', value: 'c' });
  assert.deepEqual(base.verifyCertificateHash, [X]);
});
