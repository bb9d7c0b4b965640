import type { X509Certificate } from 'node:crypto';
import type { CertificateValidationContext, SubjectAltNameMatcher } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { crypto } from '../../base/crypto.ts';
import { toByteString } from '../../common/byte-string.ts';
import { readDataSourceBytes } from '../../common/data-source.ts';
import { buildStringMatcher } from '../../common/matchers/string-matcher.ts';
import type { StringMatcher } from '../../common/matchers/string-matcher.ts';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { NamedCertificate } from '../../contract/secrets.ts';
import type { SubjectAltName } from './certificate.ts';
import { pathOf, subjectAltNames } from './certificate.ts';
import { ParsedCertificate } from './certificate-info.ts';
import type { TlsConnectionInfo } from './connection-info.ts';
import type { SslStats } from './ssl-stats.ts';

/** CertificateValidationContext.TrustChainVerification */
const ACCEPT_UNTRUSTED = 1;
const SHA256_BYTES = 32;
const SAN_KINDS = [null, 'email', 'DNS', 'URI', 'IP Address'] as const;

/** Subject alternative names that are asked for beside the configured ones, for one connection. */
export interface ExpectedNames {
  /** Exactly one of these (overrides of upstream options). */
  readonly names: readonly string[];
  /** The SNI where `auto_sni_san_validation` asks for it; empty = none. */
  readonly serverName: string;
}

export const NO_EXPECTED_NAMES: ExpectedNames = { names: [], serverName: '' };

/** Judges the peer's certificate as a CertificateValidationContext says, by OpenSSL's verdict on the chain and by names and pins. */
export class CertificateValidator {
  /** Options of tls.createSecureContext. */
  readonly context: { readonly ca?: Buffer | string[]; readonly crl?: Buffer };
  readonly verifiesChain: boolean;
  /** The first of `trusted_ca`, as `/certs` and the gauge of expiration tell of it. */
  readonly ca: NamedCertificate;
  /** Of everything that it judges by: what differs has another. */
  readonly identity: string;
  /** A peer without a certificate is refused. */
  readonly demandsCertificate: boolean;
  private readonly acceptUntrusted: boolean;
  private readonly names: readonly SanMatcher[];
  private readonly hashes: readonly string[];
  private readonly spkis: readonly string[];

  constructor(message: CertificateValidationContext, statName: string) {
    refuseUnsupported(message);
    const ca = readCa(message);
    this.verifiesChain = ca !== undefined;
    this.ca = { statName, path: pathOf(message.trustedCa), info: Buffer.isBuffer(ca) ? new ParsedCertificate(new (crypto().X509Certificate)(ca).raw, null) : null };
    const crl = message.crl === undefined ? undefined : configAt('crl', () => readDataSourceBytes(requireSource(message.crl), { allowEmpty: true }));
    if (crl !== undefined && !crl.includes('-----BEGIN X509 CRL-----')) throw new ConfigError('Failed to load CRL from <inline>', { path: 'crl' });
    this.context = { ...(ca === undefined ? {} : { ca }), ...(crl === undefined ? {} : { crl }) };
    this.identity = identityOf(message, ca, crl);
    this.acceptUntrusted = Number(message.trustChainVerification) === ACCEPT_UNTRUSTED;
    this.names = message.matchTypedSubjectAltNames.map((each, i) => configAt(`match_typed_subject_alt_names[${i}]`, () => sanMatcher(each)));
    this.hashes = message.verifyCertificateHash.map((hash, i) => decoded(hash.length === 95 ? hash.replaceAll(':', '') : hash, 'hex', `verify_certificate_hash[${i}]`));
    this.spkis = message.verifyCertificateSpki.map((hash, i) => decoded(hash, 'base64', `verify_certificate_spki[${i}]`));
    const more = this.names.length + this.hashes.length + this.spkis.length > 0;
    this.demandsCertificate = more && !this.acceptUntrusted;
  }

