import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { DownstreamTlsContext, UpstreamTlsContext } from '#api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import { authority } from '../../../../test/harness/certificates.ts';
import type { Identity } from '../../../../test/harness/certificates.ts';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../common/testing/messages.ts';
import { ConfigError } from '../../../contract/errors.ts';
import { tlsDownstream, tlsUpstream } from './index.ts';

const DOWNSTREAM = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const UPSTREAM = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
let leaf: Identity;
let other: Identity;

before(async () => {
  const ca = await authority();
  leaf = await ca.issue();
  other = await ca.issue();
});

const inline = (text: string): string => `{inline_string: ${JSON.stringify(text)}}`;
const certificate = (cert = leaf.certificate, key = leaf.key): string => `{certificate_chain: ${inline(cert)}, private_key: ${inline(key)}}`;

function down(yaml: string): string {
  return errorOf(() => void tlsDownstream.create(fromYaml<DownstreamTlsContext>(DOWNSTREAM, yaml), [], fakeContext()));
}

function up(yaml: string): string {
  const context = fakeContext();
  return errorOf(() => void tlsUpstream.create(fromYaml<UpstreamTlsContext>(UPSTREAM, yaml), context.rootScope, context));
}

function errorOf(build: () => void): string {
  try {
    build();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return `${error.path}: ${error.why}`;
  }
  return '';
}

test('good contexts are taken', () => {
  assert.equal(down(`common_tls_context: {tls_certificates: [${certificate()}], alpn_protocols: [h2]}`), '');
  assert.equal(up('sni: a.example'), '');
  assert.equal(up(`common_tls_context: {tls_certificates: [${certificate()}], tls_params: {tls_maximum_protocol_version: TLSv1_3, cipher_suites: ["[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]"], ecdh_curves: [P-256]}}`), '');
});

test('mistakes are named with their place', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    [down('common_tls_context: {}'), /^common_tls_context.tls_certificates: No TLS certificates found for server context$/],
    [down(`common_tls_context: {tls_certificates: [${certificate('nonsense')}]}`), /^common_tls_context.tls_certificates\[0\].certificate_chain: Failed to load certificate chain from <inline>$/],
    [down(`common_tls_context: {tls_certificates: [${certificate(leaf.certificate, 'nonsense')}]}`), /private_key: Failed to load private key from <inline>, Cause: /],
    [down(`common_tls_context: {tls_certificates: [${certificate(leaf.certificate, other.key)}]}`), /KEY_VALUES_MISMATCH$/],
    [down(`common_tls_context: {tls_certificates: [{certificate_chain: ${inline(leaf.certificate)}}]}`), /private_key: Failed to load incomplete private key from path: $/],
    [down('common_tls_context: {tls_certificates: [{certificate_chain: {filename: /none.pem}}]}'), /certificate_chain.filename: Invalid path: \/none.pem$/],
    [down(`common_tls_context: {tls_certificates: [${certificate()}], tls_params: {cipher_suites: [NOPE, ECDHE-ECDSA-AES128-GCM-SHA256]}}`), /tls_params.cipher_suites: Failed to initialize cipher suites NOPE:ECDHE-ECDSA-AES128-GCM-SHA256. The following ciphers were rejected when tried individually: NOPE$/],
    [down(`common_tls_context: {tls_certificates: [${certificate()}], tls_params: {ecdh_curves: [NOPE]}}`), /tls_params.ecdh_curves: Failed to initialize ECDH curves NOPE$/],
    [down(`common_tls_context: {tls_certificates: [${certificate()}], tls_params: {signature_algorithms: [NOPE]}}`), /signature_algorithms: Failed to initialize TLS signature algorithms NOPE$/],
    [down(`{common_tls_context: {tls_certificates: [${certificate()}]}, session_ticket_keys: {keys: [{inline_string: short}]}}`), /session_ticket_keys.keys\[0\]: Incorrect TLS session ticket key length. Length 5, expected length 80.$/],
    [up(`common_tls_context: {tls_certificates: [${certificate()}, ${certificate()}]}`), /Multiple TLS certificates are not supported for client contexts$/],
    [up('{sni: a, auto_sni_san_validation: true}'), /^auto_sni_san_validation: 'auto_sni_san_validation' was configured without configuring a trusted CA$/],
  ];
  for (const [error, expected] of rows) assert.match(error, expected);
});

test('what is not there yet is refused by name', () => {
  const with_ = (field: string): string => down(`common_tls_context: {tls_certificates: [${certificate()}], ${field}}`);
  assert.match(with_('validation_context_sds_secret_config: {name: x, sds_config: {path: /x}}'), /validation_context_sds_secret_config.sds_config: known to Envoy, not in nuncio yet: SDS/);
  assert.match(down(`{common_tls_context: {tls_certificates: [${certificate()}]}, ocsp_staple_policy: MUST_STAPLE}`), /ocsp_staple_policy/);
  assert.match(up('allow_renegotiation: true'), /allow_renegotiation/);
});
