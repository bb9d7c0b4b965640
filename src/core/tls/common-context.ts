import * as tls from 'node:tls';
import type { CommonTlsContext, CommonTlsContext_CombinedCertificateValidationContext as CombinedValidation } from '#api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { TlsParameters as TlsParametersMessage } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { DataSource } from '#api/envoy/config/core/v3/base_pb.js';
import { crypto } from '../../base/crypto.ts';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { CertificateObserver } from '../../contract/secrets.ts';
import type { Scope } from '../../contract/stats.ts';
import type { OwnCertificate } from './certificate.ts';
import { readCertificate } from './certificate.ts';
import { KeyLog } from './key-log.ts';
import { mergeMessages, NamedSecrets } from './secrets.ts';
import { CertificateValidator } from './validator.ts';

/** TlsParameters.TlsProtocol: index = number. */
const VERSIONS = ['', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
const TLS12 = 3;
const TLS13 = 4;

/** Envoy's lists; OpenSSL knows no groups of equal preference, so the first of a bracket comes first. */
const DEFAULT_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384',
];
/** Not configurable in Envoy. */
const TLS13_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const DEFAULT_GROUPS = ['X25519MLKEM768', 'X25519', 'P-256'];

/** What a CommonTlsContext says, both roles. */
export interface CommonTls {
  readonly certificates: readonly OwnCertificate[];
  readonly validator: CertificateValidator | null;
  readonly keyLog: KeyLog | null;
  readonly alpn: readonly string[];
  /** Options of tls.createSecureContext but for the certificate. */
  readonly options: tls.SecureContextOptions;
}

/** Reads a CommonTlsContext. Throws ConfigError with paths below it. */
export function readCommonTls(message: CommonTlsContext, isServer: boolean, context: Pick<FactoryContext, 'secrets' | 'accessLogFiles'>): CommonTls {
  const secrets = new NamedSecrets(context.secrets);
  refuseUnsupported(message);
  const certificates = readCertificates(message, secrets);
  const validator = readValidator(message.validationContextType, secrets);
  const options = configAt('tls_params', () => parameterOptions(message.tlsParams, isServer));
  const { keyLog: log } = message;
  const keyLog = log === undefined ? null : configAt('key_log', () => new KeyLog(log, context.accessLogFiles));
  return { certificates, validator, keyLog, alpn: message.alpnProtocols, options: { ...options, ...validator?.context, allowPartialTrustChain: true } };
}

function refuseUnsupported(message: CommonTlsContext): void {
  refuseFields(message, 'CommonTlsContext', {
    tlsCertificateProviderInstance: 'tls_certificate_provider_instance',
    customTlsCertificateSelector: 'custom_tls_certificate_selector',
    tlsCertificateCertificateProvider: 'tls_certificate_certificate_provider',
    tlsCertificateCertificateProviderInstance: 'tls_certificate_certificate_provider_instance',
    customHandshaker: 'custom_handshaker',
  });
  const { validationContextType } = message;
  const refused = validationContextType.case === undefined ? undefined : REFUSED_VALIDATION[validationContextType.case];
  if (refused !== undefined) throw notYet(`CommonTlsContext.${refused}`, refused);
  if (validationContextType.case !== 'combinedValidationContext') return;
  configAt('combined_validation_context', () =>
    refuseFields(validationContextType.value, 'CombinedCertificateValidationContext', {
      validationContextCertificateProvider: 'validation_context_certificate_provider',
      validationContextCertificateProviderInstance: 'validation_context_certificate_provider_instance',
    }));
}

const REFUSED_VALIDATION: Readonly<Record<string, string>> = {
  validationContextCertificateProvider: 'validation_context_certificate_provider',
  validationContextCertificateProviderInstance: 'validation_context_certificate_provider_instance',
};

/** Inline ones, else those that are named. */
function readCertificates(message: CommonTlsContext, secrets: NamedSecrets): OwnCertificate[] {
  if (message.tlsCertificates.length > 0) {
    return message.tlsCertificates.map((each, i) => configAt(`tls_certificates[${i}]`, () => readCertificate(each, `unnamed_cert_${inlineHash(each.certificateChain)}`)));
  }
  return message.tlsCertificateSdsSecretConfigs.map((each, i) =>
    configAt(`tls_certificate_sds_secret_configs[${i}]`, () => readCertificate(secrets.tlsCertificate(each), each.name)));
}