  /** Why the peer is refused (`SAN matcher`), or empty. `info.peerValidated` is set. */
  verify(info: TlsConnectionInfo, stats: SslStats, expected: ExpectedNames): string {
    const { state } = info;
    const certificate = info.peerChain[0]?.x509;
    if (state === null || certificate === undefined) return '';
    if (this.verifiesChain) {
      const error = state.verifyError();
      if (error !== '') {
        stats.failVerifyError.inc();
        return this.acceptUntrusted ? '' : chainErrorText(error);
      }
    }
    const problem = this.verifyMore(certificate, stats, expected);
    const asked = this.asksMore(expected);
    info.peerValidated = problem === '' && (this.verifiesChain || asked);
    return this.acceptUntrusted ? '' : problem;
  }

  private asksMore(expected: ExpectedNames): boolean {
    return this.names.length + this.hashes.length + this.spkis.length + expected.names.length > 0 || expected.serverName !== '';
  }

  private verifyMore(certificate: X509Certificate, stats: SslStats, expected: ExpectedNames): string {
    const names = subjectAltNames(certificate);
    if (expected.names.length > 0 && !expected.names.some((name) => names.some((each) => isNamed(each, name)))) {
      stats.failVerifySan.inc();
      return 'verify SAN list';
    }
    const automatic = expected.names.length === 0 && expected.serverName !== '';
    if (automatic ? !names.some((each) => each.kind === 'DNS' && dnsNameMatches(expected.serverName, each.value)) : !this.matchesNames(names)) {
      stats.failVerifySan.inc();
      return 'SAN matcher';
    }
    if (this.hashes.length + this.spkis.length > 0 && !this.matchesPins(certificate)) {
      stats.failVerifyCertHash.inc();
      return 'cert hash and spki';
    }
    return '';
  }

  private matchesNames(names: readonly SubjectAltName[]): boolean {
    return this.names.length === 0 || this.names.some((matcher) => names.some((each) => matcher.matches(each)));
  }

  private matchesPins(certificate: X509Certificate): boolean {
    if (this.hashes.includes(sha256(certificate.raw))) return true;
    return this.spkis.length > 0 && this.spkis.includes(sha256(certificate.publicKey.export({ type: 'spki', format: 'der' })));
  }
}

