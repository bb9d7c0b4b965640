import type { CertificateValidationContext, TlsCertificate, TlsSessionTicketKeys } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { CertificateInfo } from './network.ts';

/** `static_resources.secrets` by kind and name; null = there is none of that name. */
export interface SecretLookup {
  tlsCertificate(name: string): TlsCertificate | null;
  validationContext(name: string): CertificateValidationContext | null;
  sessionTicketKeys(name: string): TlsSessionTicketKeys | null;
}

/** A certificate as `/certs` and the gauges of expiration tell of it. */
export interface NamedCertificate {
  /** Below `ssl.certificate.`: the secret's name, or `unnamed_cert_<hash>`. */
  readonly statName: string;
  /** The file, or `<inline>`. */
  readonly path: string;
  /** Null: nothing is there that could expire. */
  readonly info: CertificateInfo | null;
}

/** The certificates of one TLS context. */
export interface TlsContextCertificates {
  /** `listener.<address>.`, `cluster.<name>.` */
  readonly statsPrefix: string;
  /** The first certificate of `trusted_ca`; null without a validation context. */
  readonly ca: NamedCertificate | null;
  readonly chain: readonly NamedCertificate[];
}

/** Hears of every TLS context that is built on the main thread. */
export interface CertificateObserver {
  onTlsContext(context: TlsContextCertificates): void;
}