function readValidator(message: CommonTlsContext['validationContextType'], secrets: NamedSecrets): CertificateValidator | null {
  switch (message.case) {
    case 'validationContext': {
      const { trustedCa } = message.value;
      const statName = trustedCa === undefined ? 'unnamed_ca_cert' : `unnamed_ca_cert_${inlineHash(trustedCa)}`;
      return configAt('validation_context', () => new CertificateValidator(message.value, statName));
    }
    case 'validationContextSdsSecretConfig':
      return configAt('validation_context_sds_secret_config', () => new CertificateValidator(secrets.validationContext(message.value), message.value.name));
    case 'combinedValidationContext':
      return configAt('combined_validation_context', () => combinedValidator(message.value, secrets));
    default:
      return null;
  }
}

function combinedValidator(message: CombinedValidation, secrets: NamedSecrets): CertificateValidator {
  const { defaultValidationContext: base, validationContextSdsSecretConfig: named } = message;
  if (named === undefined || base === undefined) throw new ConfigError('default_validation_context and validation_context_sds_secret_config are required');
  const secret = configAt('validation_context_sds_secret_config', () => secrets.validationContext(named));
  return new CertificateValidator(mergeMessages(base, secret), named.name);
}

/** What Envoy tells unnamed certificates apart by: a hash of `inline_bytes`, and of nothing for other sources. */
function inlineHash(source: DataSource | undefined): string {
  const bytes = source?.specifier.case === 'inlineBytes' ? source.specifier.value : Buffer.alloc(0);
  return source === undefined ? '' : crypto().createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}

function parameterOptions(message: TlsParametersMessage | undefined, isServer: boolean): tls.SecureContextOptions {
  if (message !== undefined) refuseFields(message, 'TlsParameters', { compliancePolicies: 'compliance_policies' });
  const min = Number(message?.tlsMinimumProtocolVersion ?? 0) || TLS12;
  const max = Number(message?.tlsMaximumProtocolVersion ?? 0) || (isServer ? TLS13 : TLS12);
  const asked = message?.cipherSuites.length ? message.cipherSuites : DEFAULT_CIPHERS;
  const ciphers = asked.flatMap((each) => each.replaceAll(/[[\]]/g, '').split(/[|:]/)).filter((each) => each !== '');
  const groups = message?.ecdhCurves.length ? message.ecdhCurves : DEFAULT_GROUPS;
  const sigalgs = message?.signatureAlgorithms ?? [];
  const options: tls.SecureContextOptions = {
    minVersion: VERSIONS[min] || 'TLSv1.2',
    maxVersion: VERSIONS[max] || 'TLSv1.3',
    ciphers: [...TLS13_CIPHERS, ...ciphers, ...(min < TLS12 ? ['@SECLEVEL=0'] : [])].join(':'),
    ecdhCurve: groups.join(':'),
    ...(sigalgs.length === 0 ? {} : { sigalgs: sigalgs.join(':') }),
  };
  checkParameters(options, asked, ciphers, groups, sigalgs);
  return options;
}

/** Has OpenSSL judge the lists, so that a mistake is named at load and not at the first handshake. */
function checkParameters(options: tls.SecureContextOptions, asked: readonly string[], ciphers: readonly string[], groups: readonly string[], sigalgs: readonly string[]): void {
  const bad = ciphers.filter((each) => !isAccepted({ ciphers: each }));
  if (bad.length > 0) {
    throw new ConfigError(`Failed to initialize cipher suites ${asked.join(':')}. The following ciphers were rejected when tried individually: ${bad.join(', ')}`, { path: 'cipher_suites' });
  }
  if (!isAccepted({ ecdhCurve: options.ecdhCurve })) throw new ConfigError(`Failed to initialize ECDH curves ${groups.join(':')}`, { path: 'ecdh_curves' });
  if (sigalgs.length > 0 && !isAccepted({ sigalgs: sigalgs.join(':') })) {
    throw new ConfigError(`Failed to initialize TLS signature algorithms ${sigalgs.join(':')}`, { path: 'signature_algorithms' });
  }
}

function isAccepted(options: tls.SecureContextOptions): boolean {
  try {
    tls.createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

/** What Envoy counts of secrets that arrive; they are all there from the start here. */
export function countSecretUpdates(scope: Scope): void {
  for (const name of ['ssl_context_update_by_sds', 'upstream_context_secrets_not_ready', 'downstream_context_secrets_not_ready']) scope.counter(name);
}

/** Tells the main thread which certificates a context has. */
export function tellCertificates(common: CommonTls, statsPrefix: string, observer: CertificateObserver | undefined): void {
  observer?.onTlsContext({ statsPrefix, ca: common.validator?.ca ?? null, chain: common.certificates });
}
