import type { TlsFailure } from './tls-engine.ts';

/**
 * Failures in the words of Envoy, whose BoringSSL numbers and names them: `TLS_error:|<number>:SSL routines:OPENSSL_internal:<REASON>:TLS_error_end`.
 * The number is library 16 in the upper byte and BoringSSL's reason below (include/openssl/ssl.h). A reason that is not in the table keeps its name
 * and has the number of the library alone.
 */
const SSL_LIBRARY = 16 << 24;

/** OpenSSL's name -> BoringSSL's name and number. */
const REASONS: ReadonlyMap<string, readonly [string, number]> = new Map([
  ['NO_SHARED_CIPHER', ['NO_SHARED_CIPHER', 184]],
  ['UNSUPPORTED_PROTOCOL', ['UNSUPPORTED_PROTOCOL', 240]],
  ['NO_PROTOCOLS_AVAILABLE', ['NO_SUPPORTED_VERSIONS_ENABLED', 271]],
  ['WRONG_VERSION_NUMBER', ['WRONG_VERSION_NUMBER', 247]],
  ['HTTP_REQUEST', ['HTTP_REQUEST', 156]],
  ['HTTPS_PROXY_REQUEST', ['HTTPS_PROXY_REQUEST', 155]],
  ['PEER_DID_NOT_RETURN_A_CERTIFICATE', ['PEER_DID_NOT_RETURN_A_CERTIFICATE', 192]],
  ['CERTIFICATE_VERIFY_FAILED', ['CERTIFICATE_VERIFY_FAILED', 125]],
  ['DECRYPTION_FAILED_OR_BAD_RECORD_MAC', ['DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 139]],
  ['NO_SUITABLE_SIGNATURE_ALGORITHM', ['NO_COMMON_SIGNATURE_ALGORITHMS', 253]],
  ['NO_SUITABLE_KEY_SHARE', ['WRONG_CURVE', 245]],
  ['UNEXPECTED_MESSAGE', ['UNEXPECTED_MESSAGE', 225]],
  ['LENGTH_MISMATCH', ['DECODE_ERROR', 137]],
  ['BAD_EXTENSION', ['PARSE_TLSEXT', 190]],
  ['INVALID_ALERT', ['BAD_ALERT', 102]],
  ['SSLV3_ALERT_HANDSHAKE_FAILURE', ['SSLV3_ALERT_HANDSHAKE_FAILURE', 1040]],
  ['SSL/TLS_ALERT_HANDSHAKE_FAILURE', ['SSLV3_ALERT_HANDSHAKE_FAILURE', 1040]],
  ['SSL/TLS_ALERT_BAD_CERTIFICATE', ['SSLV3_ALERT_BAD_CERTIFICATE', 1042]],
  ['SSL/TLS_ALERT_CERTIFICATE_EXPIRED', ['SSLV3_ALERT_CERTIFICATE_EXPIRED', 1045]],
  ['SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', ['SSLV3_ALERT_CERTIFICATE_UNKNOWN', 1046]],
  ['SSL/TLS_ALERT_UNEXPECTED_MESSAGE', ['SSLV3_ALERT_UNEXPECTED_MESSAGE', 1010]],
  ['TLSV1_ALERT_UNKNOWN_CA', ['TLSV1_ALERT_UNKNOWN_CA', 1048]],
  ['TLSV1_ALERT_PROTOCOL_VERSION', ['TLSV1_ALERT_PROTOCOL_VERSION', 1070]],
  ['TLSV1_ALERT_DECODE_ERROR', ['TLSV1_ALERT_DECODE_ERROR', 1050]],
  ['TLSV1_ALERT_INTERNAL_ERROR', ['TLSV1_ALERT_INTERNAL_ERROR', 1080]],
  ['TLSV13_ALERT_CERTIFICATE_REQUIRED', ['TLSV1_ALERT_CERTIFICATE_REQUIRED', 1116]],
  ['TLSV1_UNRECOGNIZED_NAME', ['TLSV1_ALERT_UNRECOGNIZED_NAME', 1112]],
  ['TLSV1_ALERT_NO_APPLICATION_PROTOCOL', ['TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 1120]],
]);

/** Whether OpenSSL itself refused (and not the network). */
export function isTlsError(failure: TlsFailure): boolean {
  return failure.code.startsWith('ERR_SSL_') || failure.code.startsWith('ERR_OSSL_');
}

/** The reason of a failed handshake or connection; empty when the network failed. */
export function failureText(failure: TlsFailure): string {
  if (!isTlsError(failure)) return '';
  const name = failure.code.replace(/^ERR_(SSL|OSSL)_/, '');
  const [reason, number] = REASONS.get(name) ?? [name, 0];
  return tlsError(reason, number);
}

/** Certificates that the judge refuses: `detail` is the verifier's text. */
export function verifyFailureText(detail: string): string {
  return tlsError('CERTIFICATE_VERIFY_FAILED', 125, `verify cert failed: ${detail}`);
}

export function noCertificateText(): string {
  return tlsError('PEER_DID_NOT_RETURN_A_CERTIFICATE', 192, 'peer did not provide required client certificate');
}

function tlsError(reason: string, number: number, detail = ''): string {
  return `TLS_error:|${SSL_LIBRARY + number}:SSL routines:OPENSSL_internal:${reason}${detail === '' ? '' : `:${detail}`}:TLS_error_end`;
}