function identityOf(message: CertificateValidationContext, ca: Buffer | string[] | undefined, crl: Buffer | undefined): string {
  const settings = JSON.stringify(message, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  const hash = crypto().createHash('sha256').update(settings);
  for (const each of [ca, crl]) if (each !== undefined) hash.update(Buffer.isBuffer(each) ? each : each.join(''));
  return hash.digest('hex');
}

function refuseUnsupported(message: CertificateValidationContext): void {
  refuseFields(message, 'CertificateValidationContext', {
    caCertificateProviderInstance: 'ca_certificate_provider_instance',
    watchedDirectory: 'watched_directory',
    requireSignedCertificateTimestamp: 'require_signed_certificate_timestamp',
    allowExpiredCertificate: 'allow_expired_certificate',
    customValidatorConfig: 'custom_validator_config',
    onlyVerifyLeafCertCrl: 'only_verify_leaf_cert_crl',
    maxVerifyDepth: 'max_verify_depth',
    suppressClientCaList: 'suppress_client_ca_list',
    matchSubjectAltNames: 'match_subject_alt_names',
  });
}

function readCa(message: CertificateValidationContext): Buffer | string[] | undefined {
  if (message.systemRootCerts !== undefined && message.trustedCa === undefined) throw notYet('CertificateValidationContext.system_root_certs', 'system_root_certs');
  if (message.trustedCa === undefined) return undefined;
  const source = message.trustedCa;
  const ca = configAt('trusted_ca', () => readDataSourceBytes(source, { allowEmpty: true }));
  if (ca.length === 0) return undefined;
  const from = pathOf(source);
  try {
    new (crypto().X509Certificate)(ca);
  } catch {
    throw new ConfigError(`Failed to load trusted CA certificates from ${from}`, { path: 'trusted_ca', hint: 'a PEM file of certificates' });
  }
  return ca;
}

function requireSource(source: CertificateValidationContext['crl']): NonNullable<CertificateValidationContext['crl']> {
  if (source === undefined) throw new ConfigError('DataSource cannot be empty');
  return source;
}

function decoded(text: string, encoding: 'hex' | 'base64', path: string): string {
  const bytes = Buffer.from(text, encoding);
  // Buffer reads as far as it can; a text that does not come back is none.
  if (bytes.length !== SHA256_BYTES || bytes.toString(encoding) !== (encoding === 'hex' ? text.toLowerCase() : text)) throw new ConfigError(`Invalid ${encoding}-encoded SHA-256 ${text}`, { path });
  return bytes.toString('hex');
}

function sha256(bytes: Uint8Array): string {
  return crypto().createHash('sha256').update(bytes).digest('hex');
}

interface SanMatcher {
  matches(name: SubjectAltName): boolean;
}

function sanMatcher(message: SubjectAltNameMatcher): SanMatcher {
  const kind = SAN_KINDS[Number(message.sanType)];
  if (kind === undefined) throw notYet('SubjectAltNameMatcher.san_type OTHER_NAME', 'san_type');
  const { matcher } = message;
  if (kind === null || matcher === undefined) throw new ConfigError(`Failed to create string SAN matcher of type ${message.sanType}`, { path: 'san_type' });
  const built: StringMatcher = configAt('matcher', () => buildStringMatcher(matcher));
  // An exact DNS matcher knows wildcards of certificates, as clients do.
  const exact = kind === 'DNS' && matcher.matchPattern.case === 'exact' ? matcher.matchPattern.value : null;
  return {
    matches: (name) => name.kind === kind && (exact === null ? built.matches(toByteString(name.value)) : dnsNameMatches(exact, name.value)),
  };
}

function isNamed(name: SubjectAltName, wanted: string): boolean {
  return name.kind === 'DNS' ? dnsNameMatches(wanted, name.value) : name.value === wanted;
}

/** A host name against a name of a certificate: `*` stands for the beginning of the first label, as in Envoy's dnsNameMatch. */
export function dnsNameMatches(host: string, pattern: string): boolean {
  const name = host.toLowerCase();
  const wanted = pattern.toLowerCase();
  if (name === wanted) return true;
  const star = wanted.indexOf('*');
  const dot = wanted.indexOf('.');
  if (star < 0 || star > dot || wanted.indexOf('*', star + 1) >= 0 || wanted.startsWith('xn--')) return false;
  const rest = name.indexOf('.');
  if (rest < 0 || name.slice(rest) !== wanted.slice(dot)) return false;
  const label = name.slice(0, rest);
  const before = wanted.slice(0, star);
  const after = wanted.slice(star + 1, dot);
  return label.length >= before.length + after.length && label.startsWith(before) && label.endsWith(after);
}

/** OpenSSL's code -> BoringSSL's text; where Node's is of a later check, the first one's that BoringSSL stops at. */
const CHAIN_TEXTS: ReadonlyMap<string, readonly [number, string]> = new Map([
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', [0, 'unable to get local issuer certificate']],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', [0, 'unable to get local issuer certificate']],
  ['UNABLE_TO_GET_ISSUER_CERT', [0, 'unable to get issuer certificate']],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', [0, 'self signed certificate']],
  ['SELF_SIGNED_CERT_IN_CHAIN', [1, 'self signed certificate in certificate chain']],
  ['CERT_HAS_EXPIRED', [0, 'certificate has expired']],
  ['CERT_NOT_YET_VALID', [0, 'certificate is not yet valid']],
  ['CERT_REVOKED', [0, 'certificate revoked']],
  ['UNABLE_TO_GET_CRL', [0, 'unable to get certificate CRL']],
  ['CRL_HAS_EXPIRED', [0, 'CRL has expired']],
  ['INVALID_PURPOSE', [0, 'unsupported certificate purpose']],
  ['CERT_SIGNATURE_FAILURE', [0, 'certificate signature failure']],
]);

function chainErrorText(code: string): string {
  const [depth, text] = CHAIN_TEXTS.get(code) ?? [0, code.toLowerCase().replaceAll('_', ' ')];
  return `X509_verify_cert: certificate verification error at depth ${depth}: ${text}`;
}
